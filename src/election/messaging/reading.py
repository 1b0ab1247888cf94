"""Bounded reading: topics from given offsets to their current end, without a consumer group."""

from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec, TopicMetadata
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from election.errors import NotReachable
from election.messaging.clients import admin, consume, consumer, is_transient

Offsets = dict[int, int]
"""Offset by partition; an end is the offset after the last record."""
_Place = tuple[str, int]
_SILENT_SECONDS = 30


def partitions(kafka: Mapping[str, str], topic: str) -> list[int]:
    """The topic's partition numbers. Raises NotReachable when Kafka or the topic is missing."""
    return [partition for _, partition in _places(admin(kafka), [topic])]


def bounds(kafka: Mapping[str, str], topic: str, *, committed: bool = False) -> tuple[Offsets, Offsets]:
    """The topic's current first and end offsets, from the broker. They include records of open transactions.

    With ``committed``, the end is before the first record of an open transaction, where ``read`` ends.
    """
    isolation = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    first, last = _bounds(kafka, [topic], isolation)
    return {p: offset for (_, p), offset in first.items()}, {p: offset for (_, p), offset in last.items()}


def sizes(kafka: Mapping[str, str], topics: Sequence[str]) -> dict[str, int]:
    """The number of messages ever written to each topic that exists, markers of transactions included.

    Raises NotReachable when Kafka does not answer.
    """
    client = admin(kafka)
    there = sorted(_known(client).keys() & set(topics))
    if not there:
        return {}
    found = dict.fromkeys(there, 0)
    ends = _offsets(client, _places(client, there), OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED)
    for (topic, _), end in ends.items():
        found[topic] += end
    return found


def topic_id(kafka: Mapping[str, str], topic: str, seconds: float = 20) -> str | None:
    """The topic's unique id; a recreated topic has a different one. None if the topic does not exist.

    Raises NotReachable when Kafka does not answer within ``seconds``.
    """
    client = admin(kafka)  # must live until the answer arrives
    try:
        described = client.describe_topics(TopicCollection([topic]), request_timeout=seconds)
        return str(described[topic].result().topic_id)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise NotReachable(f"Kafka does not answer: {error}. `election status` shows what runs.") from error


def read(
    kafka: Mapping[str, str], topics: str | Sequence[str], begin: Offsets | None = None, end: Offsets | None = None
) -> Iterator[Message]:
    """Every record of the topics from ``begin`` (default: the first) to ``end`` (default: the current end).

    Records of a partition come in order. ``begin`` and ``end`` are for a single topic; a partition that ``end`` does
    not name is read to its current end. Records after an open transaction cannot be read yet and are left out.
    Raises NotReachable when the broker returns nothing for 30 s before the end.
    """
    for batch in read_batches(kafka, topics, begin, end):
        yield from batch


def read_batches(
    kafka: Mapping[str, str], topics: str | Sequence[str], begin: Offsets | None = None, end: Offsets | None = None
) -> Iterator[list[Message]]:
    """As ``read``, in batches of up to 10,000 records."""
    first, last = _bounds(kafka, [topics] if isinstance(topics, str) else topics, IsolationLevel.READ_COMMITTED)
    last = {place: min(offset, (end or {}).get(place[1], offset)) for place, offset in last.items()}
    start = {place: max(offset, (begin or {}).get(place[1], offset)) for place, offset in first.items()}
    unread = {place for place in last if start[place] < last[place]}
    if not unread:
        return
    # By default it fetches nothing for a second after its queue was full.
    reader = consumer(kafka, None, **{"queued.max.messages.kbytes": 65_536, "fetch.queue.backoff.ms": 10})
    try:
        reader.assign([TopicPartition(*place, start[place]) for place in unread])
        silent, begun = 0, len(unread)
        while unread:
            batch = consume(reader, 10_000, 0.1 if not silent else 1.0)
            positions = _positions(reader, unread)
            got = bool(batch)
            if len(unread) < begun or any(offset > last[place] for place, offset in positions.items()):
                batch = [m for m in batch if (m.offset() or 0) < last[m.topic() or "", m.partition() or 0]]
            if batch:
                yield batch
            # Compaction leaves gaps, so the reader's position shows the end, not the last record's offset.
            unread -= {place for place, offset in positions.items() if offset >= last[place]}
            silent = 0 if got else silent + 1
            if silent > _SILENT_SECONDS:
                raise NotReachable(
                    f"Kafka gave nothing for {_SILENT_SECONDS} s before the end of {topics} was reached."
                )
    finally:
        reader.close()


def _positions(reader: Consumer, unread: set[_Place]) -> dict[_Place, int]:
    return {(p.topic, p.partition): p.offset for p in reader.position([TopicPartition(*place) for place in unread])}


@retry(retry=retry_if_exception(is_transient), wait=wait_fixed(0.2), stop=stop_after_delay(30), reraise=True)
def _bounds(
    kafka: Mapping[str, str], topics: Sequence[str], isolation: IsolationLevel
) -> tuple[dict[_Place, int], dict[_Place, int]]:
    client = admin(kafka)
    places = _places(client, topics)
    first, last = (_offsets(client, places, spec, isolation) for spec in (OffsetSpec.earliest(), OffsetSpec.latest()))
    return first, last


def _places(client: AdminClient, topics: Sequence[str]) -> list[_Place]:
    known = _known(client)
    for topic in topics:
        if topic not in known or known[topic].error is not None:
            raise NotReachable(f"Kafka has no topic {topic!r}; `election prepare` creates the topics.")
    return [(topic, partition) for topic in topics for partition in sorted(known[topic].partitions)]


def _known(client: AdminClient) -> dict[str, TopicMetadata]:
    try:
        return dict(client.list_topics(timeout=10).topics)
    except KafkaException as error:
        raise NotReachable(f"Kafka does not answer ({error}); `election status` shows what runs.") from error


def _offsets(
    client: AdminClient, places: list[_Place], spec: OffsetSpec, isolation: IsolationLevel
) -> dict[_Place, int]:
    asked = client.list_offsets(
        {TopicPartition(*place): spec for place in places}, isolation_level=isolation, request_timeout=10
    )
    return {(place.topic, place.partition): answer.result().offset for place, answer in asked.items()}
