"""Decides for batches of voters, whatever the kind of election."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from election.contracts.ages import AGE_GROUPS
from election.contracts.messages import Gender, VoterRecord
from election.outcome import Line
from election.outcome.race import RaceKind

Numbers = NDArray[np.int64]

ABSTAINS: Final = -1
INVALID: Final = 0
GENDERS: Final[tuple[Gender, ...]] = get_args(Gender)

_GENDER_CODE = {name: code for code, name in enumerate(GENDERS)}
_AGE_CODE = {name: code for code, (_, name) in enumerate(AGE_GROUPS)}


@dataclass(frozen=True)
class Contest:
    """A contest on the ballot paper of a district. ``lines`` are the candidates or lists that stand in it.

    ``official`` are the district's official votes by candidate, in a replay; INVALID (0) has the invalid ones. A
    contest of kind ``ranking`` has the official ballots by ranking in ``rankings``.
    """

    contest_no: int
    contest_id: str
    lines: tuple[Line, ...]
    kind: RaceKind = "candidates"
    official: Mapping[int, int] = field(default_factory=dict, hash=False)
    rankings: tuple[tuple[tuple[int, ...], int], ...] = ()


@dataclass(frozen=True)
class Roll:
    """A district as the behaviour sees it: voters ``first_voter_no`` … ``first_voter_no + registered - 1``.

    ``paper`` are the contests by position. Without any, no poll is held in the district, so no voter votes.
    """

    district_no: int
    district_id: str
    region: str
    first_voter_no: int
    registered: int
    paper: tuple[Contest, ...]


class Choices(NamedTuple):
    """What voters chose at one position of their ballot papers.

    ``candidate`` is a candidate's number, INVALID (0) or ABSTAINS (-1); a voter who abstains at one position of the
    paper abstains at all. ``rankings`` has a row for each voter, with the candidates from the most preferred on and
    zeros after the last; it is None if no district has a ranking at this position.
    """

    candidate: Numbers
    rankings: Numbers | None = None

    def ranked(self) -> list[tuple[int, ...] | None]:
        """Each voter's ranking; None for every other kind of vote."""
        if self.rankings is None:
            return [None] * len(self.candidate)
        named = (self.rankings > 0).sum(axis=1).tolist()
        return [tuple(row[:size]) if size else None for row, size in zip(self.rankings.tolist(), named, strict=True)]


class Rule(Protocol):
    """A kind of election: decides for voters given as (index of the district's roll, rank in it, gender, age group)."""

    def decide(self, roll: Numbers, rank: Numbers, gender: Numbers, age_group: Numbers) -> list[Choices]: ...


class Behaviour:
    """Decides what voters do."""

    def __init__(self, rolls: Sequence[Roll], rule: Rule) -> None:
        """``rolls`` in the order of their voters' numbers, which follow one another without a gap."""
        for before, after in pairwise(rolls):
            if before.first_voter_no + before.registered != after.first_voter_no:
                raise ValueError(
                    f"the voters of district {after.district_no} do not follow those of {before.district_no}"
                )
        self._rule = rule
        self._district = np.array([roll.district_no for roll in rolls], np.int64)
        self._first = np.array([roll.first_voter_no for roll in rolls], np.int64)
        self._last = self._first[-1] + rolls[-1].registered - 1
        self.contests = [
            {roll.district_no: roll.paper[index].contest_no for roll in rolls if index < len(roll.paper)}
            for index in positions(rolls)
        ]
        """For each position, the number of the contest there by the number of the district."""

    def decide(self, records: Sequence[VoterRecord]) -> list[Choices]:
        """The choices of these voters, in their order, at each position of a ballot paper.

        Raises ValueError for a voter who is not on the district's roll.
        """
        size = len(records)
        return self.choose(
            np.fromiter((record.voter for record in records), np.int64, size),
            np.fromiter((record.district for record in records), np.int64, size),
            np.fromiter((_GENDER_CODE[record.gender] for record in records), np.int64, size),
            np.fromiter((_AGE_CODE[record.age_group] for record in records), np.int64, size),
        )

    def choose(self, voter: Numbers, district: Numbers, gender: Numbers, age_group: Numbers) -> list[Choices]:
        """The same for columns: numbers of voters and districts, positions in GENDERS and in AGE_GROUPS."""
        roll = np.searchsorted(self._first, voter, "right") - 1
        wrong = (roll < 0) | (voter > self._last) | (self._district[roll] != district)
        if wrong.any():
            some = int(np.flatnonzero(wrong)[0])
            raise ValueError(f"voter {voter[some]} is not on the roll of district {district[some]}")
        return self._rule.decide(roll, voter - self._first[roll], gender, age_group)


def positions(rolls: Sequence[Roll]) -> range:
    """Indices of the positions on the longest ballot paper; there is one at least."""
    return range(max(1, *(len(roll.paper) for roll in rolls)))
