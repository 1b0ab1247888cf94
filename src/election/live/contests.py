"""The contests as the table and the map show them: search, order, pages; the state of each in one text."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, TypeVar

from election.live.result import ContestResult
from election.text import plain

Row = TypeVar("Row")


def _last(value: Any) -> tuple[bool, Any]:
    """Unknown values come last in ascending order."""
    return (value is None, 0 if value is None else value)


ORDERS: dict[str, Callable[[ContestResult], Any]] = {
    "Name": lambda contest: contest.contest.name,
    "Region": lambda contest: (contest.contest.region, contest.contest.name),
    "Leading party": lambda contest: (contest.leading_party is None, contest.leading_party or "", -contest.valid),
    "Smallest margin": lambda contest: _last(contest.margin_share if contest.leaders else None),
    "Largest margin": lambda contest: _last(-contest.margin_share if contest.margin_share is not None else None),
    "Highest turnout": lambda contest: _last(-contest.turnout if contest.turnout is not None else None),
    "Lowest turnout": lambda contest: _last(contest.turnout),
    "Most ballots counted": lambda contest: -contest.counted,
    "Declared first": lambda contest: _last(contest.contest.declared_at),
    "Declared last": lambda contest: _last(
        -contest.contest.declared_at.replace(tzinfo=UTC).timestamp() if contest.contest.declared_at else None
    ),
}
CHANGES: dict[str, Callable[[ContestResult], Any]] = {
    "Gains first": lambda contest: _last(
        (not contest.change.gained, not contest.change.held, contest.contest.name) if contest.change else None
    ),
    "Largest swing": lambda contest: _last(
        -contest.change.swing.share if contest.change and contest.change.swing else None
    ),
    "Turnout up most": lambda contest: _last(
        -contest.change.turnout if contest.change and contest.change.turnout is not None else None
    ),
}
"""Orders of an election that has one before it."""


@dataclass(frozen=True)
class Page:
    """One page of rows. ``number`` counts from 1; ``first`` and ``last`` are the rows' places among ``found``."""

    rows: tuple[Any, ...]
    number: int
    pages: int
    found: int
    first: int
    last: int


def page(rows: Sequence[Row], number: int, size: int) -> Page:
    """The page of that number, or the nearest there is."""
    pages = max(1, -(-len(rows) // size))
    number = min(max(1, number), pages)
    first = (number - 1) * size
    shown = tuple(rows[first : first + size])
    return Page(shown, number, pages, len(rows), first + 1 if shown else 0, first + len(shown))


def map_states(contests: Sequence[ContestResult]) -> str:
    """JSON for the map: by contest id its name, leading party or null, margin (a share) and progress.

    Without a leader the progress is ``none`` while a vote can still come, and ``empty`` when none will. A contest that
    is gained or held has a fifth member: the party that had the seat.
    """
    return json.dumps(
        {
            c.contest.id: [
                c.contest.label,
                c.leading_party,
                round(c.margin_share or 0, 3),
                c.progress if c.outcome.first or c.contest.unopposed else "none" if c.lead.overturnable else "empty",
                *([c.seat_before] if c.seat_before else []),
            ]
            for c in contests
        },
        separators=(",", ":"),
    )


def search(contests: Sequence[ContestResult], words: str, order: str) -> list[ContestResult]:
    """Contests in whose name, id, region or candidates every word occurs, in one of ``ORDERS`` or ``CHANGES``."""
    wanted = plain(words).split()

    def text(contest: ContestResult) -> str:
        people = " ".join(standing.contender.name for standing in contest.standings)
        return plain(f"{contest.contest.name} {contest.contest.id} {contest.contest.region} {people}")

    found = [c for c in contests if all(word in text(c) for word in wanted)] if wanted else list(contests)
    return sorted(found, key={**ORDERS, **CHANGES}[order])
