"""Simulating an election: support by region, age and gender, turnout by region, all drawn from the seed.

The formulas are in docs/behaviour.md, with the same names.
"""

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from election import draws
from election.behaviour.deciding import ABSTAINS, GENDERS, INVALID, Choices, Contest, Numbers, Roll, positions
from election.behaviour.preferences import Preferences
from election.contracts.ages import AGE_GROUPS
from election.scenarios import Simulation
from election.scenarios.model import DEFAULT_SUPPORT

Shares = NDArray[np.float64]

_CELLS = len(GENDERS) * len(AGE_GROUPS)
# From the youngest to the oldest group, and by GENDERS: how a party's slope applies.
_AGE = np.linspace(-1, 1, len(AGE_GROUPS))
_GENDER = np.array([-1.0, 1.0, 0.0])


class Simulated:
    """The rule of a simulated election."""

    def __init__(self, seed: int, rolls: Sequence[Roll], simulation: Simulation) -> None:
        self._turnout = turnout_by_roll(seed, rolls, simulation)
        # The key is the district's id, so a district votes the same whatever other districts are chosen with it.
        self._keys = np.array([draws.key(seed, "voter", roll.district_id) for roll in rolls], np.uint64)
        self._position = [_Position(seed, rolls, index, simulation) for index in positions(rolls)]

    def decide(self, roll: Numbers, rank: Numbers, gender: Numbers, age_group: Numbers) -> list[Choices]:
        abstain = draws.shares(draws.words(self._keys[roll], rank * 3)) >= self._turnout[roll]
        cell = gender * len(AGE_GROUPS) + age_group
        return [position.choices(roll, rank, cell, abstain) for position in self._position]


class _Position:
    """The votes at one position of the ballot papers."""

    def __init__(self, seed: int, rolls: Sequence[Roll], index: int, simulation: Simulation) -> None:
        self._invalid = simulation.invalid
        # The keys of position 1 do not name it: elections of one position stay as they always were.
        named = [index + 1] if index else []
        self._keys = np.array([draws.key(seed, "voter", roll.district_id, *named) for roll in rolls], np.uint64)
        contests = [roll.paper[index] if index < len(roll.paper) else None for roll in rolls]
        self._nothing = np.array([contest is None for contest in contests])
        # A cell is a district, gender and age group; one ascending line of all cells' cumulative shares
        # lets one search serve a batch of mixed voters.
        ends, choices, ranked = [], list[int](), []
        for number, (roll, contest) in enumerate(zip(rolls, contests, strict=True)):
            shares = support(seed, roll, contest, simulation).reshape(_CELLS, -1) if contest else np.ones((_CELLS, 1))
            numbers = [line.number for line in contest.lines] if contest else [ABSTAINS]
            for cell, cumulated in enumerate(np.cumsum(shares, axis=1), number * _CELLS):
                cumulated[-1] = 1.0  # against rounding: no voter falls between two cells
                ends.append(cell + cumulated)
                choices += numbers
            ranked.append(shares if contest and contest.kind == "ranking" else shares[:, :0])
        self._ends = np.concatenate(ends)
        self._choices = np.array(choices, np.int64)
        self._lines = np.array([len(contest.lines) if contest else 1 for contest in contests], np.int64)
        self._start = np.concatenate([[0], np.cumsum(self._lines * _CELLS)[:-1]])
        self._preferences = Preferences(seed, rolls, index, ranked) if any(own.size for own in ranked) else None

    def choices(self, roll: Numbers, rank: Numbers, cell: Numbers, abstain: NDArray[np.bool_]) -> Choices:
        """``cell`` is the voters' gender and age group."""
        keys = self._keys[roll]
        spoils, prefers = (draws.shares(draws.words(keys, rank * 3 + draw)) for draw in (1, 2))
        line = np.searchsorted(self._ends, roll * _CELLS + cell + prefers, "right")
        choice = self._choices[line]
        choice[spoils < self._invalid] = INVALID
        choice[abstain] = ABSTAINS
        if self._nothing.any():
            choice[self._nothing[roll]] = ABSTAINS
        if self._preferences is None:
            return Choices(choice)
        place = line - self._start[roll] - cell * self._lines[roll]
        return Choices(choice, self._preferences.ranked(roll, rank, cell, np.where(choice > 0, place, -1)))


def turnout_by_roll(seed: int, rolls: Sequence[Roll], simulation: Simulation) -> Shares:
    """The share of each roll's voters who take part: equal within a region, over all as ``simulation.turnout`` says."""
    regions = {roll.region: None for roll in rolls}
    # Never so wide that a region passes 0 or 1: then the mean would not be what was asked for.
    spread = min(simulation.turnout_spread, simulation.turnout / 2, (1 - simulation.turnout) / 2)
    drawn = {region: spread * _deviation(seed, "turnout", region) for region in regions}
    none = not any(roll.paper for roll in rolls)
    registered = np.array([roll.registered if none or roll.paper else 0 for roll in rolls], np.float64)
    deviation = np.array([drawn[roll.region] for roll in rolls])
    share: Shares = simulation.turnout + deviation - np.average(deviation, weights=registered)
    return share


def support(seed: int, roll: Roll, contest: Contest, simulation: Simulation) -> Shares:
    """Each candidate's share of the valid votes of a district; shape (genders, age groups, candidates), sums to 1."""
    ranges = {party: (low, high) for party, low, high in simulation.support}
    utility = np.empty((len(GENDERS), len(AGE_GROUPS), len(contest.lines)))
    for place, candidate in enumerate(contest.lines):
        party = candidate.party
        low, high = ranges.get(party, DEFAULT_SUPPORT)
        base = low + (high - low) * _uniform(seed, "support", party)
        level = (
            log(base)
            + simulation.region_spread * _deviation(seed, "region", party, roll.region)
            + simulation.candidate_spread * _deviation(seed, "candidate", contest.contest_id, place)
        )
        by_age = simulation.age_spread * _deviation(seed, "age", party) * _AGE
        by_gender = simulation.gender_spread * _deviation(seed, "gender", party) * _GENDER
        utility[:, :, place] = level + by_age[None, :] + by_gender[:, None]
    weight = np.exp(utility)
    share: Shares = weight / weight.sum(axis=2, keepdims=True)
    return share


def _uniform(*parts: object) -> float:
    return float(draws.shares(draws.mixed(np.array([draws.key(*parts)])))[0])


def _deviation(*parts: object) -> float:
    return 2 * _uniform(*parts) - 1
