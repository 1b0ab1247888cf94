"""The API's own limits."""

import time
from collections import deque
from collections.abc import Callable

from election.sources import WINDOW_PEOPLE, WINDOW_SECONDS

PAGE = 5_000
"""People on a page; for any larger number the API silently gives one person. Beyond page 10,000 it gives the first."""


class Allowance:
    """Waits before a request that would ask for more people than the API allows in its window of time."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._asked: deque[tuple[float, int]] = deque()

    def take(self, people: int) -> float:
        """Waits until ``people`` more may be asked for; returns the seconds waited."""
        waited = 0.0
        while True:
            now = self._clock()
            while self._asked and self._asked[0][0] <= now - WINDOW_SECONDS:
                self._asked.popleft()
            if sum(number for _, number in self._asked) + people <= WINDOW_PEOPLE:
                self._asked.append((now, people))
                return waited
            pause = self._asked[0][0] + WINDOW_SECONDS - now
            self._sleep(pause)
            waited += pause
