"""Logs a worker's progress: the records done by all workers, the speed, and the remaining time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

_LOG_SECONDS = 2.0


@dataclass(frozen=True)
class _Told:
    """The last report: seconds on the clock, the group's records, this worker's ballots."""

    at: float
    records: int
    ballots: int


class Log:
    """The log of one worker."""

    def __init__(self, name: str, write: Callable[[str], None]) -> None:
        self._name, self._write = name, write
        self._told: _Told | None = None

    def say(self, text: str) -> None:
        self._write(f"{self._name}: {text}")

    def tell(self, done: int, total: int, ballots: int, slow: Callable[[], str], *, last: bool) -> None:
        """Logs every two seconds and at the end: all workers' ``done`` of ``total`` records, this one's ``ballots``."""
        now = _Told(time.monotonic(), done, ballots)
        before = self._told or now
        if self._told is not None and not last and now.at - before.at < _LOG_SECONDS:
            return
        self._told = now
        seconds = max(now.at - before.at, 0.001)
        speed = (done - before.records) / seconds
        left = f", {timedelta(seconds=round((total - done) / speed))} left" if speed else ""
        self.say(
            f"{(ballots - before.ballots) / seconds:,.0f} ballots a second. All workers: {done:,} of {total:,} records "
            f"({done / max(total, 1):.0%}), {speed:,.0f} a second{left}."
        )
        if why := slow():
            self.say(f"{why}.")
