"""``rejected_topic``: records that could not be used, with their bytes."""

import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Literal, Protocol

from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION, Decoder, RejectedRecord, Unusable, encode
from election.messaging.clients import SafeProducer
from election.messaging.latest import Latest
from election.messaging.reading import bounds, read
from election.platform import Platform


class Origin(Protocol):
    """A record with its topic, partition and offset; confluent_kafka's Message is one."""

    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...


def reject(
    producer: SafeProducer, stage: Literal["casting", "count"], message: Origin, why: Unusable, election: int | None
) -> None:
    """Writes a consumed record to ``rejected_topic`` under its origin, so that a redelivered one counts once.

    A record that does not fit there is written without its bytes, which stay at the origin. Such a record can exist,
    because a topic's limit applies to compressed records.
    """
    key, value = message.key(), message.value()
    fits = len(key or b"") + len(value or b"") <= topics.MAX_MESSAGE_BYTES
    record = RejectedRecord(
        SCHEMA_VERSION,
        stage,
        election,
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        _text(key) if fits else None,
        _text(value) if fits else None,
        why.reason,
        why.detail if fits else f"{why.detail}; its bytes are on {message.topic()} alone",
        time.time_ns() // 1_000_000,
    )
    producer.produce(topics.REJECTED, encode(record), _key(record))


def take_back(producer: SafeProducer, record: RejectedRecord) -> None:
    """Withdraws a rejection, because the record was used after all."""
    producer.produce(topics.REJECTED, None, _key(record))


def rejected(
    platform: Platform, election_no: int, stage: Literal["casting", "count"] | None = None
) -> Iterator[RejectedRecord]:
    """The election's rejected records, each once, oldest first.

    A record whose election is unknown belongs to no election. Memory is that of ``Latest``; records are not kept.
    """
    yield from _rejected(platform.kafka, election_no, stage)


def refused_by_the_count(kafka: Mapping[str, str], election_no: int) -> set[tuple[int, int]]:
    """(partition, offset) of the election's messages on ``votes_topic`` that the count rejected."""
    return {(record.partition, record.offset) for record in _rejected(kafka, election_no, "count")}


def _rejected(
    kafka: Mapping[str, str], election_no: int, stage: Literal["casting", "count"] | None
) -> Iterator[RejectedRecord]:
    decode = Decoder(RejectedRecord)
    first, end = bounds(kafka, topics.REJECTED)
    latest = Latest(lambda: read(kafka, topics.REJECTED, first, end), first, end)
    for message in read(kafka, topics.REJECTED, first, end):
        if message not in latest:
            continue
        try:
            record = decode(message.value())
        except Unusable:
            continue  # another program wrote it, so it is not a rejection by the platform
        if record.election == election_no and stage in (None, record.stage):
            yield record


def _key(record: RejectedRecord) -> bytes:
    origin = f"{record.topic}/{record.partition}/{record.offset}"
    return (f"{origin}/{record.election}" if record.stage == "casting" else origin).encode()


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()
