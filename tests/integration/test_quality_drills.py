"""Faults planted in elections, one at a time: exactly the expectations that protect against it fail, at the gate that
comes first, with a message a person can act on. Every expectation is seen failing here.
"""

import re
import time
from dataclasses import dataclass, field

import pytest
from confluent_kafka import TopicPartition

from election.casting import cast, close_poll, open_poll, republish
from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION, RejectedRecord, TallyProgress, encode
from election.count import wait_until_counted
from election.electorate import check_electorate, seed_candidates, seed_voters
from election.errors import StageFailed
from election.messaging.aggregates import folded
from election.messaging.clients import SafeProducer, admin
from election.messaging.reading import bounds
from election.preparation import Registration, register
from election.publication import publish_candidates, publish_voters
from election.quality import Checkpoint, Validation, require_ok
from election.quality.recording import rested
from election.quality.validating import validate, validate_all
from election.reconciliation.mark import look_again
from election.settings import PROJECT
from election.storage.ballots import stored_votes
from tests.ballot_oracle import agree
from tests.quality_faults import copy, count, known, scratch

# The elections, each in order and as far as its name says: seeded, cast, counted; `open` still takes ballots. In
# `several`, which is cast, voters have a vote in their district's contest and a ranking in a contest of both districts.
SEEDED, OPEN, CAST, COUNTED, SIMULATED = "seeded", "open", "cast", "counted", "simulated"
SEVERAL = "several"
ELECTIONS = (SEEDED, OPEN, CAST, COUNTED, SIMULATED, SEVERAL)


@dataclass(frozen=True)
class Fault:
    """``plant`` is SQL on the election %(no)s, or the name of a function here that puts something on a topic."""

    gate: Checkpoint
    election: str
    plant: str
    critical: set[str] = field(default_factory=set)
    warnings: set[str] = field(default_factory=set)


BUCKETS = "votes_topic.buckets"
FAULTS: dict[str, Fault] = {
    # The electorate
    "voters are missing": Fault(
        "electorate", SEEDED, "DELETE FROM voters WHERE election_no = %(no)s AND voter_no <= 5",
        {"voters.number", "voters.district_size"},
    ),
    "a field of a voter is null": Fault(
        "electorate", SEEDED, "UPDATE voters SET street = NULL WHERE election_no = %(no)s AND voter_no IN (7, 9)",
        {"voters.complete"},
    ),
    "fields of voters are malformed": Fault(
        "electorate", SEEDED, "UPDATE voters SET email = 'nowhere' WHERE election_no = %(no)s AND voter_no IN (7, 9)",
        set(), {"voters.forms"},
    ),
    "a gender that turnout is not counted by": Fault(
        "electorate", SEEDED, "UPDATE voters SET gender = 'n/a' WHERE election_no = %(no)s AND voter_no = 4",
        {"voters.gender"},
    ),
    "a child on the register": Fault(
        "electorate", SEEDED,
        "UPDATE voters SET date_of_birth = '2001-12-13' WHERE election_no = %(no)s AND voter_no = 4",
        {"voters.of_age"},
    ),
    "a date of birth two centuries ago": Fault(
        "electorate", SEEDED,
        "UPDATE voters SET date_of_birth = '1819-01-01' WHERE election_no = %(no)s AND voter_no = 4",
        set(), {"voters.too_old"},
    ),
    "a voter of a district that is not there": Fault(
        "electorate", SEEDED, "UPDATE voters SET district_no = 9 WHERE election_no = %(no)s AND voter_no = 4",
        {"voters.district", "voters.district_size"},
    ),
    "two voters exchanged between districts": Fault(
        "electorate", SEEDED,
        "UPDATE voters SET district_no = 3 - district_no WHERE election_no = %(no)s AND voter_no IN (4, 404)",
        {"voters.numbers"},
    ),
    "a voter at a place that is not there": Fault(
        "electorate", SEEDED, "UPDATE voters SET location_no = 99 WHERE election_no = %(no)s AND voter_no = 4",
        {"voters.place"},
    ),
    "an electorate of men": Fault(
        "electorate", SEEDED, "UPDATE voters SET gender = 'male' WHERE election_no = %(no)s",
        set(), {"voters.women"},
    ),
    "an electorate of one age": Fault(
        "electorate", SEEDED, "UPDATE voters SET date_of_birth = '1980-01-01' WHERE election_no = %(no)s",
        set(), {"voters.ages"},
    ),
    "a contest without candidates": Fault(
        "electorate", SEEDED, "DELETE FROM candidates WHERE election_no = %(no)s AND contest_no = 2",
        {"contests.candidates", "contests.official", "contests.as_many_candidates"},
    ),
    "official votes that do not add up": Fault(
        "electorate", SEEDED,
        "UPDATE candidates SET official_votes = official_votes + 1 WHERE election_no = %(no)s AND candidate_no = 1",
        {"contests.official"},
    ),
    "official votes of a district that are not its contest's": Fault(
        "electorate", SEEDED,
        """UPDATE official_results SET votes = votes + 1
           WHERE election_no = %(no)s AND district_no = 2 AND candidate_no IS NULL""",
        {"contests.official"},
    ),
    "a contest that the scenario does not have": Fault(
        "electorate", SEEDED,
        """WITH third AS (
               INSERT INTO contests (election_no, contest_no, contest_id, name, region, country, registered)
               SELECT election_no, 3, 'D3', name, region, country, 1
               FROM contests WHERE election_no = %(no)s AND contest_no = 2)
           INSERT INTO candidates
               SELECT election_no, 3, 5, given_name, family_name, gender, party, party_abbreviation, 10
               FROM candidates WHERE election_no = %(no)s AND candidate_no = 1""",
        {"contests.number", "contests.as_many_candidates", "papers.contests"},
    ),
    "a contest with other voters than its districts'": Fault(
        "electorate", SEEDED, "UPDATE contests SET registered = 201 WHERE election_no = %(no)s AND contest_no = 2",
        {"contests.registered"},
    ),
    "a district that the scenario does not have": Fault(
        "electorate", SEEDED,
        """INSERT INTO districts SELECT election_no, 3, 'D3', name, region, country, 1, 501
           FROM districts WHERE election_no = %(no)s AND district_no = 2""",
        {"districts.number", "districts.registered", "voters.number", "voters.district_size"},
    ),
    "ranges of voter numbers that overlap": Fault(
        "electorate", SEEDED,
        "UPDATE districts SET first_voter_no = 300 WHERE election_no = %(no)s AND district_no = 2",
        {"districts.numbers", "voters.numbers"},
    ),
    "a paper without its contest": Fault(
        "electorate", SEEDED, "DELETE FROM papers WHERE election_no = %(no)s AND district_no = 2", {"papers.contests"},
    ),
    "a paper with a gap": Fault(
        "electorate", SEEDED, "UPDATE papers SET position = 2 WHERE election_no = %(no)s AND district_no = 2",
        {"papers.positions"},
    ),
    "a candidate of a contest that is not there": Fault(
        "electorate", SEEDED,
        "UPDATE candidates SET contest_no = 9, official_votes = 0 WHERE election_no = %(no)s AND candidate_no = 1",
        {"candidates.contest", "contests.official", "contests.as_many_candidates"},
    ),
    "a candidate of an unknown party": Fault(
        "electorate", SEEDED,
        "UPDATE candidates SET party_abbreviation = 'Z' WHERE election_no = %(no)s AND candidate_no = 1",
        {"candidates.party"},
    ),
    "a candidate without a name": Fault(
        "electorate", SEEDED,
        "UPDATE candidates SET given_name = ' ', family_name = '' WHERE election_no = %(no)s AND candidate_no = 1",
        {"candidates.complete"},
    ),
    "a candidate twice": Fault(
        "electorate", SEEDED,
        """UPDATE candidates SET given_name = 'Ada', family_name = 'Able', party_abbreviation = 'A'
           WHERE election_no = %(no)s AND candidate_no = 2""",
        set(), {"candidates.twice"},
    ),
    # Votes and ballots
    "an orphan vote": Fault(
        "casting", CAST,
        """INSERT INTO votes (election_no, voter_no, position, contest_no, candidate_no, cast_at)
           SELECT election_no, 9999, 1, 1, 1, opened_at FROM elections WHERE election_no = %(no)s""",
        {"votes.voter", "votes.official", "votes_topic.published", BUCKETS},
    ),
    "a vote for another contest's candidate": Fault(
        "casting", CAST,
        """UPDATE votes SET candidate_no = 4 WHERE election_no = %(no)s AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s AND candidate_no = 1)""",
        {"votes.candidate", "votes_topic.unaltered", BUCKETS},
    ),
    "a vote in a contest that is not there": Fault(
        "casting", CAST,
        """UPDATE votes SET contest_no = 9, candidate_no = NULL WHERE election_no = %(no)s AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s AND candidate_no = 1)""",
        {"votes.contest", "votes.paper", "votes.official", "votes_topic.unaltered", BUCKETS},
    ),
    "a vote in a contest that is not on its voter's paper": Fault(
        "casting", CAST,
        """UPDATE votes SET contest_no = 2, candidate_no = 4 WHERE election_no = %(no)s AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s AND candidate_no = 1)""",
        {"votes.paper", "votes.official", "votes_topic.unaltered", BUCKETS},
    ),
    "a double vote": Fault(
        "casting", CAST,
        """INSERT INTO votes (election_no, voter_no, position, contest_no, candidate_no, cast_at)
           SELECT election_no, voter_no, position, contest_no, NULL, cast_at FROM votes
           WHERE election_no = %(no)s AND candidate_no = 1 ORDER BY voter_no LIMIT 1""",
        {"votes.once", "votes.official", BUCKETS},
    ),
    "more votes than voters": Fault(
        "casting", CAST,
        "INSERT INTO votes SELECT v.* FROM votes v WHERE election_no = %(no)s",
        {"votes.abstained", "votes.once", "votes.official", BUCKETS},
    ),
    "an unpublished vote": Fault(
        "casting", CAST,
        """INSERT INTO votes (election_no, voter_no, position, contest_no, candidate_no, cast_at)
           SELECT election_no, voter_no, 1, district_no, NULL, opened_at
           FROM voters w JOIN elections USING (election_no) WHERE election_no = %(no)s AND NOT EXISTS
               (SELECT FROM votes v WHERE v.election_no = w.election_no AND v.voter_no = w.voter_no)
           ORDER BY voter_no LIMIT 1""",
        {"votes.official", "votes_topic.published", BUCKETS},
    ),
    "a lost vote": Fault(
        "casting", CAST,
        """DELETE FROM votes WHERE election_no = %(no)s AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s)""",
        {"votes.official", "votes_topic.known", BUCKETS},
    ),
    "a vote without a time": Fault(
        "casting", CAST,
        """UPDATE votes SET cast_at = NULL WHERE election_no = %(no)s AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s)""",
        {"votes.complete"},
    ),
    "a vote after the close": Fault(
        "casting", CAST,
        """UPDATE votes SET cast_at = now() + interval '1 hour' WHERE election_no = %(no)s AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s)""",
        set(), {"votes.time"},
    ),
    "a vote of a ballot that is lost": Fault(
        "casting", SEVERAL,
        """DELETE FROM votes WHERE election_no = %(no)s AND position = 2 AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s)""",
        {"votes.whole", "votes.official", "votes_topic.known", BUCKETS},
    ),
    "two votes at each other's position": Fault(
        "casting", SEVERAL,
        """UPDATE votes SET position = 3 - position WHERE election_no = %(no)s AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s)""",
        {"votes.paper", "votes_topic.unaltered", BUCKETS},
    ),
    "another ranking": Fault(
        "casting", SEVERAL,
        """UPDATE votes SET ranking = '{5,6,7}' WHERE election_no = %(no)s AND position = 2 AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s AND ranking = '{5,7}')""",
        {"votes_topic.unaltered", BUCKETS},
    ),
    "a ranking that names a candidate twice": Fault(
        "casting", SEVERAL,
        """UPDATE votes SET ranking = '{5,7,7}' WHERE election_no = %(no)s AND position = 2 AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s AND ranking = '{5,7}')""",
        {"votes.ranking", "votes_topic.unaltered", BUCKETS},
    ),
    "a ranking where there is none": Fault(
        "casting", CAST,
        """UPDATE votes SET ranking = '{1}' WHERE election_no = %(no)s AND voter_no =
               (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s AND candidate_no = 1)""",
        {"votes.ranking", "votes_topic.unaltered", BUCKETS},
    ),
    "a very low turnout": Fault(
        "casting", SIMULATED, "DELETE FROM votes WHERE election_no = %(no)s AND voter_no > 30",
        {"votes_topic.known", BUCKETS}, {"votes.turnout"},
    ),
    "a voter who was not published": Fault(
        "casting", CAST,
        """INSERT INTO voters
               SELECT election_no, 501, district_no, location_no, gender, date_of_birth, title, given_name, family_name,
                      email, phone, street, postcode, nationality
           FROM voters WHERE election_no = %(no)s AND voter_no = 1""",
        {"voters_topic.complete"},
    ),
    "a recreated topic of voters": Fault(
        "casting", CAST,
        """UPDATE elections SET voters_from = '{"0": 99999990}', voters_to = '{"0": 99999999}'
           WHERE election_no = %(no)s""",
        set(), {"voters_topic.there"},
    ),
    "a candidate under another name": Fault(
        "casting", CAST, "UPDATE candidates SET family_name = 'Other' WHERE election_no = %(no)s AND candidate_no = 1",
        {"candidates_topic.same"},
    ),
    # Totals and the stream
    "a changed total": Fault("count", COUNTED, "changed_total", {"aggregated_topics.equal"}),
    "a total ahead of the table": Fault("schedule", OPEN, "total_ahead", {"aggregated_topics.not_ahead"}),
    "a stream that stands still": Fault(
        "schedule", SIMULATED, "standing_still", set(), {"stream.fresh", "stream.alive"},
    ),
    # Rejected records
    "a record that cannot be used": Fault("casting", CAST, "rejected_record", set(), {"rejected_topic.none"}),
    "a rejection by an unknown program": Fault(
        "casting", CAST, "strange_rejection", {"rejected_topic.known"}, {"rejected_topic.none"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tables, tmp_path_factory):
    """A scratch database with an election in order at every stage."""
    platform = scratch(tables, tmp_path_factory.mktemp("root"))
    for slug in ELECTIONS:
        scenario = {SIMULATED: "single-race", SEVERAL: "drill-several"}.get(slug, "drill")
        register(platform, Registration(scenario, slug, voters=200 if slug == SIMULATED else None))
        seed_candidates(platform, slug)
        seed_voters(platform, slug, lambda _: None)
        check_electorate(platform, slug)
        if slug == SEEDED:
            continue
        publish_candidates(platform, slug)
        publish_voters(platform, slug, lambda _: None)
        open_poll(platform, slug)
        cast(platform, slug, log=lambda _: None)
        if slug != OPEN:
            close_poll(platform, slug)
        if slug in (OPEN, COUNTED):
            count(platform, slug)
        if slug == COUNTED:
            wait_until_counted(platform, slug, lambda _: None)
    return platform


def names(validation, severity):
    return {finding.name for finding in validation.findings if finding.severity == severity}


@pytest.mark.parametrize("slug", ELECTIONS)
def test_an_election_in_order_meets_every_expectation_at_every_checkpoint(base, slug):
    tell_progress(base)
    gates: dict[str, list[Checkpoint]] = {
        SEEDED: ["electorate"],
        OPEN: ["schedule"],
        COUNTED: ["electorate", "casting", "count", "schedule"],
    }
    for gate in gates.get(slug, ["casting"]):
        validation = validate(base, slug, gate, lambda _: None)
        assert validation.findings == ()
        assert validation.ok and validation.expectations > 1


def test_the_schedule_looks_at_every_election_whose_poll_has_opened(base):
    tell_progress(base)
    found = validate_all(base, lambda _: None)
    assert [validation.election for validation in found] == [SEVERAL, SIMULATED, COUNTED, CAST, OPEN]
    assert all(validation.checkpoint == "schedule" and validation.ok for validation in found)


def test_the_schedule_leaves_out_an_election_whose_last_validation_took_long(base):
    tell_progress(base)
    validate(base, OPEN, "schedule", lambda _: None)
    took = "UPDATE validations SET seconds = %s"
    with base.connect("owner") as connection:
        connection.execute(took, [3600])
    told: list[str] = []
    found = validate_all(base, told.append, share=0.1)
    assert OPEN not in {validation.election for validation in found}
    assert any(f"{OPEN} is left out" in line for line in told)
    with base.connect("owner") as connection:
        connection.execute(took, [0])
    assert OPEN in rested(base, 0.1)


def looked_again(platform, slug):
    return validate(platform, slug, "schedule", lambda _: None, look_again)


def test_a_scheduled_look_gets_no_parallel_workers(base):
    told = []

    def noted(platform, connection, *rest):
        told.append(connection.execute("SHOW max_parallel_workers_per_gather").fetchone())
        return look_again(platform, connection, *rest)

    validate(base, CAST, "schedule", lambda _: None, noted)
    assert told == [("0",)]


@pytest.mark.parametrize("slug", [OPEN, CAST, COUNTED, SEVERAL])
def test_a_second_look_is_at_what_has_changed_alone(base, slug):
    tell_progress(base)
    everything = validate(base, slug, "schedule", lambda _: None)
    first, second = looked_again(base, slug), looked_again(base, slug)
    assert everything.ok and first.ok and second.ok
    assert second.expectations < everything.expectations / 2


@pytest.mark.parametrize(
    "fault",
    [
        "an orphan vote", "a vote for another contest's candidate", "a lost vote", "an unpublished vote",
        "another ranking", "a vote of a ballot that is lost",
        "a voter at a place that is not there", "a candidate under another name",
    ],
)  # fmt: skip
def test_a_second_look_finds_what_was_changed_since_whoever_changed_it(base, fault):
    drill = FAULTS[fault]
    tell_progress(base)
    assert looked_again(base, drill.election).ok
    with copy(base, f"again_{list(FAULTS).index(fault)}") as scratched:
        with scratched.connect("owner") as connection:
            connection.execute(drill.plant.encode(), {"no": known(scratched, drill.election).election_no})
        found = looked_again(scratched, drill.election)
        assert names(found, "critical") == drill.critical
        assert names(looked_again(scratched, drill.election), "critical") == drill.critical, "until it is mended"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_exactly_what_protects_against_it_at_its_gate(base, fault):
    drill = FAULTS[fault]
    with copy(base, str(list(FAULTS).index(fault))) as scratched:
        poll = known(scratched, drill.election)
        tell_progress(scratched)
        plant, undo = PLANTS.get(drill.plant), None
        if plant is None:
            with scratched.connect("owner") as connection:
                connection.execute(drill.plant.encode(), {"no": poll.election_no})
        else:
            undo = plant(scratched, poll)
        try:
            validation = validate(scratched, drill.election, drill.gate, lambda _: None)
            if drill.election != SEEDED:  # what compares ballots finds what a slow oracle of another make finds
                agree(scratched, poll)
        finally:
            if undo is not None:
                undo()
    assert names(validation, "critical") == drill.critical
    assert names(validation, "warning") == drill.warnings
    if not drill.critical:
        require_ok([validation], "reports")
        message = str(validation.findings[0])
    else:
        with pytest.raises(StageFailed) as failed:
            require_ok([validation], "reports")
        message = str(failed.value)
        assert all(name in message for name in drill.critical)
        assert f"Report: reports/{validation.report}" in message
    for finding in validation.findings:
        assert finding.act and (finding.rows or finding.observed)
    pages = [file.read_text() for file in (base.settings.data_docs / validation.report).parent.iterdir()]
    assert not any(text in page for page in pages for text in ("@example.org", "nowhere", "Able"))
    SEEN[fault] = validation


SEEN: dict[str, Validation] = {}


def test_every_expectation_is_seen_failing():
    listed = set(
        re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", (PROJECT / "docs" / "expectations.md").read_text(), re.MULTILINE)
    )
    assert listed == set().union(*(drill.critical | drill.warnings for drill in FAULTS.values()))


def test_the_documentation_shows_every_fault_with_its_message(base):
    if SEEN.keys() != FAULTS.keys():
        pytest.skip("not every drill has run")
    page = (PROJECT / "docs" / "expectations.md").read_text()
    rows = [row(fault, FAULTS[fault], validation) for fault, validation in SEEN.items()]
    absent = [line for line in rows if line not in page]
    assert absent == [], "docs/expectations.md should have:\n" + "\n".join(rows)


def test_a_second_look_at_an_open_poll_finds_a_forged_ballot_and_not_one_published_again(base):
    tell_progress(base)
    assert looked_again(base, OPEN).ok
    republish(base, OPEN)
    assert looked_again(base, OPEN).ok
    poll = known(base, OPEN)
    with base.connect("auditor") as connection:
        own, value = next(stored_votes(connection, poll))
    forged = b"\x5a" * 16
    producer = SafeProducer(base.kafka)
    producer.produce(topics.VOTES, value.replace(own.hex().encode(), forged.hex().encode()), forged)
    producer.flush()
    with copy(base, "forged") as scratched:  # what is found there stays there
        assert names(looked_again(scratched, OPEN), "critical") == {"votes_topic.known"}
        assert names(looked_again(scratched, OPEN), "critical") == {"votes_topic.known"}, (
            "though it is not new any more"
        )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE locations SET city = city || '!' WHERE election_no = %(no)s", set()),
        ("UPDATE elections SET polling_day = polling_day + 1 WHERE election_no = %(no)s", set()),
        ("UPDATE ballot_keys SET key = sha256(key) WHERE election_no = %(no)s",
         {"votes_topic.known", "votes_topic.published", BUCKETS}),
    ],
)  # fmt: skip
def test_a_second_look_is_at_everything_once_what_decides_about_ballots_was_changed(base, change, found):
    tell_progress(base)
    everything = validate(base, CAST, "schedule", lambda _: None)
    assert looked_again(base, CAST).ok
    with copy(base, "decides") as scratched:
        with scratched.connect("owner") as connection:
            connection.execute(change.encode(), {"no": known(scratched, CAST).election_no})
        again = looked_again(scratched, CAST)
        assert again.expectations == everything.expectations
        assert names(again, "critical") == found


def row(fault, drill, validation):
    """A line of the table in docs/expectations.md; ballot ids and seconds, which change, are left out."""
    others = [f for f in validation.findings if not f.name.endswith((".official", ".buckets"))]
    shown = (others or validation.findings)[0]
    message = re.sub(r"ballot [0-9a-f]{32}", "ballot …", str(shown).removeprefix(f"{shown.severity} "))
    message = re.sub(r"found 1\d\d(\.\d+)?", "found …", re.sub(r" 50\d{4}/", " n/", message))
    expectations = ", ".join(f"`{finding.name}`" for finding in validation.findings)
    return f"| {fault} | {expectations} | {drill.gate} | {message} |"


def tell_progress(platform, ago=1.0, votes=0):
    """The stream tells of itself, as it does every few seconds, ``ago`` seconds ago."""
    told = folded(platform.kafka).progress
    generation = (told.generation if told else 1) + (1 if ago > 60 else 0)
    producer = SafeProducer(platform.login("tally"))
    at = time.time_ns() // 1_000_000 - int(ago * 1000)
    progress = TallyProgress(SCHEMA_VERSION, generation, 1, votes, 0, 0, 0, 0.0, 0.0, 1, 1, 1, "drill", "", at)
    producer.produce(topics.TALLY_PROGRESS, encode(progress), str(generation).encode())
    producer.flush()


def changed_total(platform, poll):
    count(platform, poll.slug, more=3)
    return lambda: taken_back(platform, poll)


def total_ahead(platform, poll):
    count(platform, poll.slug, more=1)
    return lambda: taken_back(platform, poll)


def taken_back(platform, poll):
    producer = SafeProducer(platform.login("tally"))
    producer.produce(topics.VOTES_PER_CANDIDATE, None, f"{poll.election_no}/1/1/1/1".encode())
    producer.flush()


def standing_still(platform, poll):
    """Nothing of the election is counted, and its votes are minutes old."""
    tell_progress(platform, ago=120)
    with platform.connect("owner") as connection:
        connection.execute(
            "UPDATE elections SET opened_at = opened_at - interval '1 hour' WHERE election_no = %s", [poll.election_no]
        )
        connection.execute(
            "UPDATE votes SET cast_at = cast_at - interval '5 minutes' WHERE election_no = %s", [poll.election_no]
        )


def rejected_record(platform, poll, reason="late"):
    record = RejectedRecord(SCHEMA_VERSION, "casting", poll.election_no, "a_topic", 0, 7, None, None, reason, "", 1)
    key = f"a_topic/0/7/{poll.election_no}".encode()
    producer = SafeProducer(platform.kafka)
    producer.produce(topics.REJECTED, encode(record), key)
    producer.flush()

    def undo():
        producer.produce(topics.REJECTED, None, key)
        producer.flush()

    return undo


def strange_rejection(platform, poll):
    return rejected_record(platform, poll, "no_such_reason")


PLANTS = {
    plant.__name__: plant for plant in (changed_total, total_ahead, standing_still, rejected_record, strange_rejection)
}


# The last test: the topic's ballots are gone afterwards.
def test_a_second_look_finds_that_ballots_were_deleted_from_the_topic(base):
    tell_progress(base)
    assert looked_again(base, CAST).ok
    end = bounds(base.kafka, topics.VOTES)[1]
    gone = [TopicPartition(topics.VOTES, partition, offset) for partition, offset in end.items()]
    client = admin(base.login("admin"))  # kept until the answers are there
    for deleted in client.delete_records(gone).values():
        deleted.result()
    assert names(looked_again(base, CAST), "critical") == {"votes_topic.published", BUCKETS}
