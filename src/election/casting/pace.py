"""The pace of a worker: without a limit, or at a rate. ``night`` has the third kind."""

import threading
import time
from typing import Protocol

from confluent_kafka import Consumer, Message, TopicPartition

from election.casting.batching import gathered

# A worker that falls further behind than this does not catch up with a burst.
_FORGIVEN_SECONDS = 5.0
_BATCH_SECONDS = 0.1
_HELD = 0.95
_POLL_SECONDS = 0.2
# Records fetched ahead make a batch from a tenth of the largest batch on. Fewer wait for more: small batches cost more.
_ENOUGH = 10
# A worker that waits longer polls Kafka meanwhile, so that it stays in its group and others can join and leave.
_SLICE_SECONDS = 1.0


class Pace(Protocol):
    """Gives a worker its records when they are due."""

    def batch(self, most: int) -> list[Message]:
        """Up to ``most`` records that are due; empty after at most a second without one."""

    def fetch_ahead(self, most: int) -> None:
        """Fetches up to ``most`` available records for the next batch; none at a pace."""

    def in_hand(self) -> set[int]:
        """Partitions with records that were read but are not in a batch yet."""

    def offered(self, votes: int) -> None:
        """Reports the number of votes that were just stored."""

    def share(self, own: int, left: int) -> None:
        """Reports that ``own`` of the ``left`` remaining records are this worker's."""

    def assigned(self, partitions: list[TopicPartition]) -> None:
        """Reports a rebalance of the group. Records in hand are dropped: every partition is read again from its
        committed offset. ``partitions`` belong to this worker now; the list is empty until the next assignment."""

    def slow(self) -> str:
        """Why the requested rate was missed since the last call; empty if it was held."""


def due_at_once(rate: float, behind: float, most: int) -> int:
    """The size of the next batch for a worker at ``rate`` votes per second that is ``behind`` by so many seconds.

    A batch of a tenth of a second keeps the pace even. Overdue votes are added, because votes in large batches cost
    less, so that a worker catches up. At least 1, at most ``most``.
    """
    seconds = _BATCH_SECONDS + min(max(0.0, behind), _FORGIVEN_SECONDS)
    return min(most, max(1, round(rate * seconds)))


def missed(slid: float, seconds: float) -> str:
    """The log text for the last ``seconds``, in which a worker fell behind by ``slid`` seconds. Empty if it reached
    95 % of its share."""
    held = 1 - slid / seconds if seconds else 1.0
    return f"{held:.0%} of this worker's share, at full speed" if held < _HELD else ""


class Rate:
    """``rate`` is votes per second across all workers (0 = unlimited).

    A worker's share of the rate is its share of the remaining records. The sum is therefore the rate, however the
    records are distributed, and also after a worker has died and others have taken over.
    """

    def __init__(self, reader: Consumer, rate: float, stop: threading.Event) -> None:
        self._reader, self._rate, self._own, self._stop = reader, rate, rate, stop
        self._due: float | None = None
        self._held: list[Message] = []
        self._paused, self._assignment = False, 0
        # Seconds: the delay of the latest vote, the delay that was forgiven, and their sum at the last report.
        self._behind, self._forgiven, self._slid = 0.0, 0.0, 0.0
        self._told = time.monotonic()

    def batch(self, most: int) -> list[Message]:
        if self._rate:
            behind = 0.0 if self._due is None else time.monotonic() - self._due
            if -behind > _SLICE_SECONDS:
                return self._waited()
            self._stop.wait(max(0.0, -behind))
            self._resume()
            most = due_at_once(self._own, behind, most)
        held, self._held = self._held, []
        if len(held) >= most / _ENOUGH:
            return held
        return gathered(self._reader, most, _POLL_SECONDS, lambda: self._assignment, held)

    def fetch_ahead(self, most: int) -> None:
        if not self._rate:
            self._held = gathered(self._reader, most, 0, lambda: self._assignment)

    def in_hand(self) -> set[int]:
        return {message.partition() or 0 for message in self._held}

    def offered(self, votes: int) -> None:
        if not self._rate:
            return
        now = time.monotonic()
        due = now if self._due is None else self._due
        self._forgiven += max(0.0, now - _FORGIVEN_SECONDS - due)
        self._due = max(due, now - _FORGIVEN_SECONDS) + votes / self._own
        self._behind = max(0.0, now - self._due)

    def share(self, own: int, left: int) -> None:
        if not (own and self._rate):
            return
        before, self._own = self._own, self._rate * own / left
        now = time.monotonic()
        if self._due is not None and self._due > now:
            # The worker stays as many votes ahead as before; the time for them depends on the share.
            self._due = now + (self._due - now) * before / self._own

    def assigned(self, partitions: list[TopicPartition]) -> None:
        """Votes that were missed during the rebalance are caught up."""
        self._reader.resume(partitions)
        self._paused, self._held = False, []
        self._assignment += 1

    def _waited(self) -> list[Message]:
        """Waits a second. Usually empty; a rebalance at that moment can bring a record."""
        if not self._paused:
            self._reader.pause(self._reader.assignment())
            self._paused = True
        return gathered(self._reader, 1, _SLICE_SECONDS)

    def _resume(self) -> None:
        if self._paused:
            self._reader.resume(self._reader.assignment())
            self._paused = False

    def slow(self) -> str:
        before, told = self._slid, self._told
        self._slid, self._told = self._behind + self._forgiven, time.monotonic()
        why = missed(self._slid - before, self._told - told)
        return f"the rate of {self._rate:,.0f} a second is not held: {why}" if why else ""
