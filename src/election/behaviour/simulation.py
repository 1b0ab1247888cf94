"""Simulating an election: support by region, age and gender, turnout by region, all drawn from the seed.

The formulas are in docs/behaviour.md, with the same names.
"""

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from election import draws
from election.behaviour.deciding import ABSTAINS, GENDERS, INVALID, Numbers, Roll
from election.contracts.ages import AGE_GROUPS
from election.scenarios import Simulation
from election.scenarios.model import DEFAULT_SUPPORT

Shares = NDArray[np.float64]

# From the youngest to the oldest group, and by GENDERS: how a party's slope applies.
_AGE = np.linspace(-1, 1, len(AGE_GROUPS))
_GENDER = np.array([-1.0, 1.0, 0.0])


class Simulated:
    """The rule of a simulated election."""

    def __init__(self, seed: int, rolls: Sequence[Roll], simulation: Simulation) -> None:
        self._invalid = simulation.invalid
        self._turnout = turnout_by_roll(seed, rolls, simulation)
        # The key is the contest's id, so a contest ends the same whatever other contests are chosen with it.
        self._keys = np.array([draws.key(seed, "voter", roll.contest_id) for roll in rolls], np.uint64)
        # A cell is a contest, gender and age group; one ascending line of all cells' cumulative shares
        # lets one search serve a batch of mixed voters.
        ends, choices, cell = [], [], 0
        for roll in rolls:
            shares = support(seed, roll, simulation)
            for cumulated in np.cumsum(shares.reshape(-1, len(roll.candidates)), axis=1):
                cumulated[-1] = 1.0  # against rounding: no voter falls between two cells
                ends.append(cell + cumulated)
                choices += [candidate.number for candidate in roll.candidates]
                cell += 1
        self._ends = np.concatenate(ends)
        self._choices = np.array(choices, np.int64)

    def decide(self, roll: Numbers, rank: Numbers, gender: Numbers, age_group: Numbers) -> Numbers:
        keys = self._keys[roll]
        turns_out, spoils, prefers = (draws.shares(draws.words(keys, rank * 3 + draw)) for draw in range(3))
        cell = (roll * len(GENDERS) + gender) * len(AGE_GROUPS) + age_group
        choice = self._choices[np.searchsorted(self._ends, cell + prefers, "right")]
        choice[spoils < self._invalid] = INVALID
        choice[turns_out >= self._turnout[roll]] = ABSTAINS
        return choice


def turnout_by_roll(seed: int, rolls: Sequence[Roll], simulation: Simulation) -> Shares:
    """The share of each roll's voters who take part: equal within a region, over all as ``simulation.turnout`` says."""
    regions = {roll.region: None for roll in rolls}
    # Never so wide that a region passes 0 or 1: then the mean would not be what was asked for.
    spread = min(simulation.turnout_spread, simulation.turnout / 2, (1 - simulation.turnout) / 2)
    drawn = {region: spread * _deviation(seed, "turnout", region) for region in regions}
    none = all(roll.unopposed for roll in rolls)
    registered = np.array([roll.registered if none or not roll.unopposed else 0 for roll in rolls], np.float64)
    deviation = np.array([drawn[roll.region] for roll in rolls])
    share: Shares = simulation.turnout + deviation - np.average(deviation, weights=registered)
    return share


def support(seed: int, roll: Roll, simulation: Simulation) -> Shares:
    """Each candidate's share of the valid votes in a contest; shape (genders, age groups, candidates), sums to 1."""
    ranges = {party: (low, high) for party, low, high in simulation.support}
    utility = np.empty((len(GENDERS), len(AGE_GROUPS), len(roll.candidates)))
    for position, candidate in enumerate(roll.candidates):
        party = candidate.party
        low, high = ranges.get(party, DEFAULT_SUPPORT)
        base = low + (high - low) * _uniform(seed, "support", party)
        level = (
            log(base)
            + simulation.region_spread * _deviation(seed, "region", party, roll.region)
            + simulation.candidate_spread * _deviation(seed, "candidate", roll.contest_id, position)
        )
        by_age = simulation.age_spread * _deviation(seed, "age", party) * _AGE
        by_gender = simulation.gender_spread * _deviation(seed, "gender", party) * _GENDER
        utility[:, :, position] = level + by_age[None, :] + by_gender[:, None]
    weight = np.exp(utility)
    share: Shares = weight / weight.sum(axis=2, keepdims=True)
    return share


def _uniform(*parts: object) -> float:
    return float(draws.shares(draws.mixed(np.array([draws.key(*parts)])))[0])


def _deviation(*parts: object) -> float:
    return 2 * _uniform(*parts) - 1
