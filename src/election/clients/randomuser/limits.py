"""The API's own limits."""

import re
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from filelock import FileLock

from election.settings import Settings
from election.sources import WINDOW_PEOPLE, WINDOW_SECONDS

PAGE = 5_000
"""People on a page; for any larger number the API silently gives one person. Beyond page 10,000 it gives the first."""

_NOTED = re.compile(r"^(\d+\.\d+) (\d+)$", re.MULTILINE)
"""Seconds since 1970, people."""


class Allowance:
    """Waits before a request that would ask for more people than the API allows an address in its window of time.

    What was asked for stands in a file, so that all tasks on this machine keep to the limit together.
    """

    def __init__(
        self, file: Path, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._file, self._clock, self._sleep = file, clock, sleep
        file.parent.mkdir(parents=True, exist_ok=True)

    @classmethod
    def of(cls, settings: Settings) -> "Allowance":
        """That of the API in the settings: each has its own limit."""
        name = blake2b(settings.randomuser_url.encode(), digest_size=8).hexdigest()
        return cls(settings.var / "randomuser" / name)

    def take(self, people: int) -> float:
        """Waits until ``people`` more may be asked for; returns the seconds waited."""
        waited = 0.0
        while pause := self._pause(people):
            self._sleep(pause)
            waited += pause
        return waited

    def _pause(self, people: int) -> float:
        """0 when they may be asked for, which is noted; else seconds until the earliest request leaves the window."""
        with FileLock(self._file.with_name(f"{self._file.name}.lock")):
            now = self._clock()
            text = self._file.read_text() if self._file.exists() else ""
            asked = [(float(at), int(number)) for at, number in _NOTED.findall(text)]
            asked = [(at, number) for at, number in asked if now - WINDOW_SECONDS < at <= now]
            if sum(number for _, number in asked) + people > WINDOW_PEOPLE:
                return max(0.001, asked[0][0] + WINDOW_SECONDS - now)
            self._file.write_text("".join(f"{at:.6f} {number}\n" for at, number in [*asked, (now, people)]))
            return 0.0
