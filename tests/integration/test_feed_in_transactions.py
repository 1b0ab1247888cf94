"""A feed that writes in Kafka transactions: its ballots come when they are committed; the marks are no records."""

import threading

import pytest
from confluent_kafka import Producer

from election.casting import cast, close_poll, reject_late
from election.casting.range import Range
from election.contracts import topics
from election.contracts.messages import ExternalBallot, encode
from election.messaging.rejected import rejected
from tests.ballots import compared, tally

VOTERS = 200


@pytest.fixture
def transaction(tables, request):
    """A producer whose transaction has begun; what is open at the end is aborted."""
    producer = Producer({**tables.kafka, "transactional.id": request.node.name, "log_level": 0})
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
    done, total = Range.of(poll).progress(tables.kafka)
    assert done == total, "the marks are counted as done"


def test_a_ballot_comes_when_its_transaction_is_committed(tables, published, transaction):
    poll = published("feed-open-transaction", voters=VOTERS, ballots="external")
    send(transaction, poll, range(1, 11))
    committed(transaction)
    send(transaction, poll, range(11, 21))  # on the topic, and nobody may read them yet
    assert close_poll(tables, poll.slug)
    assert cast(tables, poll.slug).ballots == 10
    committed(transaction)
    assert reject_late(tables, poll.slug) == 10
    assert tally(tables, poll) == {1: 10}
    assert {record.reason for record in rejected(tables, poll.election_no)} == {"late"}
