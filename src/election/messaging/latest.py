"""Finds the latest record of each key of a compacted topic, in memory that does not grow with the number of keys."""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Protocol

from election.messaging.reading import Offsets

KEYS = 500_000
"""Keys in memory at once, about 100 MB. If the topic has more records, it is read once for every ``KEYS`` of them."""


class Record(Protocol):
    """confluent_kafka's Message is one."""

    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...


class Latest:
    """A bit for each record between two offsets of every partition: whether it is the latest with its key.

    A record without a value deletes the one before it and is not a latest record itself.
    """

    def __init__(self, read: Callable[[], Iterable[Record]], first: Offsets, end: Offsets, keys: int = KEYS) -> None:
        """``read`` returns the records from ``first`` (included) to ``end`` (excluded), the same ones at every call."""
        self._first = first
        self._bits = {partition: bytearray((end[partition] - first[partition]) // 8 + 1) for partition in end}
        parts = -(-sum(end[partition] - first[partition] for partition in end) // keys)
        for part in range(parts):
            self._mark(read(), part, parts)

    def __contains__(self, record: Record) -> bool:
        partition, place = self._place(record.partition(), record.offset())
        return bool(self._bits[partition][place >> 3] >> (place & 7) & 1)

    def _mark(self, records: Iterable[Record], part: int, parts: int) -> None:
        """Marks the latest records of the keys in this part."""
        latest: dict[bytes, tuple[int, int]] = {}
        for record in records:
            key = blake2b(record.key() or b"", digest_size=16).digest()
            if int.from_bytes(key[:8]) % parts != part:
                continue
            if record.value() is None:
                latest.pop(key, None)
            else:
                latest[key] = self._place(record.partition(), record.offset())
        for partition, place in latest.values():
            self._bits[partition][place >> 3] |= 1 << (place & 7)

    def _place(self, partition: int | None, offset: int | None) -> tuple[int, int]:
        return partition or 0, (offset or 0) - self._first[partition or 0]
