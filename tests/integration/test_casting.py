"""Casting on real Kafka and Postgres: every ballot is stored and published once, whatever happens."""

import os
import signal
import subprocess
import sys
import threading
from base64 import b64decode
from functools import partial

import msgspec
import psycopg
import pytest
from confluent_kafka.admin import NewTopic

from election.casting import Patience, cast, close_poll, open_poll, pace
from election.casting import worker as casting_worker
from election.casting.faults import STEPS
from election.casting.range import Range
from election.contracts import topics
from election.contracts.messages import VoterRecord, encode
from election.errors import NotReachable, StageFailed
from election.messaging.clients import SafeProducer, admin
from election.messaging.reading import bounds, read
from election.messaging.rejected import rejected
from election.orchestration.casting import cast as cast_in_a_task
from election.preparation import Registration, register
from election.publication.voters import record_range
from election.reconciliation.electorate import published_voters
from election.reconciliation.offered import unaccounted
from election.stack.services import STORAGE
from election.stack.supervision import Supervisor
from election.storage.elections import election
from tests.ballots import compared, official, once_votes_are_stored, tally, worker
from tests.certifying import start_again
from tests.count_faults import away

YNYS_MON = "W07000041"
NA_H_EILEANAN_AN_IAR = "S14000027"  # the smallest electorate


def test_a_replay_stores_and_publishes_exactly_the_official_ballots(tables, published):
    poll = published("cast-replay", "uk-general-election-2019", contests=(NA_H_EILEANAN_AN_IAR,))
    done = cast(tables, poll.slug)
    assert tally(tables, poll) == official(tables, poll)
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.published, comparison.duplicates) == (done.ballots, done.ballots, 0)
    assert comparison.differing == 0
    assert close_poll(tables, poll.slug)
    with tables.connect("reader") as connection:
        assert election(connection, poll.slug).state == "closed"


@pytest.fixture(scope="module")
def killed(tables, published):
    """An election for each step of the loop, whose worker was killed there in its second batch; all at once."""
    polls = {step: published(f"cast-killed-{step}", voters=4_000) for step in STEPS}
    dying = {
        step: worker(poll.slug, ELECTION_CASTING_FAULT=f"{step}:2", ELECTION_CASTING_BATCH="500")
        for step, poll in polls.items()
    }
    for process in dying.values():
        output, _ = process.communicate(timeout=90)
        assert process.returncode == -signal.SIGKILL, output.decode()
    return polls


@pytest.fixture(scope="module")
def undisturbed(tables, published):
    """What the same voters decide when no worker dies."""
    poll = published("cast-undisturbed", voters=4_000)
    cast(tables, poll.slug)
    return tally(tables, poll)


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_of_the_loop_loses_and_doubles_nothing(tables, killed, undisturbed, step):
    poll = killed[step]
    assert sum(tally(tables, poll).values()) < 1_001  # two batches of 500, not all of whom vote
    cast(tables, poll.slug)
    comparison = compared(tables, poll)
    assert comparison.differing == 0
    assert comparison.stored == comparison.published > 2_000
    assert tally(tables, poll) == undisturbed
    assert close_poll(tables, poll.slug)


def test_two_workers_one_of_which_dies_end_as_one_alone(tables, published):
    alone, together = published("cast-alone", voters=20_000), published("cast-together", voters=20_000)
    cast(tables, alone.slug)
    dying = worker(together.slug, ELECTION_CASTING_FAULT="flushed:3", ELECTION_CASTING_BATCH="500")
    # It cannot be through with everything before the other one dies.
    staying = worker(together.slug, "--worker", "1", "--rate", "2000", ELECTION_CASTING_BATCH="500")
    fate, _ = dying.communicate(timeout=90)
    output, _ = staying.communicate(timeout=90)
    assert dying.returncode == -signal.SIGKILL, fate.decode()
    assert staying.returncode == 0, output.decode()
    assert tally(tables, together) == tally(tables, alone)
    assert compared(tables, together).differing == 0


def test_a_worker_told_to_end_stops_after_its_batch_and_the_next_goes_on(tables, published, undisturbed):
    poll = published("cast-told", voters=4_000)
    told = worker(poll.slug, "--rate", "200")
    once_votes_are_stored(tables, poll, told.terminate)
    output, _ = told.communicate(timeout=60)
    assert told.returncode == 1, output.decode()
    assert "goes on from there" in output.decode()
    assert 0 < sum(tally(tables, poll).values()) < sum(undisturbed.values())
    going_on = worker(poll.slug)
    output, _ = going_on.communicate(timeout=60)
    assert going_on.returncode == 0, output.decode()
    assert tally(tables, poll) == undisturbed
    comparison = compared(tables, poll)
    assert (comparison.duplicates, comparison.differing) == (0, 0)


def test_a_task_told_to_end_with_voters_left_is_no_success_and_the_next_try_goes_on(tables, published, undisturbed):
    poll = published("cast-task-told", voters=4_000)
    answer = signal.getsignal(signal.SIGTERM)
    told = threading.Thread(
        target=once_votes_are_stored, args=(tables, poll, lambda: os.kill(os.getpid(), signal.SIGTERM))
    )
    told.start()
    with pytest.raises(StageFailed, match="goes on from there"):
        cast_in_a_task(tables, poll.slug, 0, 200)
    told.join()
    assert 0 < sum(tally(tables, poll).values()) < sum(undisturbed.values())
    assert signal.getsignal(signal.SIGTERM) == answer
    assert cast_in_a_task(tables, poll.slug, 0, 0)["ballots"] > 0
    assert tally(tables, poll) == undisturbed
    assert compared(tables, poll).differing == 0


def test_voters_offered_again_change_nothing(tables, published):
    poll = published("cast-again", voters=3_000)
    cast(tables, poll.slug)
    before = tally(tables, poll)
    with tables.connect("reader") as connection:
        group = Range.of(election(connection, poll.slug)).group
    client = admin(tables.login("admin"))
    client.delete_consumer_groups([group])[group].result(30)
    cast(tables, poll.slug)
    assert tally(tables, poll) == before
    comparison = compared(tables, poll)
    assert comparison.differing == 0
    assert comparison.duplicates == comparison.stored


def test_unusable_records_are_kept_whole_with_their_origin_and_reason(tables, published):
    poll = published("cast-bad", voters=1_000)
    no, partition = poll.election_no, 0
    first = next(m for m in read(tables.kafka, topics.VOTERS) if m.key() == f"{no}/1".encode())
    planted = {
        None: "null",
        b"\xff\xfe\x00": "not_utf8",
        b'{"gender":"\xff"}': "not_utf8",
        b"{not json": "not_json",
        b"[" * 5_000: "not_json",
        b'{"more":' * 5_000: "not_json",
        b'{"schema_version":1,"election":"one"}': "wrong_type",
        b'{"schema_version":99}': "unknown_version",
        encode(VoterRecord(1, 999_999, 1, 1, 1, "female", "25-34")): "unknown_election",
        encode(VoterRecord(1, no, 1_001, 1, 1, "female", "25-34")): "unknown_voter",
        encode(VoterRecord(1, no, 1, 7, 1, "female", "25-34")): "unknown_contest",
        encode(VoterRecord(1, no, 1, 1, 1, "female", "25-34"))[:-1] + b',"more":"%s"}' % (b"x" * 100_000): "too_large",
    }
    producer = SafeProducer(tables.kafka)
    for value in planted:
        producer.produce(topics.VOTERS, value, b"planted", partition)
    producer.produce(topics.VOTERS, first.value(), b"again", partition)  # a voter who is there already
    producer.flush()
    with tables.connect("app") as connection:  # the range ends after what was planted
        record_range(
            connection, no, {int(p): o for p, o in poll.voters_from.items()}, bounds(tables.kafka, topics.VOTERS)[1]
        )
    done = cast(tables, poll.slug)
    found = {record.value: record for record in rejected(tables, no)}
    assert {None if v is None else b64decode(v): r.reason for v, r in found.items()} == planted
    assert {(r.topic, r.partition, r.stage) for r in found.values()} == {(topics.VOTERS, partition, "casting")}
    assert done.rejected == len(planted)
    assert compared(tables, poll).differing == 0


def test_voters_of_another_district_or_of_no_place_are_rejected(tables, published):
    poll = published("cast-misplaced", "uk-general-election-2019", contests=(YNYS_MON, NA_H_EILEANAN_AN_IAR))
    first = next(m for m in read(tables.kafka, topics.VOTERS) if m.key() == f"{poll.election_no}/1".encode())
    voter = msgspec.json.decode(first.value() or b"", type=VoterRecord)
    misplaced = [
        msgspec.structs.replace(voter, district=3 - voter.district),
        msgspec.structs.replace(voter, location=999_999),
    ]
    producer = SafeProducer(tables.kafka)
    for record in misplaced:
        producer.produce(topics.VOTERS, encode(record), b"planted", 0)
    producer.flush()
    with tables.connect("app") as connection:
        record_range(
            connection, poll.election_no, {int(p): o for p, o in poll.voters_from.items()},
            bounds(tables.kafka, topics.VOTERS)[1],
        )  # fmt: skip
    cast(tables, poll.slug)
    found = {b64decode(record.value or ""): record.reason for record in rejected(tables, poll.election_no)}
    assert found == {encode(misplaced[0]): "other_contest", encode(misplaced[1]): "wrong_type"}


def test_voters_that_version_0_1_published_vote_as_the_same_voters_do_now(tables, published, undisturbed):
    """An election may be open while the platform is upgraded."""
    poll = published("cast-older", voters=4_000)
    begin = {int(partition): offset for partition, offset in poll.voters_from.items()}
    own = b'"election":%d,' % poll.election_no
    records = [m for m in read(tables.kafka, topics.VOTERS, begin) if own in (m.value() or b"")]
    _, begin = bounds(tables.kafka, topics.VOTERS)
    producer = SafeProducer(tables.kafka)
    for record in records:
        older = (record.value() or b"").replace(b'"district":', b'"contest":')
        producer.produce(topics.VOTERS, older, record.key() or b"", record.partition() or 0)
    producer.flush()
    with tables.connect("app") as connection:
        record_range(connection, poll.election_no, begin, bounds(tables.kafka, topics.VOTERS)[1])
        poll = election(connection, poll.slug)
    cast(tables, poll.slug)
    assert tally(tables, poll) == undisturbed
    assert list(rejected(tables, poll.election_no)) == []
    (district,) = published_voters(tables, poll, 4_000)
    assert (district.stored, district.published) == (4_000, 4_000)


def test_reconciliation_accounts_for_every_voter_who_decided_to_vote(tables, published):
    poll = published("cast-offered", voters=2_000)

    def found():
        with tables.connect("auditor") as connection:
            return list(unaccounted(tables, connection, election(connection, poll.slug)))

    assert found() == []  # as long as the poll is open
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    assert found() == []
    with tables.connect("owner") as connection:  # one ballot lost, one changed
        connection.execute(
            """DELETE FROM votes WHERE election_no = %(no)s AND voter_no =
                   (SELECT max(voter_no) FROM votes WHERE election_no = %(no)s)""",
            {"no": poll.election_no},
        )
        connection.execute(
            """UPDATE votes SET candidate_no = candidate_no %% 3 + 1 WHERE election_no = %(no)s AND voter_no =
                   (SELECT min(voter_no) FROM votes WHERE election_no = %(no)s AND candidate_no IS NOT NULL)""",
            {"no": poll.election_no},
        )
    assert found() == [("voters whose ballot is not stored as they cast it", "contest 1", 2)]


def test_workers_that_start_while_postgres_and_kafka_are_away_wait_for_them(tables, published):
    poll = published("cast-away", voters=1_000)
    supervisor = Supervisor(tables.settings)
    for service in STORAGE:
        supervisor.stop_program(service)
    early = worker(poll.slug)
    assert early.stdout is not None
    assert "begins again" in next(iter(early.stdout)).decode()
    assert early.poll() is None
    start_again(tables, STORAGE)
    output, _ = early.communicate(timeout=120)
    assert early.returncode == 0, output.decode()
    assert compared(tables, poll).stored == sum(tally(tables, poll).values()) > 500


def test_a_poll_is_closed_once_kafka_answers_again(tables, published):
    poll = published("cast-close-away", voters=1_000)
    cast(tables, poll.slug)
    with away(tables, "kafka"):
        closing = subprocess.Popen(
            [sys.executable, "-m", "election.cli", "close", poll.slug], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert closing.stdout is not None
        assert "begins again" in next(iter(closing.stdout)).decode()
    output, _ = closing.communicate(timeout=120)
    assert closing.returncode == 0, output.decode()
    with tables.connect("reader") as connection:
        assert election(connection, poll.slug).state == "closed"


def test_a_worker_does_not_wait_for_ever():
    def unanswered():
        raise NotReachable("Postgres does not answer")

    told: list[str] = []
    with pytest.raises(NotReachable):
        Patience("Worker 0", told.append, threading.Event(), seconds=0).attempts()(unanswered)
    assert told == []


def test_a_worker_that_cannot_store_anything_gives_up_although_all_else_answers(tables, published, monkeypatch):
    poll, stop, raised = published("cast-full", voters=100), threading.Event(), []
    monkeypatch.setattr(casting_worker, "Patience", partial(Patience, seconds=10))
    monkeypatch.setattr(pace, "_POLL_SECONDS", 0.01)  # so that each attempt begins with batches that are empty

    def working():
        try:
            cast(tables, poll.slug, stop=stop)
        except psycopg.errors.DiskFull as error:
            raised.append(error)

    with tables.connect("owner") as connection:
        connection.execute(
            """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
               $$BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END$$"""
        )
        connection.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON votes FOR EACH STATEMENT EXECUTE FUNCTION full_disk()"
        )
    try:
        failing = threading.Thread(target=working)
        failing.start()
        failing.join(120)
        assert not failing.is_alive()
    finally:
        stop.set()
        with tables.connect("owner") as connection:
            connection.execute("DROP FUNCTION full_disk CASCADE")
    assert len(raised) == 1
    failing.join()
    cast(tables, poll.slug)
    assert compared(tables, poll).differing == 0


def test_a_record_that_kafka_refuses_for_good_is_no_outage(tables):
    client, name = admin(tables.login("admin")), "small-records"
    client.create_topics([NewTopic(name, 1, 1, config={"max.message.bytes": "1000"})])[name].result(30)
    producer = SafeProducer(tables.login("admin"))
    producer.produce(name, os.urandom(5_000), b"large")
    with pytest.raises(StageFailed, match="refuses"):
        producer.flush()
    client.delete_topics([name])[name].result(30)


def test_two_elections_side_by_side_do_not_mix(tables, published):
    one, two = published("cast-one", voters=2_000, seed=1), published("cast-two", voters=3_000, seed=2)
    with tables.connect("app") as connection:  # as if both had been published at the same time
        begin, end = ({int(p): at for p, at in noted.items()} for noted in (one.voters_from, two.voters_to))
        record_range(connection, one.election_no, begin, end)
    first = worker(one.slug)
    cast(tables, two.slug)
    assert first.wait(timeout=60) == 0
    for poll in (one, two):
        comparison = compared(tables, poll)
        assert comparison.differing == 0
        assert comparison.stored == sum(tally(tables, poll).values())
        assert list(rejected(tables, poll.election_no)) == []


def test_the_stages_refuse_to_run_out_of_order_and_say_what_comes_first(tables, published):
    register(tables, Registration("single-race", "cast-early", voters=100))
    with pytest.raises(StageFailed, match="election publish"):
        open_poll(tables, "cast-early")
    poll = published("cast-open", voters=100)
    with pytest.raises(StageFailed, match="100 of 100 voters"):
        close_poll(tables, poll.slug)


def test_the_database_refuses_a_second_vote_and_another_contests_candidate(tables, published):
    poll = published("cast-constraints", "uk-general-election-2019", contests=(YNYS_MON, NA_H_EILEANAN_AN_IAR))
    vote = "INSERT INTO votes VALUES (%s, 1, 1, %s, now(), 1)"
    with tables.connect("app") as connection:
        (other,) = connection.execute(
            "SELECT min(candidate_no) FROM candidates WHERE election_no = %s AND contest_no = 2", [poll.election_no]
        ).fetchone()
        with pytest.raises(psycopg.errors.ForeignKeyViolation), connection.transaction():
            connection.execute(vote, [poll.election_no, other])
        connection.execute(vote, [poll.election_no, 1])
        with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
            connection.execute(vote, [poll.election_no, None])
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("DELETE FROM votes WHERE election_no = %s", [poll.election_no])
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(
                "INSERT INTO verdicts (election_no, ok, registered, stored, counted, rejected, differences) "
                "VALUES (%s, true, 0, 0, 0, 0, '[]')",
                [poll.election_no],
            )


def test_voters_of_a_feeds_election_that_were_published_meanwhile_are_passed_over(tables, published):
    poll, fed = published("beside-a-feed", voters=60), published("the-feed", voters=50, ballots="external")
    with tables.connect("app") as connection:  # as when both are published at the same time
        connection.execute(
            "UPDATE elections SET voters_to = (SELECT voters_to FROM elections WHERE slug = %s) WHERE slug = %s",
            [fed.slug, poll.slug],
        )
    cast(tables, poll.slug)
    assert list(rejected(tables, poll.election_no)) == []
