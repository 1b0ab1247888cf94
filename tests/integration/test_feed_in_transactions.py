"""A feed that writes in Kafka transactions: a ballot is in time by its place on the topic, and marks are no records."""

import threading

import pytest
from confluent_kafka import Producer

from election.casting import cast, close_poll, open_poll, reject_late
from election.casting.pace import Rate
from election.casting.range import Range, progress
from election.contracts import topics
from election.contracts.messages import ExternalBallot, encode
from election.electorate import check_electorate, seed_candidates, seed_voters
from election.messaging.rejected import rejected
from election.preparation import Registration, register
from election.publication import publish_voters
from election.reconciliation.offered import unaccounted
from election.storage.elections import election
from tests.ballots import compared, tally
from tests.ballots import send as send_plain

VOTERS = 200


@pytest.fixture
def transaction(tables, request):
    """A producer whose transaction has begun; what is open at the end is aborted."""
    producer = Producer({**tables.login("feed"), "transactional.id": f"feed-{request.node.name}", "log_level": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    yield producer
    producer.abort_transaction(30)


def send(producer, poll, voters, candidate=1):
    for voter in voters:
        ballot = ExternalBallot(1, poll.election_no, voter, 1, candidate)
        producer.produce(topics.BALLOTS, encode(ballot), f"{poll.election_no}/{voter}")
    producer.flush(30)


def committed(producer):
    producer.commit_transaction(30)
    producer.begin_transaction()


def aborted(producer):
    producer.abort_transaction(30)
    producer.begin_transaction()


def test_a_poll_ends_behind_the_marks_of_its_transactions(tables, published, transaction):
    poll = published("feed-marks", voters=VOTERS, ballots="external")
    working = threading.Thread(target=cast, args=(tables, poll.slug), daemon=True)
    working.start()
    send(transaction, poll, range(1, 51))
    committed(transaction)
    send(transaction, poll, range(51, 61))
    aborted(transaction)
    assert close_poll(tables, poll.slug)
    working.join(timeout=60)
    assert not working.is_alive()
    assert tally(tables, poll) == {1: 50}
    assert (compared(tables, poll).stored, list(rejected(tables, poll.election_no))) == (50, [])
    ((done, total),) = progress(tables.kafka, [Range.of(poll)])
    assert done == total, "the marks are counted as done"


def test_a_poll_ends_behind_its_marks_while_other_partitions_keep_the_worker_busy(
    tables, published, transaction, monkeypatch
):
    poll = published("feed-marks-busy", voters=VOTERS, ballots="external")
    monkeypatch.setattr(Rate, "in_hand", lambda self: {-1})  # always of some other partition
    send(transaction, poll, range(1, 51))
    committed(transaction)
    assert close_poll(tables, poll.slug)
    working = threading.Thread(target=cast, args=(tables, poll.slug), daemon=True)
    working.start()
    working.join(timeout=30)
    assert not working.is_alive()
    assert tally(tables, poll) == {1: 50}


def test_what_is_on_the_topic_by_the_close_is_in_time_also_behind_an_open_transaction(tables, published, transaction):
    poll = published("feed-open-transaction", voters=VOTERS, ballots="external")
    send(transaction, poll, range(1, 11))
    committed(transaction)
    send(transaction, poll, range(11, 21))  # on the topic, and nobody can read them yet
    send_plain(tables, *(ExternalBallot(1, poll.election_no, voter, 1, 2) for voter in range(21, 61)))
    assert close_poll(tables, poll.slug)
    working = threading.Thread(target=cast, args=(tables, poll.slug), daemon=True)
    working.start()
    working.join(timeout=3)
    assert working.is_alive(), "a worker waits for the transaction"
    committed(transaction)
    working.join(timeout=60)
    assert not working.is_alive()
    assert tally(tables, poll) == {1: 20, 2: 40}
    assert list(rejected(tables, poll.election_no)) == []
    send(transaction, poll, range(61, 71))
    committed(transaction)
    assert reject_late(tables, poll.slug) == 10
    assert {record.reason for record in rejected(tables, poll.election_no)} == {"late"}
    with tables.connect("auditor") as connection:
        assert list(unaccounted(tables, connection, election(connection, poll.slug))) == []


def test_what_was_written_before_the_opening_is_too_early_whenever_it_is_committed(tables, transaction):
    poll = register(tables, Registration("single-race", "feed-opening", voters=VOTERS, ballots="external"))
    seed_candidates(tables, poll.slug)
    seed_voters(tables, poll.slug)
    check_electorate(tables, poll.slug)
    publish_voters(tables, poll.slug)
    send(transaction, poll, range(1, 11))
    send_plain(tables, *(ExternalBallot(1, poll.election_no, voter, 1, 2) for voter in range(11, 51)))
    open_poll(tables, poll.slug)
    committed(transaction)
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    assert tally(tables, poll) == {}
    assert [record.reason for record in rejected(tables, poll.election_no)] == ["not_open"] * 50
