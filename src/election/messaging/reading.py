"""Bounded reading: a topic from given offsets to given offsets, without a consumer group."""

from collections.abc import Iterator, Mapping

from confluent_kafka import Consumer, Message, TopicPartition

from election.errors import NotReachable
from election.messaging.clients import admin, consume, consumer

Offsets = dict[int, int]
"""Offset by partition; the end is the offset after the last record."""


def partitions(kafka: Mapping[str, str], topic: str) -> list[int]:
    """The topic's partition numbers. Raises NotReachable when Kafka or the topic is not there."""
    metadata = admin(kafka).list_topics(topic, timeout=10).topics[topic]
    if metadata.error is not None:
        raise NotReachable(f"Kafka has no topic {topic!r} ({metadata.error}); `election prepare` creates the topics.")
    return sorted(metadata.partitions)


def bounds(kafka: Mapping[str, str], topic: str) -> tuple[Offsets, Offsets]:
    """Where the topic begins and ends now, read from the broker."""
    reader = consumer(kafka)
    try:
        begin, end = {}, {}
        for partition in partitions(kafka, topic):
            begin[partition], end[partition] = reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        return begin, end
    finally:
        reader.close()


def read(
    kafka: Mapping[str, str], topic: str, begin: Offsets | None = None, end: Offsets | None = None
) -> Iterator[Message]:
    """Every record from ``begin`` (default: the first) to ``end`` (default: the last there is now).

    Raises NotReachable when the broker gives nothing for 30 s before the end is reached.
    """
    first, last = bounds(kafka, topic)
    start = {p: max(first[p], (begin or first).get(p, first[p])) for p in last}
    stop = {p: min(last[p], (end or last).get(p, last[p])) for p in last}
    open_partitions = {p for p in last if start[p] < stop[p]}
    if not open_partitions:
        return
    reader: Consumer = consumer(kafka, **{"enable.partition.eof": False, "queued.max.messages.kbytes": 65_536})
    try:
        reader.assign([TopicPartition(topic, p, start[p]) for p in open_partitions])
        silent = 0
        while open_partitions:
            got = False
            for message in consume(reader, 10_000, 1.0):
                got = True
                if message.offset() < stop[message.partition()]:
                    yield message
            # Compaction leaves gaps, so the reader's position tells the end, not the last record's offset.
            for place in reader.position([TopicPartition(topic, p) for p in open_partitions]):
                if place.offset >= stop[place.partition]:
                    open_partitions.discard(place.partition)
            silent = 0 if got else silent + 1
            if silent >= 30:
                raise NotReachable(f"Kafka gave nothing of {topic} for 30 s before its end was reached.")
    finally:
        reader.close()
