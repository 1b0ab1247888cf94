"""Replaying an official result: every total is met exactly, whichever voters come in whatever order.

Each district's voters are shuffled by a keyed permutation of their ranks; the first places vote for the first
candidate, as many as its official votes, the next for the second, and so on; then come those with an invalid ballot,
and the rest abstain. Rankings have their places as candidates do. At a further position of the ballot paper, a second
permutation shuffles the places of those who voted. No state is kept, and no voter has to know of another.

The permutation is a Feistel network over a x b places with cycle walking, after Black and Rogaway,
"Ciphers with Arbitrary Finite Domains" (CT-RSA 2002, doi:10.1007/3-540-45760-7_9): a is the square root
of the number of places, rounded up, and b as small as it may be, so hardly any voter has to walk.
"""

from collections.abc import Sequence
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from election import draws
from election.behaviour.deciding import ABSTAINS, INVALID, Choices, Contest, Numbers, Roll, positions
from election.errors import BadInput

_ROUNDS = 6


class Replay:
    """The rule of a replay. All contests must have official figures."""

    def __init__(self, seed: int, rolls: Sequence[Roll]) -> None:
        """Raises BadInput for official figures that no voters could give."""
        for roll in rolls:
            _check(roll)
        self._voted = np.array([_ballots(roll.paper[0]) if roll.paper else 0 for roll in rolls], np.int64)
        registered = np.array([roll.registered for roll in rolls], np.int64)
        self._shuffles, self._intervals = [], []
        for index in positions(rolls):
            # The keys of position 1 do not name it: elections of one position stay as they always were.
            named = [index + 1] if index else []
            places = self._voted if index else registered
            keys = [
                [draws.key(seed, "replay", roll.district_id, *named, turn) for roll in rolls] for turn in range(_ROUNDS)
            ]
            self._shuffles.append(_Shuffle(places, np.array(keys, np.uint64)))
            own = [roll.paper[index] if index < len(roll.paper) else None for roll in rolls]
            self._intervals.append(_Intervals(places, own))

    def decide(self, roll: Numbers, rank: Numbers, gender: Numbers, age_group: Numbers) -> list[Choices]:
        """Gender and age play no part: official results do not tell them."""
        place = self._shuffles[0](roll, rank)
        chosen = [self._intervals[0](roll, place)]
        if len(self._shuffles) > 1:
            voted = np.flatnonzero(place < self._voted[roll])
            roll, place = roll[voted], place[voted]
            for shuffle, interval in zip(self._shuffles[1:], self._intervals[1:], strict=True):
                chosen.append(_among(len(rank), voted, interval(roll, shuffle(roll, place))))
        return chosen


class _Shuffle:
    """A keyed permutation of 0 … places - 1 for each roll."""

    def __init__(self, places: Numbers, keys: draws.Words) -> None:
        """``keys`` by round and roll."""
        left = [isqrt(number - 1) + 1 if number else 1 for number in places.tolist()]
        self._places, self._left = places.astype(np.uint64), np.array(left, np.uint64)
        right = [max(1, -(-number // a)) for number, a in zip(places.tolist(), left, strict=True)]
        self._right, self._keys = np.array(right, np.uint64), keys

    def __call__(self, roll: Numbers, rank: Numbers) -> Numbers:
        places = self._shuffled(roll, rank.astype(np.uint64))
        outside = np.flatnonzero(places >= self._places[roll])
        while outside.size:
            places[outside] = self._shuffled(roll[outside], places[outside])
            outside = outside[places[outside] >= self._places[roll[outside]]]
        return places.astype(np.int64)

    def _shuffled(self, roll: Numbers, rank: draws.Words) -> draws.Words:
        left_end, right_end = self._left[roll], self._right[roll]
        left, right = np.divmod(rank, right_end)
        for turn in range(_ROUNDS):
            keys = self._keys[turn][roll]
            if turn % 2:
                right += draws.below(draws.words(keys, left), right_end)
                right -= right_end * (right >= right_end)
            else:
                left += draws.below(draws.words(keys, right), left_end)
                left -= left_end * (left >= left_end)
        return left * right_end + right


class _Intervals:
    """The votes of one position as intervals of places."""

    def __init__(self, places: Numbers, contests: Sequence[Contest | None]) -> None:
        # All districts' places lie one after the other, so that one search serves a batch of mixed districts.
        self._start = np.concatenate([[0], np.cumsum(places)[:-1]]).astype(np.int64)
        ends, candidates, rankings = [], list[int](), list[tuple[int, ...]]()
        for start, size, contest in zip(self._start.tolist(), places.tolist(), contests, strict=True):
            votes = _votes(contest) if contest else []
            ends += [start + np.cumsum([number for _, _, number in votes], dtype=np.int64), [start + size]]
            candidates += [*(candidate for candidate, _, _ in votes), ABSTAINS]
            rankings += [*(ranking for _, ranking, _ in votes), ()]
        self._ends, self._candidates = np.concatenate(ends), np.array(candidates, np.int64)
        self._rankings = _table(rankings) if any(rankings) else None

    def __call__(self, roll: Numbers, place: Numbers) -> Choices:
        interval = np.searchsorted(self._ends, self._start[roll] + place, "right")
        return Choices(self._candidates[interval], None if self._rankings is None else self._rankings[interval])


def _votes(contest: Contest) -> list[tuple[int, tuple[int, ...], int]]:
    """(candidate, ranking, official votes) in the order of places."""
    invalid = (INVALID, (), contest.official.get(INVALID, 0))
    if contest.kind == "ranking":
        return [*((ranking[0], ranking, number) for ranking, number in contest.rankings), invalid]
    return [*((line.number, (), contest.official.get(line.number, 0)) for line in contest.lines), invalid]


def _ballots(contest: Contest) -> int:
    return sum(number for _, _, number in _votes(contest))


def _check(roll: Roll) -> None:
    voted = [_ballots(contest) for contest in roll.paper]
    if max(voted, default=0) > roll.registered:
        raise BadInput(
            f"District {roll.district_id} has more official ballots ({max(voted):,}) than registered voters "
            f"({roll.registered:,}). Correct the scenario and register another election."
        )
    if len(set(voted)) > 1:
        raise BadInput(
            f"The official votes of district {roll.district_id} differ by contest ({', '.join(map(str, voted))}, with "
            "the invalid ones), but every voter has one vote in each. Correct the scenario and register another "
            "election."
        )


def _table(rankings: Sequence[tuple[int, ...]]) -> NDArray[np.int64]:
    table = np.zeros((len(rankings), max(map(len, rankings))), np.int64)
    for row, ranking in zip(table, rankings, strict=True):
        row[: len(ranking)] = ranking
    return table


def _among(size: int, those: Numbers, chosen: Choices) -> Choices:
    """The choices of ``those`` among so many voters; all others abstain."""
    candidate = np.full(size, ABSTAINS, np.int64)
    candidate[those] = chosen.candidate
    if chosen.rankings is None:
        return Choices(candidate)
    rankings = np.zeros((size, chosen.rankings.shape[1]), np.int64)
    rankings[those] = chosen.rankings
    return Choices(candidate, rankings)
