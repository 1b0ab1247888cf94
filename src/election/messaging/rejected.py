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
    """A record with the place it comes from; confluent_kafka's Message is one."""

    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...


def reject(
    producer: SafeProducer, stage: Literal["casting", "count"], message: Origin, why: Unusable, election: int | None
) -> None:
    """Puts a consumed record on ``rejected_topic`` under its origin, so that a redelivered one counts once.

    One whose bytes do not fit there (they may be larger than its own topic's limit, which is for compressed ones) goes
    without them: they stay at the origin.
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
    """Marks a rejected record as used after all; it no longer counts as rejected."""
    producer.produce(topics.REJECTED, None, _key(record))


def rejected(
    platform: Platform, election_no: int, stage: Literal["casting", "count"] | None = None
) -> Iterator[RejectedRecord]:
    """The election's rejected records, each once, oldest first.

    A record whose election is not known counts for none of them. Memory as of ``Latest``: none for their bytes.
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
            continue  # put there by a stranger: nothing of ours was rejected
        if record.election == election_no and stage in (None, record.stage):
            yield record


def _key(record: RejectedRecord) -> bytes:
    origin = f"{record.topic}/{record.partition}/{record.offset}"
    return (f"{origin}/{record.election}" if record.stage == "casting" else origin).encode()


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()
