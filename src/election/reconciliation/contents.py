"""The content of a ballot as two integers: equal integers mean equal contents, byte for byte on ``votes_topic``.

The first (``code``) encodes choice, place, gender and age group; the second is the time in milliseconds. Integers in
columns are compared and sorted far faster than messages of 330 bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from election.contracts.ages import AGE_GROUPS, last_births
from election.contracts.ballots import Choice, Place, VoteEncoder
from election.contracts.messages import AgeGroup, Gender, VoteMessage, encode
from election.contracts.public import Series
from election.platform import Connection
from election.storage.ballots import choices, places
from election.storage.elections import Election

GENDERS: tuple[Gender, ...] = get_args(Gender)
_AGES = [name for _, name in AGE_GROUPS]
_PEOPLE = len(GENDERS) * len(_AGES)
UNHEARD = -(1 << 62)
"""The code of a stored ballot that no message can express, for example in a contest that does not exist."""
ODD = -3
"""The first code of messages that match no possible ballot of the election; further codes count down from it."""


@dataclass(frozen=True)
class Contents:
    """All possible contents of an election's ballots. Small enough to be sent to another process."""

    election_no: int
    series: Series
    choices: Sequence[Choice]
    places: Sequence[Place]
    _choice: dict[tuple[int, int | None], int] = field(init=False, repr=False, compare=False)
    _place: dict[int, int] = field(init=False, repr=False, compare=False)
    _encode: VoteEncoder = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        made = {
            "_choice": {(choice.contest, choice.candidate): at for at, choice in enumerate(self.choices)},
            "_place": {place.location: at for at, place in enumerate(self.places)},
            "_encode": VoteEncoder(self.election_no, self.series, list(self.choices), list(self.places)),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def code(self, vote: VoteMessage) -> int | None:
        """The code of a message; None if casting could not have written it."""
        choice, place = self._choice.get((vote.contest, vote.candidate)), self._place.get(vote.location)
        if choice is None or place is None:
            return None
        own = bytes.fromhex(vote.ballot_id)
        usual = self._encode(
            own, vote.contest, vote.candidate, vote.location, vote.gender, vote.age_group, vote.cast_at
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
        """Positions in ``choices``, for codes that are not negative."""
        return codes // self.combinations

    def choice(self, contest: int, candidate: int | None) -> int | None:
        """The position in ``choices``."""
        return self._choice.get((contest, candidate))


def contents(connection: Connection, poll: Election) -> Contents:
    no = poll.election_no
    return Contents(no, poll.series, choices(connection, no), places(connection, no))


class Stored:
    """Codes of stored ballots, a column at a time."""

    def __init__(self, poll: Election, known: Contents) -> None:
        self._known = known
        candidates = [choice.candidate or 0 for choice in known.choices]
        contests = [choice.contest for choice in known.choices]
        self._contest_of = np.array(contests, np.int64)
        self._by_candidate = _positions([(c, at) for at, c in enumerate(candidates) if c])
        self._by_contest = _positions([(c, at) for at, c in enumerate(contests) if not candidates[at]])
        self._by_place = _positions([(place.location, at) for at, place in enumerate(known.places)])
        self._births = np.array([np.datetime64(day) for day in last_births(poll.polling_day)]).astype(np.int64)

    def codes(self, batch: pa.RecordBatch) -> NDArray[Any]:
        """Codes from the columns ``contest``, ``candidate``, ``location``, ``gender`` (place in GENDERS), ``born``."""
        contest, candidate, location, gender = (
            _whole(batch, name) for name in ("contest", "candidate", "location", "gender")
        )
        invalid = batch.column("candidate").is_null().to_numpy(zero_copy_only=False)
        choice = np.where(invalid, _at(self._by_contest, contest), _at(self._by_candidate, candidate))
        choice[(choice >= 0) & (self._contest_of[choice] != contest)] = -1
        place = _at(self._by_place, location)
        # _births has the last date of birth of each group. A person born after the first of them is a minor.
        born = batch.column("born").cast(pa.int32()).fill_null(2**31 - 1).to_numpy(zero_copy_only=False)
        age = (born[:, None] <= self._births).sum(axis=1) - 1
        codes = (choice * len(self._known.places) + place) * _PEOPLE + gender * len(_AGES) + age
        codes[(choice < 0) | (place < 0) | (gender < 0) | (age < 0)] = UNHEARD
        return codes


def _positions(pairs: list[tuple[int, int]]) -> NDArray[Any]:
    """Positions by number; -1 for the numbers between them."""
    found = np.full(max((number for number, _ in pairs), default=0) + 2, -1, np.int64)
    for number, at in pairs:
        found[number] = at
    return found


def _at(positions: NDArray[Any], numbers: NDArray[Any]) -> NDArray[Any]:
    known = (numbers >= 0) & (numbers < len(positions))
    return np.where(known, positions[np.where(known, numbers, 0)], -1)


def _whole(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    return batch.column(name).cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
