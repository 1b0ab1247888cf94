"""Where the voters of each district live: towns of its region, or parts of the district where none are listed.

Voters are numbered by district: docs/decisions/0002-contest-of-a-voter.md.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from election.contracts.ballots import Place

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Roll:
    """A district as the electorate sees it: voters ``first_voter_no`` … ``first_voter_no + registered - 1``."""

    district_no: int
    name: str
    region: str
    country: str
    first_voter_no: int
    registered: int


@dataclass(frozen=True)
class Town:
    """A city with the district its postcodes begin with; ``weight`` is its share of people, in any unit."""

    city: str
    postcode: str
    weight: float


class Homes:
    """The places of an election: ``places`` in the order of their numbers, ``postcodes`` beside them.

    ``draw`` gives positions in both lists for voters of mixed districts.
    """

    def __init__(self, rolls: Sequence[Roll]) -> None:
        numbers: dict[tuple[str, str, str], int] = {}
        self.postcodes: list[str] = []
        lines: dict[tuple[str, ...], int] = {}
        self._line = np.empty(len(rolls), np.int64)
        ends: list[NDArray[np.float64]] = []
        positions: list[int] = []
        for index, roll in enumerate(rolls):
            towns = towns_of(roll.region) or _parts(roll.name)
            drawn_from = (roll.country, roll.region, towns[0].city)
            if drawn_from not in lines:
                lines[drawn_from] = len(ends)
                weights = np.cumsum([town.weight for town in towns])
                cumulated = weights / weights[-1]
                cumulated[-1] = 1.0
                ends.append(len(ends) + cumulated)
                for town in towns:
                    place = (roll.country, roll.region, town.city)
                    if place not in numbers:
                        numbers[place] = len(numbers)
                        self.postcodes.append(town.postcode)
                    positions.append(numbers[place])
            self._line[index] = lines[drawn_from]
        self._ends, self._positions = np.concatenate(ends), np.array(positions, np.int64)
        self.places = [Place(number + 1, *place) for place, number in numbers.items()]

    def draw(self, roll: Indices, share: NDArray[np.float64]) -> Indices:
        """Positions of homes; ``roll`` are positions in the rolls given, ``share`` draws in [0, 1)."""
        positions: Indices = self._positions[np.searchsorted(self._ends, self._line[roll] + share, "right")]
        return positions


def towns_of(region: str) -> list[Town]:
    """The listed towns of a region of the United Kingdom; empty for any other region."""
    return _listed().get(region, [])


@cache
def _listed() -> dict[str, list[Town]]:
    regions: dict[str, list[Town]] = {}
    lines = files("election.electorate").joinpath("lists/places.csv").read_text("utf-8").splitlines()
    for row in csv.DictReader(lines):
        regions.setdefault(row["region"], []).append(Town(row["city"], row["postcode"], float(row["weight"])))
    return regions


def _parts(name: str) -> list[Town]:
    parts = (("Central", 4), ("North", 2), ("South", 2), ("East", 1), ("West", 1))
    # No British postcode area begins with X, so these cannot be anybody's.
    return [Town(f"{name} {part}", f"XX{number}", weight) for number, (part, weight) in enumerate(parts, 1)]
