"""Where an electorate's people come from, and what a source can give."""

from typing import Literal, get_args

from election.errors import BadInput

Source = Literal["offline", "randomuser"]

WINDOW_PEOPLE = 20_000
WINDOW_SECONDS = 300.0
"""randomuser.me gives an address WINDOW_PEOPLE in WINDOW_SECONDS, then it answers 429."""
MOST_PEOPLE = 100_000
"""Half an hour of asking randomuser.me."""

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
"""The nationalities of randomuser.me, with the country it writes for each."""


def check(source: str, nationality: str, people: int) -> None:
    """Raises BadInput when the source cannot give so many people of that nationality, with the figures."""
    if source not in get_args(Source):
        raise BadInput(f"There is no source {source!r} of people; use {' or '.join(get_args(Source))}.")
    if source == "randomuser":
        nationalities(nationality)
        _check_time(people)


def nationalities(nationality: str) -> tuple[str, ...]:
    """The nationalities in a list with commas, in capitals. Raises BadInput for one that is unknown."""
    # One unknown entry and the API silently answers with people of all its nationalities.
    asked = tuple(part.strip().upper() for part in nationality.split(","))
    unknown = [part for part in asked if part not in COUNTRIES]
    if unknown:
        raise BadInput(
            f"randomuser.me has no nationality {', '.join(repr(part.lower()) for part in unknown)}. "
            f"Use one or more of {','.join(COUNTRIES).lower()}, with commas between them."
        )
    return asked


def _check_time(people: int) -> None:
    if people > MOST_PEOPLE:
        minutes = people / WINDOW_PEOPLE * WINDOW_SECONDS / 60
        raise BadInput(
            f"randomuser.me gives {WINDOW_PEOPLE:,} people in {WINDOW_SECONDS / 60:.0f} minutes, so {people:,} voters "
            f"would take {minutes:,.0f} minutes; up to {MOST_PEOPLE:,} are asked of it. "
            "Use `source=offline`, which makes as many as you want, or choose fewer voters or contests."
        )
