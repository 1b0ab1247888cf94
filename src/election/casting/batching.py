"""Records for one batch, in memory that does not grow with what they carry."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from confluent_kafka import Consumer, Message

from election.messaging.clients import consume

_Headers = Iterable[tuple[str, bytes | None]]
# A batch of ballots has some two megabytes; a hostile feed's records have up to one megabyte each.
BATCH_BYTES = 32 * 1_048_576
# What comes meanwhile is in memory before it can be weighed.
_LOOK_SECONDS = 0.01
_OBJECT_BYTES = 500


def gathered(
    reader: Consumer,
    number: int,
    seconds: float,
    assignment: Callable[[], int] = lambda: 0,
    before: Sequence[Message] = (),
) -> list[Message]:
    """Up to ``number`` records, those that were read ``before`` and those that come within ``seconds``; no more of them
    once they have BATCH_BYTES.

    Beyond that memory holds what the consumer had in its queue (see ``casting.worker``).
    ``assignment`` numbers the consumer's assignments: what came under one before the last is left out, because its
    partitions are another worker's by now, or are read again from where they were committed.
    """
    deadline = time.monotonic() + seconds
    found = list(before)
    held = size(found)
    while len(found) < number and held < BATCH_BYTES:
        left = max(0.0, deadline - time.monotonic())
        ask = (number - len(found), min(left, _LOOK_SECONDS)) if found else (1, left)
        current = assignment()
        more = consume(reader, *ask)
        if assignment() != current:  # librdkafka leaves them out itself, but of this one call alone
            found, held = [], 0
        found += more
        held += size(more)
        if not (more or left):
            break
    return found


def size(messages: Sequence[Message]) -> int:
    """Bytes that records take in memory: one without a value takes some too."""
    known = sum(map(len, messages)) + _OBJECT_BYTES * len(messages)
    known += sum(map(len, filter(None, map(Message.key, messages))))
    headers = cast(Iterable[_Headers], filter(None, map(Message.headers, messages)))
    return known + sum(len(name) + len(value or b"") for one in headers for name, value in one)
