"""Collects the records of one batch, in memory that does not grow with their size."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from confluent_kafka import Consumer, Message

from election.messaging.clients import consume

_Headers = Iterable[tuple[str, bytes | None]]
# A batch of ballots has about two megabytes; a hostile feed's records have up to one megabyte each.
BATCH_BYTES = 32 * 1_048_576
# Short, because records that arrive during a call are in memory before their size is known.
_LOOK_SECONDS = 0.01
_OBJECT_BYTES = 500


def gathered(
    reader: Consumer,
    number: int,
    seconds: float,
    assignment: Callable[[], int] = lambda: 0,
    before: Sequence[Message] = (),
) -> list[Message]:
    """Up to ``number`` records: those read ``before``, and those that arrive within ``seconds``. Stops at BATCH_BYTES.

    Memory also holds the consumer's queue (see ``casting.worker``).
    ``assignment`` returns the number of the consumer's current assignment. Records of an earlier assignment are left
    out: their partitions belong to another worker now, or are read again from the committed offsets.
    """
    deadline = time.monotonic() + seconds
    found = list(before)
    held = size(found)
    while len(found) < number and held < BATCH_BYTES:
        left = max(0.0, deadline - time.monotonic())
        ask = (number - len(found), min(left, _LOOK_SECONDS)) if found else (1, left)
        current = assignment()
        more = consume(reader, *ask)
        if assignment() != current:  # librdkafka drops outdated records, but only those of this one call
            found, held = [], 0
        found += more
        held += size(more)
        if not (more or left):
            break
    return found


def size(messages: Sequence[Message]) -> int:
    """Bytes that records take in memory, with a constant for each record."""
    known = sum(map(len, messages)) + _OBJECT_BYTES * len(messages)
    known += sum(map(len, filter(None, map(Message.key, messages))))
    headers = cast(Iterable[_Headers], filter(None, map(Message.headers, messages)))
    return known + sum(len(name) + len(value or b"") for one in headers for name, value in one)
