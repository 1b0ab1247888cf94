"""A worker's batch while others of its group come: no record of an assignment that is over stays in it."""

import threading

from confluent_kafka import TopicPartition

from election.casting.batching import gathered
from election.contracts import topics
from election.count import driver
from election.messaging.clients import SafeProducer, consume, consumer
from election.messaging.reading import bounds

QUICK = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 500, "fetch.message.max.bytes": 1_000}
GROUP, RECORDS = "election-gathering-while-others-come", 400


def test_what_came_before_the_group_was_rebalanced_is_left_out_of_the_batch(tables):
    _, begin = bounds(tables.kafka, topics.BALLOTS)
    producer = SafeProducer(tables.login("feed"))
    for partition in begin:
        for number in range(RECORDS):
            producer.produce(topics.BALLOTS, b"garbage %d" % number, b"", partition)
    producer.flush()
    assignments: list[set[int]] = []

    def assigned(reader, partitions):
        assignments.append({place.partition for place in partitions})
        reader.assign([TopicPartition(topics.BALLOTS, p.partition, begin[p.partition]) for p in partitions])

    first, second, done = (
        consumer(tables.kafka, GROUP, **QUICK),
        consumer(tables.kafka, GROUP, **QUICK),
        threading.Event(),
    )

    def join():
        assert driver.wait_for(lambda: bool(assignments), 10)  # it has records long before it hears of this
        second.subscribe([topics.BALLOTS], on_assign=lambda reader, places: reader.assign([]))
        while not done.is_set():
            list(consume(second, 100, 0.1))

    other = threading.Thread(target=join)
    first.subscribe([topics.BALLOTS], on_assign=assigned)
    other.start()
    try:
        found = gathered(first, 1_000_000, 12.0, lambda: len(assignments))
    finally:
        done.set()
        other.join()
        first.close()
        second.close()
    assert len(assignments) == 2, "the second one came while the first one gathered"
    mine = assignments[-1]
    assert mine < assignments[0]
    got = {partition: [m.offset() for m in found if m.partition() == partition] for partition in begin}
    assert got == {p: list(range(begin[p], begin[p] + RECORDS)) if p in mine else [] for p in begin}
