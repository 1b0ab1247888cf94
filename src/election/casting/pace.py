"""When a worker takes its records: as fast as it goes, or at a rate. ``night`` has the third way."""

import threading
import time
from typing import Protocol

from confluent_kafka import Consumer, Message, TopicPartition

from election.messaging.clients import consume

# A worker that falls further behind than this does not catch up with a burst.
_FORGIVEN_SECONDS = 5.0
_BATCH_SECONDS = 0.1
_POLL_SECONDS = 0.2


class Pace(Protocol):
    """Gives a worker its records in time."""

    def batch(self, most: int) -> list[Message]:
        """Up to ``most`` records whose time has come; none after a moment without one."""

    def wait(self, ballots: int) -> None:
        """Waits until the ballots that were just offered are due; a stop ends the wait."""

    def share(self, own: int, left: int) -> None:
        """``own`` of the ``left`` records that are not done are this worker's."""

    def assigned(self, partitions: list[TopicPartition]) -> None:
        """The group was rebalanced: every partition is read again from where it was committed."""

    def slow(self) -> str:
        """How the pace was not held since this was asked last; empty when it was."""


def due_at_once(rate: float, behind: float, most: int) -> int:
    """Records in the next batch of a worker at ``rate`` ballots a second that is ``behind`` by so many seconds.

    A tenth of a second's worth keeps the pace even; what is overdue comes with it, because ballots in large batches
    cost less, and that is how a worker catches up. At least one, at most ``most``.
    """
    seconds = _BATCH_SECONDS + min(max(0.0, behind), _FORGIVEN_SECONDS)
    return min(most, max(1, round(rate * seconds)))


class Rate:
    """``rate`` is ballots a second over all workers, 0 for as fast as it goes.

    A worker keeps to the share of it that it holds of what is left to cast, so the sum is the rate however the
    records lie, and still is when a worker has died and the others have taken over.
    """

    def __init__(self, reader: Consumer, rate: float, stop: threading.Event) -> None:
        self._reader, self._rate, self._own, self._stop = reader, rate, rate, stop
        self._due: float | None = None
        self._lost = 0.0

    def batch(self, most: int) -> list[Message]:
        if self._rate:
            behind = 0.0 if self._due is None else time.monotonic() - self._due
            most = due_at_once(self._own, behind, most)
        return list(consume(self._reader, most, _POLL_SECONDS))

    def wait(self, ballots: int) -> None:
        if not self._rate:
            return
        now = time.monotonic()
        due = now if self._due is None else self._due
        self._lost += max(0.0, now - _FORGIVEN_SECONDS - due)
        self._due = max(due, now - _FORGIVEN_SECONDS) + ballots / self._own
        self._stop.wait(max(0.0, self._due - now))

    def share(self, own: int, left: int) -> None:
        if own:
            self._own = self._rate * own / left

    def assigned(self, partitions: list[TopicPartition]) -> None:
        """What was missed while the group was rebalanced is caught up."""

    def slow(self) -> str:
        lost, self._lost = self._lost, 0.0
        return f"the rate of {self._rate:,.0f} a second is not held, this is as fast as it goes" if lost else ""
