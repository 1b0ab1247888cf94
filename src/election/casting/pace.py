"""Holds the workers together to a rate."""

import threading
import time

# A worker that falls further behind than this does not catch up with a burst.
_FORGIVEN_SECONDS = 5.0
_BATCH_SECONDS = 0.1


class Pace:
    """``rate`` is ballots a second over all workers, 0 for as fast as it goes.

    A worker keeps to the share of it that it holds of what is left to cast, so the sum is the rate however the
    records lie, and still is when a worker has died and the others have taken over.
    """

    def __init__(self, rate: float, stop: threading.Event) -> None:
        self.rate = rate
        self._own = rate
        self._stop = stop
        self._due = time.monotonic()
        self._lost = 0.0

    def share(self, own: int, left: int) -> None:
        """``own`` of the ``left`` records are this worker's."""
        if own:
            self._own = self.rate * own / left

    def batch(self, largest: int) -> int:
        """How many records to take at once, so that the pace stays even: a tenth of a second's worth."""
        return largest if not self.rate else min(largest, max(1, round(self._own * _BATCH_SECONDS)))

    def wait(self, ballots: int) -> None:
        """Waits until the ballots that were just offered are due; a stop ends the wait."""
        if not self.rate:
            return
        now = time.monotonic()
        self._lost += max(0.0, now - _FORGIVEN_SECONDS - self._due)
        self._due = max(self._due, now - _FORGIVEN_SECONDS) + ballots / self._own
        self._stop.wait(max(0.0, self._due - now))

    def lost(self) -> float:
        """Seconds that can no longer be caught up, since this was asked last: the rate is not held."""
        lost, self._lost = self._lost, 0.0
        return lost
