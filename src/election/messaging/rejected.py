"""``rejected_topic``: records that could not be used, kept whole."""

import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Literal

from confluent_kafka import Message

from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION, Decoder, RejectedRecord, Unusable, encode
from election.messaging.clients import SafeProducer
from election.messaging.reading import read
from election.platform import Platform


def reject(
    producer: SafeProducer, stage: Literal["casting", "count"], message: Message, why: Unusable, election: int | None
) -> None:
    """Puts a consumed record on ``rejected_topic`` under its origin, so that a redelivered one counts once."""
    record = RejectedRecord(
        SCHEMA_VERSION,
        stage,
        election,
        message.topic(),
        message.partition(),
        message.offset(),
        _text(message.key()),
        _text(message.value()),
        why.reason,
        why.detail,
        time.time_ns() // 1_000_000,
    )
    key = f"{record.topic}/{record.partition}/{record.offset}".encode()
    producer.produce(topics.REJECTED, encode(record), key)


def rejected(platform: Platform, election_no: int) -> Iterator[RejectedRecord]:
    """The election's rejected records, each once, oldest first.

    A record whose election is not known counts for none of them.
    """
    decode = Decoder(RejectedRecord)
    seen: set[bytes] = set()
    for message in read(platform.kafka, topics.REJECTED):
        key = message.key() or b""
        if key in seen or message.value() is None:
            continue
        record = decode(message.value())
        if record.election == election_no:
            seen.add(key)
            yield record


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()
