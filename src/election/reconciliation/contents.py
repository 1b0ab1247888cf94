"""The content of a vote as two integers: equal integers mean equal contents, byte for byte on ``votes_topic``.

The first (``code``) encodes choice, place, gender and age group; the second is the time in milliseconds. A choice is a
district, a contest at its position on the district's ballot paper, a candidate or none, and a ranking or none. Integers
in columns are compared and sorted far faster than messages of 330 bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from election.contracts.ages import AGE_GROUPS, last_births
from election.contracts.ballots import Choice, Place, VoteEncoder
from election.contracts.messages import AgeGroup, Gender, VoteMessage, encode
from election.contracts.public import Series
from election.platform import Connection
from election.reconciliation.papers import Papers, find, positions
from election.storage.ballots import choices, places, stored_rankings
from election.storage.elections import Election

GENDERS: tuple[Gender, ...] = get_args(Gender)
_AGES = [name for _, name in AGE_GROUPS]
_PEOPLE = len(GENDERS) * len(_AGES)
UNHEARD = -(1 << 62)
"""The code of a stored vote that no message can express, for example in a contest that does not exist."""
ODD = -3
"""The first code of messages that match no possible vote of the election; further codes count down from it."""


class Claim(NamedTuple):
    """The choice that a vote names: candidate 0 is an invalid vote, ``ranking`` a text as in "3,1,2"."""

    district: int
    contest: int
    position: int
    candidate: int
    ranking: str = ""

    @classmethod
    def of(cls, vote: VoteMessage) -> "Claim":
        ranking = ",".join(map(str, vote.ranking or ()))
        return cls(vote.district or vote.contest, vote.contest, vote.position or 1, vote.candidate or 0, ranking)


@dataclass(frozen=True)
class Contents:
    """All possible contents of an election's votes. Small enough to be sent to another process.

    ``rankings`` are the stored ones, each with its district.
    """

    election_no: int
    series: Series
    choices: Sequence[Choice]
    places: Sequence[Place]
    rankings: Sequence[tuple[int, str]] = ()

    @cached_property
    def claims(self) -> list[Claim]:
        """What each choice of a code says: ``choices``, then a further one for each ranking."""
        plain = [Claim(c.district, c.contest, c.position, c.candidate or 0) for c in self.choices]
        first = {(str(claim.candidate), claim.district): claim for claim in plain if claim.candidate}
        ranked = [(first.get((ranking.split(",")[0], district)), ranking) for district, ranking in self.rankings]
        return plain + [claim._replace(ranking=ranking) for claim, ranking in ranked if claim is not None]

    def choice(self, claim: Claim) -> int | None:
        """The position in ``claims``."""
        return self._choice.get(claim)

    def code(self, vote: VoteMessage) -> int | None:
        """The code of a message; None if casting could not have written it."""
        choice, place = self.choice(Claim.of(vote)), self._place.get(vote.location)
        if choice is None or place is None:
            return None
        usual = self._encode(
            bytes.fromhex(vote.ballot_id),
            vote.district or vote.contest,
            vote.contest,
            vote.candidate,
            vote.ranking,
            vote.location,
            vote.gender,
            vote.age_group,
            vote.cast_at,
        )
        if encode(vote) != usual:
            return None
        people = GENDERS.index(vote.gender) * len(_AGES) + _AGES.index(vote.age_group)
        return (choice * len(self.places) + place) * _PEOPLE + people

    @property
    def combinations(self) -> int:
        """The number of combinations of a place, a gender and an age group."""
        return len(self.places) * _PEOPLE

    def person(self, number: int) -> tuple[Place, Gender, AgeGroup]:
        """The place, gender and age group of a code modulo ``combinations``."""
        place, people = divmod(number, _PEOPLE)
        gender, age = divmod(people, len(_AGES))
        return self.places[place], GENDERS[gender], _AGES[age]

    def choice_of(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Positions in ``claims``, for codes that are not negative."""
        return codes // self.combinations

    @cached_property
    def _choice(self) -> dict[Claim, int]:
        return {claim: at for at, claim in enumerate(self.claims)}

    @cached_property
    def _place(self) -> dict[int, int]:
        return {place.location: at for at, place in enumerate(self.places)}

    @cached_property
    def _encode(self) -> VoteEncoder:
        return VoteEncoder(self.election_no, self.series, list(self.choices), list(self.places))


def contents(connection: Connection, poll: Election) -> Contents:
    """The possible contents now. A ranking that is stored later is not among them."""
    no = poll.election_no
    return Contents(no, poll.series, choices(connection, no), places(connection, no), stored_rankings(connection, no))


class Stored:
    """Codes of stored votes, a column at a time."""

    def __init__(self, poll: Election, known: Contents) -> None:
        self._known, self._papers = known, Papers(known.choices)
        self._by_place = positions([(place.location, at) for at, place in enumerate(known.places)])
        self._births = np.array([np.datetime64(day) for day in last_births(poll.polling_day)]).astype(np.int64)
        ranked = list(enumerate(known.claims))[len(known.choices) :]
        self._ranked = {(claim.district, claim.ranking): at for at, claim in ranked}
        plain = [*range(len(known.choices)), *(known.choice(claim._replace(ranking="")) for _, claim in ranked), -1]
        self._plain = np.array(plain, np.int64)  # of each choice, the one without its ranking

    def codes(self, batch: pa.RecordBatch) -> NDArray[Any]:
        """Codes of records of ``stored.VOTES``."""
        district, position, contest, candidate, location, gender = (
            _whole(batch, name) for name in ("district", "position", "contest", "candidate", "location", "gender")
        )
        invalid = batch.column("candidate").is_null().to_numpy(zero_copy_only=False)
        choice = self._papers.choice(district, position, contest, candidate, invalid)
        if self._known.rankings:
            choice = self._with_ranking(choice, batch)
        place = find(self._by_place, location)
        # _births has the last date of birth of each group. A person born after the first of them is a minor.
        born = batch.column("born").cast(pa.int32()).fill_null(2**31 - 1).to_numpy(zero_copy_only=False)
        age = (born[:, None] <= self._births).sum(axis=1) - 1
        codes = (choice * len(self._known.places) + place) * _PEOPLE + gender * len(_AGES) + age
        codes[(choice < 0) | (place < 0) | (gender < 0) | (age < 0)] = UNHEARD
        return codes

    def _with_ranking(self, plain: NDArray[Any], batch: pa.RecordBatch) -> NDArray[Any]:
        """The choices with the votes' rankings, from those without."""
        rankings = batch.column("ranking")
        pairs = zip(batch.column("district").to_pylist(), rankings.to_pylist(), strict=True)
        ranked = np.fromiter((self._ranked.get(pair, -1) for pair in pairs), np.int64, len(batch))
        ranked[self._plain[ranked] != plain] = -1
        return np.where(rankings.is_null().to_numpy(zero_copy_only=False), plain, ranked)


def _whole(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    return batch.column(name).cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
