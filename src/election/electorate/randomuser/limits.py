"""What the API gives, and what is not worth asking it for."""

import time
from collections import deque
from collections.abc import Callable

from election.errors import BadInput

PAGE = 5_000
"""People on a page; for any larger number the API silently gives one person."""
WINDOW_PEOPLE = 20_000
WINDOW_SECONDS = 300.0
"""An address may have WINDOW_PEOPLE in WINDOW_SECONDS, then the API answers 429."""
MOST_PEOPLE = 100_000
"""Half an hour of asking. The API itself ends at page 10,000."""

COUNTRIES = {
    "AU": "Australia",
    "BR": "Brazil",
    "CA": "Canada",
    "CH": "Switzerland",
    "DE": "Germany",
    "DK": "Denmark",
    "ES": "Spain",
    "FI": "Finland",
    "FR": "France",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "IN": "India",
    "IR": "Iran",
    "MX": "Mexico",
    "NL": "Netherlands",
    "NO": "Norway",
    "NZ": "New Zealand",
    "RS": "Serbia",
    "TR": "Turkey",
    "UA": "Ukraine",
    "US": "United States",
}
"""The API's nationalities, with the country it writes for each."""


def check(nationality: str, people: int) -> tuple[str, ...]:
    """The nationalities asked for, in capitals. Raises BadInput for an unknown one, and for too many people."""
    # One unknown entry and the API silently answers with people of all its nationalities.
    asked = tuple(part.strip().upper() for part in nationality.split(","))
    unknown = [part for part in asked if part not in COUNTRIES]
    if unknown:
        raise BadInput(
            f"randomuser.me has no nationality {', '.join(repr(part.lower()) for part in unknown)}. "
            f"Use one or more of {','.join(COUNTRIES).lower()}, with commas between them."
        )
    if people > MOST_PEOPLE:
        minutes = people / WINDOW_PEOPLE * WINDOW_SECONDS / 60
        raise BadInput(
            f"randomuser.me gives {WINDOW_PEOPLE:,} people in {WINDOW_SECONDS / 60:.0f} minutes, so {people:,} voters "
            f"would take {minutes:,.0f} minutes; up to {MOST_PEOPLE:,} are asked of it. "
            "Use `source=offline`, which makes as many as you want, or choose fewer voters or contests."
        )
    return asked


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
