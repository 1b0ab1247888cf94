"""A topic's largest record is rejected with all its bytes; a larger one does not get onto ballots_topic, and from
another topic, which takes it compressed, it is rejected without them."""

import os
from base64 import b64decode

import pytest

from election.casting import cast, close_poll, replay
from election.contracts import topics
from election.contracts.messages import ExternalBallot
from election.contracts.topics import MAX_MESSAGE_BYTES
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.reading import bounds
from election.messaging.rejected import rejected
from election.publication.voters import record_range
from tests.ballots import send, tally

# What Kafka writes around a record's own bytes.
WRAPPING = 100


def test_a_record_as_large_as_its_topic_takes_is_rejected_whole(tables, published):
    poll = published("large-record", voters=10, ballots="external")
    escaped = (b'"\\\x00\xff' * MAX_MESSAGE_BYTES)[: MAX_MESSAGE_BYTES - WRAPPING]
    records: dict[bytes, bytes | None] = {
        b"random": os.urandom(MAX_MESSAGE_BYTES - WRAPPING),
        b"escaped": escaped,
        escaped: None,
    }
    producer = SafeProducer(tables.login("feed"), **{"compression.type": "none"})
    for key, value in records.items():
        producer.produce(topics.BALLOTS, value, key)
    producer.flush()
    send(tables, ExternalBallot(1, poll.election_no, 1, 1, 1))
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    assert tally(tables, poll) == {1: 1}
    kept = list(rejected(tables, poll.election_no))
    assert {b64decode(r.key or ""): r.value and b64decode(r.value) for r in kept} == records
    assert sorted(record.reason for record in kept) == ["null", "too_large", "too_large"]


def test_a_record_that_is_small_only_while_it_is_compressed_is_not_taken(tables, published):
    poll = published("large-compressed", voters=10, ballots="external")
    producer = SafeProducer(tables.login("feed"), **{"message.max.bytes": 20_000_000})
    producer.produce(topics.BALLOTS, bytes(4 * MAX_MESSAGE_BYTES), b"planted")
    with pytest.raises(StageFailed, match="Kafka refuses a record"):
        producer.flush()
    send(tables, ExternalBallot(1, poll.election_no, 1, 1, 1))
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    assert tally(tables, poll) == {1: 1}


def test_a_record_among_the_voters_that_was_small_only_while_compressed_is_rejected_without_its_bytes(
    tables, published
):
    poll = published("large-voter", voters=10)
    producer = SafeProducer(tables.kafka, **{"message.max.bytes": 20_000_000})
    producer.produce(topics.VOTERS, bytes(4 * MAX_MESSAGE_BYTES), b"planted", 0)
    producer.flush()
    begin = {int(partition): offset for partition, offset in poll.voters_from.items()}
    with tables.connect("app") as connection:  # the range ends after what was planted
        record_range(connection, poll.election_no, begin, bounds(tables.kafka, topics.VOTERS)[1])
    assert cast(tables, poll.slug).rejected == 1
    (kept,) = rejected(tables, poll.election_no)
    assert (kept.reason, kept.key, kept.value) == ("too_large", None, None)
    assert kept.detail.endswith("its bytes are on voters_topic alone")
    assert replay(tables, poll.slug).offered == 0, "there is nothing to offer again"
    assert list(rejected(tables, poll.election_no)) == [kept]
