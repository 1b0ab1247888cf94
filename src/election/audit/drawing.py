"""The draw: the ballots of a sample, from a seed that was made in public. Anybody with both draws the same.

Each ballot has tickets, numbers that SHA-256 makes of the seed and of the ballot's name; the smallest tickets are
drawn (R. L. Rivest, "Consistent Sampling with Replacement", arXiv:1808.10016). A larger sample begins with a smaller.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from consistent_sampler import sampler

Name = TypeVar("Name", bound=tuple[object, ...])
SEED_DIGITS = 20
"""Digits of a seed: throws of a ten-sided die."""


@dataclass(frozen=True)
class Drawn:
    """A draw: the ballot, by box and position, and the ticket that was drawn."""

    box: int
    position: int
    ticket: str


def draw(names: Iterable[Name], seed: str, take: int) -> list[tuple[str, Name]]:
    """The first ``take`` draws with replacement as (ticket, name); a name may be drawn again."""
    found = sampler(list(names), seed, with_replacement=True, take=take, output="tuple", digits=18)
    return [(ticket, name) for ticket, name, _ in found]


def draw_papers(boxes: Sequence[tuple[int, int]], seed: str, first: int, last: int) -> list[Drawn]:
    """Draws ``first`` to before ``last`` of a contest whose boxes are (number, papers in it); positions begin at 1."""
    names = [(box, position) for box, papers in boxes for position in range(1, papers + 1)]
    return [Drawn(box, position, ticket) for ticket, (box, position) in islice(draw(names, seed, last), first, None)]
