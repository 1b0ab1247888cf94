"""Holds a worker to its share of a rate."""

import threading
import time

# A worker that falls further behind than this does not catch up with a burst.
_FORGIVEN_SECONDS = 1.0
_BATCH_SECONDS = 0.1


class Pace:
    """``rate`` is ballots a second for this worker, 0 for as fast as it goes."""

    def __init__(self, rate: float, stop: threading.Event) -> None:
        self._rate = rate
        self._stop = stop
        self._due = time.monotonic()

    def batch(self, largest: int) -> int:
        """How many records to take at once, so that the pace stays even: a tenth of a second's worth."""
        return largest if not self._rate else min(largest, max(1, round(self._rate * _BATCH_SECONDS)))

    def wait(self, ballots: int) -> None:
        """Waits until the ballots that were just offered are due; a stop ends the wait."""
        if not self._rate:
            return
        now = time.monotonic()
        self._due = max(self._due, now - _FORGIVEN_SECONDS) + ballots / self._rate
        self._stop.wait(max(0.0, self._due - now))
