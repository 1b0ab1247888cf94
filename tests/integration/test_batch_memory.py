"""A worker's memory does not grow with what a hostile feed puts on the topics."""

import gc
import os

import pytest
from confluent_kafka import Producer, TopicPartition

from election.casting import batching, cast, close_poll, night
from election.casting.batching import gathered
from election.casting.night import Night
from election.contracts import topics
from election.messaging.clients import SafeProducer, consumer
from election.messaging.reading import bounds


@pytest.fixture
def put(tables):
    """Puts records without a key on one partition; gives a consumer that stands before the first of them."""
    readers = []

    def standing(topic, values, begin=None):
        if begin is None:
            begin = bounds(tables.kafka, topic)[1][0]
        producer = SafeProducer(tables.login("feed" if topic == topics.BALLOTS else "app"))
        for value in values:
            producer.produce(topic, value, b"", 0)
        producer.flush()
        reader = consumer(tables.kafka, None, **{"queued.max.messages.kbytes": 2_048, "fetch.queue.backoff.ms": 10})
        readers.append(reader)
        reader.assign([TopicPartition(topic, 0, begin)])
        return reader

    yield standing
    for reader in readers:
        reader.close()


def test_a_batch_ends_when_its_records_have_its_bytes(put, monkeypatch):
    monkeypatch.setattr(batching, "BATCH_BYTES", 4_000_000)
    reader = put(topics.BALLOTS, [os.urandom(900_000) for _ in range(40)])
    batches: list[int] = []
    while sum(batches) < 40:
        batches.append(len(gathered(reader, 10_000, 5.0)))
        assert batches[-1], "not all came"
    assert max(batches) <= 25, "four megabytes, and what was in the consumer's queue"


def test_a_batch_ends_also_when_its_records_have_its_bytes_in_their_headers(tables, put, monkeypatch):
    monkeypatch.setattr(batching, "BATCH_BYTES", 4_000_000)
    begin = bounds(tables.kafka, topics.BALLOTS)[1][0]
    producer = Producer({**tables.login("feed"), "log_level": 0})
    for _ in range(80):
        producer.produce(topics.BALLOTS, b"garbage", partition=0, headers={"more": os.urandom(900_000)})
    producer.flush(30)
    reader = put(topics.BALLOTS, [], begin)
    batches: list[int] = []
    while sum(batches) < 80:
        batches.append(len(gathered(reader, 10_000, 5.0)))
        assert batches[-1], "not all came"
    # The consumer's queue does not weigh headers: on a busy machine there is more in it.
    assert max(batches) <= 60


def test_a_batch_of_small_records_is_as_large_as_it_was_asked_for(put):
    reader = put(topics.BALLOTS, [b"garbage"] * 3_000)
    assert [len(gathered(reader, 1_000, 5.0)) for _ in range(3)] == [1_000] * 3


def test_a_night_holds_no_more_records_that_carry_nothing(tables, put, published, monkeypatch):
    poll = published("memory-night", voters=100, night="1h")  # nobody is due before the test ends
    monkeypatch.setattr(night, "_HELD_BYTES", 200_000)
    reader = put(topics.VOTERS, [None] * 20_000, poll.voters_from["0"])
    pace = Night(reader, poll)
    for _ in range(20):
        pace.batch(10_000)
    held = sum(map(len, pace._held.values()))
    assert 0 < held < 5_000
    with tables.connect("app") as connection:
        connection.execute("UPDATE elections SET state = 'closed' WHERE slug = %s", [poll.slug])
    assert not close_poll(tables, poll.slug)


def test_a_worker_keeps_the_garbage_collector_out_of_its_batches(tables, published):
    poll, runs = published("collector", voters=30_000), []

    def note(phase, _info):
        if phase == "start":
            runs.append(phase)

    gc.callbacks.append(note)
    try:
        assert cast(tables, poll.slug, log=lambda _line: None).records == 30_000
    finally:
        gc.callbacks.remove(note)
    assert len(runs) < 20, "unless kept out it runs with every few hundred records"
