"""The stages of a count of rankings."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Stage:
    """Votes by candidate (number of the first line) after the stage, five decimals; an excluded candidate has 0.

    ``moved``: the candidate whose papers this stage transferred, None in the first. ``not_transferable`` is the value
    so far of papers without a further preference, with what the cut decimals lost.
    """

    number: int
    votes: Mapping[int, Decimal]
    moved: int | None
    elected: tuple[int, ...]
    excluded: tuple[int, ...]
    not_transferable: Decimal


@dataclass(frozen=True)
class Ranked:
    """``elected`` in the order of election; fewer than the seats if a tie awaits its lot, which ends the stages."""

    quota: int
    elected: tuple[int, ...]
    stages: tuple[Stage, ...]
