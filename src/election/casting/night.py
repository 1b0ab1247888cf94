"""Replays a night: holds each voter back until the voter is due."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from confluent_kafka import Consumer, Message, TopicPartition

from election import nights
from election.casting.batching import gathered, size
from election.contracts.messages import UNREADABLE
from election.storage.elections import Election

_BATCH_SECONDS = 0.1
_LATE_MS, _TOLD_MS = 1_000, 5_000
_FETCHED = 2_000
# A partition with more bytes in memory is paused, so that memory does not grow with the length of the night.
_HELD_BYTES = 4_000_000


class _Due(msgspec.Struct, gc=False):
    election: int = 0
    due: int | None = None


_decode = msgspec.json.Decoder(_Due).decode


class Night:
    """The pace of a replayed night. Each partition is in due order; this class merges the partitions."""

    def __init__(self, reader: Consumer, poll: Election) -> None:
        assert poll.opened_at is not None
        self._reader, self._election = reader, poll.election_no
        self._opened, self._ends = poll.opened_at, 1000 * nights.seconds(poll.parameters["night"])
        self._held: dict[int, deque[tuple[int, Message]]] = {}
        self._bytes: dict[int, int] = {}
        self._paused: set[int] = set()
        self._behind = self._assignment = 0

    def batch(self, most: int) -> list[Message]:
        """Up to ``most`` records that are due now; collects them for a tenth of a second."""
        late = any(waiting and waiting[0][0] < self._now() - _LATE_MS for waiting in self._held.values())
        seconds = 0 if late else _BATCH_SECONDS
        for message in gathered(self._reader, _FETCHED, seconds, lambda: self._assignment):
            self._hold(message)
        taken = list(self._taken(most, self._now()))
        self._resume()
        return taken

    def fetch_ahead(self, most: int) -> None:
        """Does nothing: only ``batch`` knows which records are due."""

    def in_hand(self) -> set[int]:
        return {partition for partition, waiting in self._held.items() if waiting}

    def offered(self, votes: int) -> None:
        """Does nothing: a ballot is offered when it is due."""

    def share(self, own: int, left: int) -> None:
        """Does nothing: every record has its own due time."""

    def assigned(self, partitions: list[TopicPartition]) -> None:
        self._held, self._bytes, self._paused = {}, {}, set()
        self._assignment += 1
        self._reader.resume(partitions)

    def slow(self) -> str:
        behind, self._behind = self._behind, 0
        return f"{behind / 1000:.1f} s behind the night" if behind > _TOLD_MS else ""

    def _now(self) -> int:
        """Milliseconds since the poll opened."""
        return int((datetime.now(UTC) - self._opened).total_seconds() * 1000)

    def _hold(self, message: Message) -> None:
        partition = message.partition() or 0
        self._held.setdefault(partition, deque()).append((self._due(message), message))
        self._bytes[partition] = self._bytes.get(partition, 0) + size([message])
        if self._bytes[partition] > _HELD_BYTES and partition not in self._paused:
            self._reader.pause([TopicPartition(message.topic() or "", partition)])
            self._paused.add(partition)

    def _due(self, message: Message) -> int:
        """When the voter is due, in ms after opening; 0 for records of other elections and beyond the night's end."""
        try:
            voter = _decode(message.value() or b"")
        except UNREADABLE:
            return 0
        due = voter.due or 0
        return due if voter.election == self._election and due <= self._ends else 0

    def _taken(self, most: int, now: int) -> Iterator[Message]:
        for _ in range(most):
            partition = min((p for p, waiting in self._held.items() if waiting), key=self._first, default=None)
            if partition is None or self._first(partition) > now:
                return
            due, message = self._held[partition].popleft()
            self._bytes[partition] -= size([message])
            if due:
                self._behind = max(self._behind, now - due)
            yield message

    def _first(self, partition: int) -> int:
        return self._held[partition][0][0]

    def _resume(self) -> None:
        able = {partition for partition in self._paused if self._bytes[partition] < _HELD_BYTES / 2}
        if able:
            places = [place for place in self._reader.assignment() if place.partition in able]
            self._reader.resume(places)
            self._paused -= able
