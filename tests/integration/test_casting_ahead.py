"""A worker fetches the next batch while Postgres stores the last: what becomes of both when that is disturbed."""

import logging
import threading
from dataclasses import replace

import psutil
import psycopg
import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from election.casting import cast, close_poll
from election.casting import worker as casting_worker
from election.casting.intake import Intake
from election.casting.pace import Rate
from election.casting.patience import Patience
from election.casting.storing import Vote, prepare
from election.casting.storing import send as send_to_postgres
from election.contracts import topics
from election.contracts.messages import ExternalBallot
from election.count.driver import wait_for
from election.messaging.clients import SafeProducer, consumer
from election.messaging.reading import bounds, read
from tests.ballots import compared, once_votes_are_stored, send, tally, worker


def records_of(tables, poll):
    own = f'"election":{poll.election_no},'.encode()
    return [message for message in read(tables.kafka, topics.VOTERS) if own in (message.value() or b"")]


def test_a_worker_that_joins_during_a_batch_is_offered_none_of_it(tables, published):
    poll, joined = published("ahead-joined", voters=20_000), []
    working = worker(poll.slug, ELECTION_CASTING_BATCH="20")
    joining = threading.Thread(target=lambda: joined.append(cast(tables, poll.slug, worker=1)))
    once_votes_are_stored(tables, poll, joining.start)
    output, _ = working.communicate(timeout=90)
    joining.join(90)
    assert working.returncode == 0, output.decode()
    comparison = compared(tables, poll)
    assert (comparison.duplicates, comparison.differing) == (0, 0)
    assert 0 < joined[0].ballots < comparison.stored


def test_a_batch_that_was_begun_and_dropped_leaves_nothing_behind(tables, published):
    poll = published("ahead-dropped", voters=100)
    records = records_of(tables, poll)
    with tables.connect("app") as connection:
        connection.autocommit = True
        intake = Intake(tables, connection, poll)
        intake.begin(records)
        intake.drop()
        intake.drop()
        assert tally(tables, poll) == {}
        assert intake.take(records).ballots == sum(tally(tables, poll).values()) > 50
    assert compared(tables, poll).duplicates == 0


def test_a_batch_with_old_ballots_is_stored_whatever_the_one_before_it_was(tables, published, monkeypatch):
    poll, looked_up = published("ahead-old", voters=400), []
    records, execute = records_of(tables, poll), psycopg.Connection.execute
    first, second, third = records[:100], records[100:200], records[200:300]

    def noting(connection, query, *values, **options):
        if str(query).lstrip().startswith("INSERT INTO votes"):
            looked_up.append("ON CONFLICT" in query)
        return execute(connection, query, *values, **options)

    with tables.connect("app") as connection:
        connection.autocommit = True
        intake = Intake(tables, connection, poll)
        monkeypatch.setattr(psycopg.Connection, "execute", noting)
        offered = 0
        for batch, how in (
            (first, [True]),  # nobody knows what a worker before this one has stored
            (second, [False]),
            (second[50:] + third, [False, True]),
            (second, [True]),
            (records[300:], [True]),
            (first, [False, True]),
        ):
            looked_up.clear()
            offered += intake.take(batch).ballots
            assert looked_up == how
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.differing) == (sum(tally(tables, poll).values()), 0)
    assert comparison.stored + comparison.duplicates == offered


def test_a_fetch_that_fails_while_a_batch_is_stored_costs_the_batch_and_nothing_else(
    tables, published, monkeypatch, caplog
):
    poll = published("ahead-failed", voters=2_000)
    told: list[str] = []
    stored: list[dict[int | None, int]] = []
    fetch_ahead = Rate.fetch_ahead

    def failing_once(self, most):
        if not stored:
            stored.append(tally(tables, poll))
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        fetch_ahead(self, most)

    monkeypatch.setattr(Rate, "fetch_ahead", failing_once)
    with caplog.at_level(logging.WARNING):
        done = cast(tables, poll.slug, log=told.append)
    assert stored == [{}]
    assert any("begins again" in line for line in told)
    assert caplog.records == []
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.duplicates, comparison.differing) == (done.ballots, 0, 0)


def test_what_is_left_of_a_batch_whose_connection_died_is_dropped_in_silence(tables, published):
    poll = published("ahead-dead", voters=100)
    with tables.connect("app") as connection, tables.connect("app") as other:
        connection.autocommit = True
        intake = Intake(tables, connection, poll)
        intake.begin(list(read(tables.kafka, topics.VOTERS))[:10])
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        assert wait_for(lambda: not psutil.pid_exists(connection.info.backend_pid), 10)
        intake.drop()
    assert tally(tables, poll) == {}


def test_nobody_waits_for_good_for_a_worker_that_was_stopped_inside_a_transaction(tables, published, monkeypatch):
    poll = published("ahead-stopped", voters=2_000)
    told: list[str] = []
    others: list[int] = []
    monkeypatch.setattr("election.casting.intake._LIMIT", "SET transaction_timeout = '5s'")
    fetch_ahead = Rate.fetch_ahead

    def stopping_once(self, most):
        """With a batch in the transaction, until somebody else who is offered the same has stored it."""
        if not others:
            with tables.connect("app") as connection:
                connection.autocommit = True
                others.append(Intake(tables, connection, poll).take(records_of(tables, poll)).ballots)
        fetch_ahead(self, most)

    monkeypatch.setattr(Rate, "fetch_ahead", stopping_once)
    assert [cast(tables, poll.slug, log=told.append).ballots] == others
    assert any("begins again" in line for line in told)
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.differing) == (others[0], 0)


def test_a_batch_that_postgres_took_back_for_its_length_is_taken_up_again():
    told: list[str] = []
    tries = [psycopg.errors.TransactionTimeout("terminating connection due to transaction timeout"), None]
    for attempt in Patience("Worker 0", told.append, threading.Event()).attempts():
        with attempt:
            if error := tries.pop(0):
                raise error
    assert tries == []
    assert told == ["Worker 0 begins again: terminating connection due to transaction timeout"]


def test_a_batch_takes_what_was_fetched_ahead_and_waits_for_more(tables, reading):
    pace = Rate(reading(b"first"), 0, threading.Event())
    while not pace.in_hand():
        pace.fetch_ahead(10)
    assert pace.in_hand() == {0}
    reading(b"second", b"third")
    assert [message.value() for message in pace.batch(20)] == [b"first", b"second", b"third"]
    assert pace.in_hand() == set()


def test_what_was_fetched_ahead_is_dropped_when_the_partitions_go(tables, reading):
    pace = Rate(reading(b"first"), 0, threading.Event())
    while not pace.in_hand():
        pace.fetch_ahead(10)
    pace.assigned([])
    assert pace.in_hand() == set()
    assert pace.batch(10) == []


@pytest.fixture
def reading(tables):
    """Puts records on a partition of ballots_topic; gives a consumer that stood before the first of them."""
    reader = consumer(tables.kafka)
    reader.assign([TopicPartition(topics.BALLOTS, 0, bounds(tables.kafka, topics.BALLOTS)[1][0])])
    producer = SafeProducer(tables.login("feed"))

    def put(*values):
        for value in values:
            producer.produce(topics.BALLOTS, value, b"", 0)
        producer.flush()
        return reader

    yield put
    reader.close()


def test_a_worker_tells_its_pace_when_it_loses_its_partitions(tables, published, monkeypatch):
    poll, told = published("ahead-gone", voters=100), []
    assigned = Rate.assigned

    def noting(self, partitions):
        told.append(len(partitions))
        assigned(self, partitions)

    monkeypatch.setattr(Rate, "assigned", noting)
    cast(tables, poll.slug, log=lambda line: None)
    had, left = told
    assert had > left == 0


def test_a_worker_told_to_end_with_the_next_batch_in_hand_leaves_it_to_others(tables, published):
    poll = published("ahead-told", voters=20_000)
    told = worker(poll.slug, ELECTION_CASTING_BATCH="20")
    once_votes_are_stored(tables, poll, told.terminate)
    output, _ = told.communicate(timeout=60)
    assert told.returncode == 1, output.decode()
    before = sum(tally(tables, poll).values())
    assert cast(tables, poll.slug).ballots > 0
    comparison = compared(tables, poll)
    assert comparison.stored > before > 0
    assert (comparison.duplicates, comparison.differing) == (0, 0)


def test_a_worker_that_dies_with_the_next_batch_in_hand_leaves_it_to_others(tables, published, monkeypatch):
    poll = published("ahead-died", voters=400, ballots="external")
    send(tables, *(ExternalBallot(1, poll.election_no, voter, 1, 1) for voter in range(1, 401)))
    monkeypatch.setattr(casting_worker, "_LOOK_SECONDS", 0)  # so that it looks between any two batches
    begin, begun = Intake.begin, []

    def dying(self, records):
        begun.append(len(records))
        if sum(begun) > 100:
            raise MemoryError
        begin(self, records)

    monkeypatch.setattr(Intake, "begin", dying)
    with pytest.raises(MemoryError):
        cast(replace(tables, settings=tables.settings.model_copy(update={"casting_batch": 20})), poll.slug)
    monkeypatch.setattr(Intake, "begin", begin)
    assert close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.duplicates, comparison.differing) == (400, 0, 0)


def test_a_batch_is_stored_by_voter_so_that_no_two_workers_wait_for_each_other(tables):
    offered = [
        Vote(n, voter, 1, position, 1, n, (n, 9) if n == 3 else None, 1, "female", "25-34")
        for n, voter in enumerate([3, 1, 2, 1], start=1)
        for position in (1, 2)
    ]
    with tables.connect("app") as connection:
        prepare(connection)
        send_to_postgres(connection, offered)
        found = connection.execute(
            "SELECT voter_no, candidate_no, position, ranking FROM batch ORDER BY ctid"
        ).fetchall()
    assert found == [
        (voter, n, position, [n, 9] if n == 3 else None)
        for voter, n in ((1, 2), (1, 4), (2, 3), (3, 1))
        for position in (1, 2)
    ]
