"""Decides for batches of voters, whatever the kind of election."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from election.contracts.ages import AGE_GROUPS
from election.contracts.messages import Gender, VoterRecord
from election.outcome import Line

Numbers = NDArray[np.int64]

ABSTAINS: Final = -1
INVALID: Final = 0
GENDERS: Final[tuple[Gender, ...]] = get_args(Gender)

_GENDER_CODE = {name: code for code, name in enumerate(GENDERS)}
_AGE_CODE = {name: code for code, (_, name) in enumerate(AGE_GROUPS)}


@dataclass(frozen=True)
class Roll:
    """A contest as the behaviour sees it: voters ``first_voter_no`` … ``first_voter_no + registered - 1``.

    ``candidates`` are the lines of its ballot paper, with official votes unless they are to be simulated.
    ``unopposed``: no poll is held, so no voter votes.
    """

    contest_no: int
    contest_id: str
    region: str
    first_voter_no: int
    registered: int
    official_invalid: int | None
    candidates: tuple[Line, ...]
    unopposed: bool = False


class Rule(Protocol):
    """A kind of election: decides for voters given as (index of the contest's roll, rank in it, gender, age group)."""

    def decide(self, roll: Numbers, rank: Numbers, gender: Numbers, age_group: Numbers) -> Numbers: ...


class Behaviour:
    """Decides what voters do. A decision is a candidate's number, INVALID (0) or ABSTAINS (-1)."""

    def __init__(self, rolls: Sequence[Roll], rule: Rule) -> None:
        """``rolls`` by contest number; their voters' numbers follow one another without a gap."""
        for before, after in pairwise(rolls):
            if before.first_voter_no + before.registered != after.first_voter_no:
                raise ValueError(f"the voters of contest {after.contest_no} do not follow those of {before.contest_no}")
        self._rule = rule
        self._contest = np.array([roll.contest_no for roll in rolls], np.int64)
        self._first = np.array([roll.first_voter_no for roll in rolls], np.int64)
        self._last = self._first[-1] + rolls[-1].registered - 1
        self._unopposed = np.array([roll.unopposed for roll in rolls])

    def decide(self, records: Sequence[VoterRecord]) -> Numbers:
        """The decisions of these voters, in their order. Raises ValueError for one who is not on the contest's roll."""
        size = len(records)
        return self.choose(
            np.fromiter((record.voter for record in records), np.int64, size),
            np.fromiter((record.contest for record in records), np.int64, size),
            np.fromiter((_GENDER_CODE[record.gender] for record in records), np.int64, size),
            np.fromiter((_AGE_CODE[record.age_group] for record in records), np.int64, size),
        )

    def choose(self, voter: Numbers, contest: Numbers, gender: Numbers, age_group: Numbers) -> Numbers:
        """The same for columns: numbers of voters and contests, positions in GENDERS and in AGE_GROUPS."""
        roll = np.searchsorted(self._first, voter, "right") - 1
        wrong = (roll < 0) | (voter > self._last) | (self._contest[roll] != contest)
        if wrong.any():
            some = int(np.flatnonzero(wrong)[0])
            raise ValueError(f"voter {voter[some]} is not on the roll of contest {contest[some]}")
        decisions = self._rule.decide(roll, voter - self._first[roll], gender, age_group)
        if self._unopposed.any():
            decisions[self._unopposed[roll]] = ABSTAINS
        return decisions
