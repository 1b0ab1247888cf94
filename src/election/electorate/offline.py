"""The offline electorate: plausible people, each a function of the election's seed and their number.

All people are invented. Names come from lists of common British names, ages from the age pyramid of adults in
the United Kingdom (after the Office for National Statistics' estimates for mid-2019), telephone numbers from
the range Ofcom keeps for drama (07700 900000 to 900999), e-mail addresses from a reserved domain (RFC 2606).
"""

import csv
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from election import draws
from election.contracts.ages import years_before
from election.contracts.messages import Gender
from election.electorate.places import Homes, Indices, Roll
from election.storage.voters import COLUMNS

# Census 2021, England and Wales: 51 % of adults are women, 0.06 % say they are non-binary.
_FEMALE, _NON_BINARY = 0.511, 0.0006
_OLDEST = 104
_HOUSES = 120


class People:
    """The people of one election. Equal seed, rolls and polling day give equal people, whatever the batches."""

    def __init__(self, election_no: int, seed: int, polling_day: date, rolls: Sequence[Roll], homes: Homes) -> None:
        """``rolls`` in the order of their voters' numbers, ``homes`` of the same rolls."""
        self._election_no, self._seed, self._homes = election_no, seed, homes
        self._first = np.array([roll.first_voter_no for roll in rolls], np.int64)
        self._district = np.array([roll.district_no for roll in rolls], np.int32)
        self._lists = _lists()
        self._outward = pl.Series(homes.postcodes)
        self._ages = _age_ends()
        # The date of birth of someone whose birthday is polling day, by age.
        birthdays = np.array([years_before(polling_day, age) for age in range(_OLDEST + 1)], "datetime64[D]")
        self._birthday = birthdays.astype(np.int64)
        self._oldest = int(self._birthday[-1]) - 365
        days = range(int(self._birthday[0]) - self._oldest + 1)
        self._dates = pl.Series([str(date.fromordinal(_EPOCH + self._oldest + day)) for day in days])

    def batch(self, first: int, last: int) -> pl.DataFrame:
        """The voters with numbers ``first`` to ``last``, both included; columns as in COLUMNS."""
        voter = np.arange(first, last + 1, dtype=np.int64)
        roll = np.searchsorted(self._first, voter, "right") - 1
        lists = self._lists
        home = self._homes.draw(roll, self._share("home", voter))
        gender = self._gender(voter)
        given = lists.given_start[gender] + self._common("given name", voter, lists.given_size[gender])
        family = self._common("family name", voter, len(lists.family))
        drawn = pl.DataFrame(
            {
                "voter_no": voter,
                "district_no": self._district[roll],
                "location_no": home + 1,
                "gender": _GENDERS.gather(gender),
                "date_of_birth": self._dates.gather(self._born(voter)),
                "title": _TITLES.gather(self._title(voter, gender)),
                "given_name": lists.given.gather(given),
                "family_name": lists.family.gather(family),
                "account": lists.email.gather(given * len(lists.family) + family),
                "phone": lists.phone.gather(self._one_of("phone", voter, 1000)),
                "street": lists.street.gather(self._one_of("street", voter, len(lists.street))),
                "outward": self._outward.gather(home),
                "inward": lists.inward.gather(self._one_of("postcode", voter, len(lists.inward))),
            }
        )
        made = {
            "election_no": pl.lit(self._election_no),
            "email": pl.concat_str("account", "voter_no", pl.lit("@example.org")),
            "postcode": pl.concat_str("outward", "inward"),
            "nationality": pl.lit("GB"),
        }
        return drawn.select(made.get(name, pl.col(name)).alias(name) for name in COLUMNS)

    def _words(self, what: str, voter: Indices) -> draws.Words:
        return draws.words(draws.key(self._seed, "person", what), voter)

    def _share(self, what: str, voter: Indices) -> NDArray[np.float64]:
        return draws.shares(self._words(what, voter))

    def _one_of(self, what: str, voter: Indices, size: int) -> Indices:
        return draws.below(self._words(what, voter), np.uint64(size)).view(np.int64)

    def _common(self, what: str, voter: Indices, size: Indices | int) -> Indices:
        """Positions in a list that begins with the common ones, which are drawn more often."""
        return (self._share(what, voter) ** 1.5 * size).astype(np.int64)

    def _gender(self, voter: Indices) -> Indices:
        return np.searchsorted([_FEMALE, 1 - _NON_BINARY], self._share("gender", voter), "right")

    def _born(self, voter: Indices) -> Indices:
        bits = self._words("birth", voter)
        age = np.searchsorted(self._ages, draws.shares(bits), "right")
        day = (bits & np.uint64(0xFFFFFFFF)) * np.uint64(365) >> np.uint64(32)
        return self._birthday[age] - day.view(np.int64) - self._oldest

    def _title(self, voter: Indices, gender: Indices) -> Indices:
        share = self._share("title", voter)
        by_gender = np.searchsorted([0.45, 0.65, 0.98], share, "right")  # Mrs, Miss, Ms, Dr
        return np.where(gender == 0, by_gender, np.where(gender == 1, np.where(share < 0.98, 4, 3), 5))


_GENDERS = pl.Series(get_args(Gender))
_TITLES = pl.Series(["Mrs", "Miss", "Ms", "Dr", "Mr", "Mx"])
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class _Lists:
    """What people's fields are drawn from. ``given`` holds the names of each gender one after the other."""

    given: pl.Series
    given_start: Indices
    given_size: Indices
    family: pl.Series
    email: pl.Series
    phone: pl.Series
    street: pl.Series
    inward: pl.Series


@cache
def _lists() -> _Lists:
    lists = tomllib.loads(files("election.electorate").joinpath("lists/names.toml").read_text("utf-8"))
    female, male, family = (lists[name].split() for name in ("female", "male", "family"))
    given = [*female, *male]
    streets = [name.strip() for name in lists["streets"].split(";")]
    letters = "ABDEFGHJLNPQRSTUWXYZ"  # Royal Mail uses no C, I, K, M, O or V after the space
    return _Lists(
        given=pl.Series(given),
        given_start=np.array([0, len(female), 0]),
        given_size=np.array([len(female), len(male), len(given)]),
        family=pl.Series(family),
        email=pl.Series([f"{_letters(g)}.{_letters(f)}" for g in given for f in family]),
        phone=pl.Series([f"07700 900{number:03}" for number in range(1000)]),
        street=pl.Series(
            [
                f"{number} {name} {kind}"
                for name in streets
                for kind in lists["kinds"].split()
                for number in range(1, _HOUSES)
            ]
        ),
        inward=pl.Series([f" {digit}{a}{b}" for digit in range(10) for a in letters for b in letters]),
    )


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalpha())


@cache
def _age_ends() -> NDArray[np.float64]:
    """By age from 0, the share of adults who are that old or younger; people over the last band's start grow rarer."""
    lines = files("election.electorate").joinpath("lists/adults.csv").read_text("utf-8").splitlines()
    bands = [(int(row["youngest"]), float(row["thousands"])) for row in csv.DictReader(lines)]
    people = np.zeros(_OLDEST + 1)
    for (youngest, thousands), after in zip(bands, [*(start for start, _ in bands[1:]), _OLDEST + 1], strict=True):
        people[youngest:after] = thousands / (after - youngest)
    oldest = bands[-1][0]
    people[oldest:] = bands[-1][1] * 0.5 ** np.arange(1, _OLDEST + 2 - oldest)
    ends: NDArray[np.float64] = np.cumsum(people) / people.sum()
    ends[-1] = 1.0
    return ends
