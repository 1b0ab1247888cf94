"""Results and the verdict on them, on real Postgres and Kafka: a replayed contest is cast, and the aggregates are put
on their topics by hand, as the count would: right, wrong or not at all.
"""

import csv
import json
from collections import Counter
from datetime import datetime
from typing import Any

import msgspec
import pytest

from election.casting import cast, close_poll
from election.contracts import aggregates, topics
from election.contracts.ages import age_group, age_on
from election.contracts.messages import SCHEMA_VERSION, encode
from election.count import wait_until_counted
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.nist import written
from election.reconciliation import reconcile, record
from election.results import against_before, compared, export, nist_report, results
from tests.nist_format import json_problems, selections, xml_problems

NA_H_EILEANAN_AN_IAR = "S14000027"  # the smallest electorate
SCENARIO = "uk-general-election-2019"
GENERATION = 1


@pytest.fixture(scope="module")
def poll(tables, published):
    """A replay whose poll is closed: every ballot is stored and published, and nothing is counted."""
    made = published("results", SCENARIO, contests=(NA_H_EILEANAN_AN_IAR,))
    cast(tables, made.slug)
    assert close_poll(tables, made.slug)
    return made


@pytest.fixture(scope="module")
def counted(tables, poll):
    """The same, counted: every total on its topic."""
    publish(tables, totals(tables, poll))
    return poll


def totals(platform, poll) -> dict[tuple[str, str], aggregates.Total]:
    """What a count of the stored ballots says: message by topic and key, worked out here, ballot by ballot."""
    with platform.connect("reader") as connection:
        ballots = connection.execute(
            """SELECT v.contest_no, c.name, v.candidate_no, k.given_name || ' ' || k.family_name, k.party_abbreviation,
                      l.location_no, l.country, l.region, l.city, w.gender, w.date_of_birth, v.cast_at
               FROM votes v JOIN voters w USING (election_no, voter_no)
               JOIN contests c ON (c.election_no, c.contest_no) = (v.election_no, v.contest_no)
               JOIN locations l ON (l.election_no, l.location_no) = (v.election_no, w.location_no)
               LEFT JOIN candidates k ON (k.election_no, k.candidate_no) = (v.election_no, v.candidate_no)
               WHERE v.election_no = %s""",
            [poll.election_no],
        ).fetchall()
    votes: Counter[tuple[str, str, tuple[tuple[str, Any], ...]]] = Counter()
    for contest, contest_name, candidate, name, party, location, country, region, city, gender, born, at in ballots:
        in_contest = {"district": contest, "contest": contest, "contest_name": contest_name}
        validity = "valid" if candidate else "invalid"
        group = age_group(age_on(born, poll.polling_day))
        hour = int(at.replace(minute=0, second=0, microsecond=0).timestamp()) * 1000
        rows = [
            (
                topics.BALLOTS_PER_CONTEST,
                f"{contest}/{contest}/1/{validity}",
                {**in_contest, "position": 1, "validity": validity},
            ),
            (
                topics.TURNOUT_BY_LOCATION,
                f"{location}",
                {"location": location, "country": country, "region": region, "city": city},
            ),
            (topics.TURNOUT_BY_GENDER, gender, {"gender": gender}),
            (topics.TURNOUT_BY_AGE_GROUP, group, {"age_group": group}),
            (aggregates.TURNOUT_BY_HOUR.topic, f"{hour}", {"hour": hour}),
        ]
        if candidate:
            standing = {"candidate": candidate, "candidate_name": name, "party": party}
            member, label = (str(candidate), name) if poll.series == "candidate" else (party, party)
            in_minute = {"minute": minute(at), "position": 1, "series": poll.series, "member": member, "label": label}
            rows += [
                (topics.VOTES_PER_CANDIDATE, f"{contest}/{contest}/{candidate}", {**in_contest, **standing}),
                (topics.VOTES_PER_PARTY, f"1/{party}", {"position": 1, "party": party}),
                (topics.VOTES_PER_MINUTE, f"{minute(at)}/1/{poll.series}/{member}", in_minute),
            ]
        votes.update((topic, key, tuple(fields.items())) for topic, key, fields in rows)
    head = {"schema_version": SCHEMA_VERSION, "generation": GENERATION, "election": poll.election_no}
    return {
        (topic, key): topics.AGGREGATES[topic](**head, votes=number, **dict(fields))
        for (topic, key, fields), number in votes.items()
    }


def minute(at: datetime) -> int:
    return int(at.timestamp()) // 60 * 60_000


def publish(platform, messages_by_key) -> None:
    producer = SafeProducer(platform.login("tally"))
    for (topic, key), message in messages_by_key.items():
        producer.produce(topic, encode(message), f"{message.election}/{GENERATION}/{key}".encode())
    producer.flush()


def test_before_the_count_every_candidate_has_no_votes_and_the_verdict_is_not_ok(tables, poll):
    found = results(tables, poll.slug)
    (contest,) = found["contests"]
    assert (found["status"], found["registered"], found["valid"], found["invalid"]) == ("closed", 21_106, 0, 0)
    assert found["abstained"] == found["registered"]
    assert contest["contest"] == NA_H_EILEANAN_AN_IAR
    assert [candidate["votes"] for candidate in contest["candidates"]] == [0, 0, 0, 0]
    verdict = reconcile(tables, poll.slug)
    assert not verdict.ok
    assert (verdict.registered, verdict.counted) == (21_106, 0)
    assert verdict.published == verdict.stored == contest["official_valid"] + contest["official_invalid"]


def test_an_election_is_not_counted_while_one_topic_lacks_its_ballots(tables, poll) -> None:
    without = {key: total for key, total in totals(tables, poll).items() if key[0] != topics.VOTES_PER_MINUTE}
    publish(tables, without)
    with pytest.raises(StageFailed, match=r"nothing has moved for \d+ s"):
        wait_until_counted(tables, poll.slug, timeout_stalled_s=2)


def test_totals_that_equal_the_stored_ballots_reconcile_and_are_the_official_result(tables, counted):
    verdict = reconcile(tables, counted.slug)
    assert verdict.differences == ()
    assert verdict.ok
    assert verdict.counted == verdict.published == verdict.stored
    found = results(tables, counted.slug)
    (contest,) = found["contests"]
    votes = [candidate["votes"] for candidate in contest["candidates"]]
    assert votes == [candidate["official"] for candidate in contest["candidates"]] == sorted(votes, reverse=True)
    assert (contest["valid"], contest["invalid"]) == (contest["official_valid"], contest["official_invalid"])
    assert found["registered"] == found["valid"] + found["invalid"] + found["abstained"]


def test_a_result_is_exported_for_programs_and_for_tables(tables, counted):
    folder = export(tables, counted.slug)
    found = compared(tables, counted.slug, pytest.fail)
    assert found["before"] is not None
    assert json.loads((folder / "result.json").read_text()) == found
    with (folder / "candidates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["candidate"]: int(row["votes"]) for row in rows} == {
        candidate["name"]: candidate["votes"] for candidate in found["contests"][0]["candidates"]
    }
    assert all(row["votes"] == row["official_votes"] for row in rows)


def test_a_result_that_is_not_certified_is_a_valid_report_of_nist(tables, counted):
    report = nist_report(tables, counted.slug)
    json_form, xml_form = written(report, "json"), written(report, "xml")
    assert (json_problems(json_form), xml_problems(xml_form)) == ([], [])
    made, found = json.loads(json_form), results(tables, counted.slug)
    assert (made["Status"], made["GpUnit"][0]["VotersRegistered"]) == ("unofficial-partial", found["registered"])
    assert made["Election"][0]["BallotCounts"][0]["BallotsCast"] == found["valid"] + found["invalid"]
    assert selections(made, 0) == {one["name"]: one["votes"] for one in found["contests"][0]["candidates"]}
    assert {one["Name"]["Text"][0]["Content"] for one in made["Party"]} >= {"Scottish National Party", "Conservative"}


def test_a_result_is_compared_with_the_election_before(tables, counted):
    found = against_before(tables, results(tables, counted.slug))
    assert found is not None
    assert (found["scenario"], found["title"]) == ("uk-general-election-2017", "UK general election 2017")
    (contest,) = found["contests"]
    assert (contest["contest"], contest["before"]) == (NA_H_EILEANAN_AN_IAR, "SNP")
    # SNP from 6,013 of 14,818 to 6,531 of 14,477; Labour from 5,006 to 4,093.
    assert contest["swing"] == found["swing"] == {"of": "Lab", "to": "SNP", "points": 5.02}


def test_one_wrong_total_is_named_and_stops_the_election(tables, counted):
    right = totals(tables, counted)
    place = next(key for key in right if key[0] == topics.VOTES_PER_PARTY)
    publish(tables, {place: msgspec.structs.replace(right[place], votes=right[place].votes + 1)})
    verdict = reconcile(tables, counted.slug)
    (difference,) = verdict.differences
    assert (difference.what, difference.key) == (topics.VOTES_PER_PARTY, f"{counted.election_no}/{place[1]}")
    assert (difference.expected, difference.found) == (right[place].votes, right[place].votes + 1)
    with pytest.raises(StageFailed, match=f"{difference.what} {difference.key}: expected {difference.expected}"):
        verdict.require_ok()


def test_a_verdict_is_kept_with_its_figures(tables, counted):
    verdict = reconcile(tables, counted.slug)
    record(tables, counted.slug, verdict)
    with tables.connect("reader") as connection:
        row = connection.execute(
            """SELECT ok, registered, stored, published, counted, rejected, differences FROM verdicts
               WHERE election_no = %s ORDER BY verdict_no DESC LIMIT 1""",
            [counted.election_no],
        ).fetchone()
    figures = (verdict.ok, verdict.registered, verdict.stored, verdict.published, verdict.counted, verdict.rejected)
    assert row[:6] == figures
    assert len(row[6]) == len(verdict.differences)
