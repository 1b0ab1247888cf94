"""Replaying an official result: every total is met exactly, whichever voters come in whatever order.

Each contest's voters are shuffled by a keyed permutation of their ranks; the first places vote for the
first candidate, as many as its official votes, the next for the second, and so on; then come those with
an invalid ballot, and the rest abstain. No state is kept, and no voter has to know of another.

The permutation is a Feistel network over a x b places with cycle walking, after Black and Rogaway,
"Ciphers with Arbitrary Finite Domains" (CT-RSA 2002, doi:10.1007/3-540-45760-7_9): a is the square root
of the electorate, rounded up, and b as small as it may be, so hardly any voter has to walk.
"""

from collections.abc import Sequence
from math import isqrt

import numpy as np

from election import draws
from election.behaviour.deciding import ABSTAINS, INVALID, Numbers, Roll

_ROUNDS = 6


class Replay:
    """The rule of a replay. All rolls must have official figures."""

    def __init__(self, seed: int, rolls: Sequence[Roll]) -> None:
        left = [isqrt(roll.registered - 1) + 1 for roll in rolls]
        self._registered = np.array([roll.registered for roll in rolls], np.uint64)
        self._left = np.array(left, np.uint64)
        self._right = np.array([-(-roll.registered // a) for roll, a in zip(rolls, left, strict=True)], np.uint64)
        self._keys = np.array(
            [[draws.key(seed, "replay", roll.contest_id, turn) for roll in rolls] for turn in range(_ROUNDS)], np.uint64
        )
        # All contests' places lie one after the other, so that one search serves a batch of mixed contests.
        self._start = np.concatenate([[0], np.cumsum(self._registered)[:-1]]).astype(np.int64)
        ends, choices = [], []
        for start, roll in zip(self._start, rolls, strict=True):
            votes = [candidate.official or 0 for candidate in roll.candidates] + [roll.official_invalid or 0]
            if sum(votes) > roll.registered:
                raise ValueError(f"contest {roll.contest_id} has more ballots than registered voters")
            ends += [start + np.cumsum(votes), [start + roll.registered]]
            choices += [candidate.number for candidate in roll.candidates] + [INVALID, ABSTAINS]
        self._ends = np.concatenate(ends)
        self._choices = np.array(choices, np.int64)

    def decide(self, roll: Numbers, rank: Numbers, gender: Numbers, age_group: Numbers) -> Numbers:
        """Gender and age play no part: official results do not tell them."""
        places = self._start[roll] + self._places(roll, rank.astype(np.uint64)).astype(np.int64)
        return self._choices[np.searchsorted(self._ends, places, "right")]

    def _places(self, roll: Numbers, rank: draws.Words) -> draws.Words:
        """The permutation of 0 … registered - 1 of each roll."""
        places = self._shuffled(roll, rank)
        outside = np.flatnonzero(places >= self._registered[roll])
        while outside.size:
            places[outside] = self._shuffled(roll[outside], places[outside])
            outside = outside[places[outside] >= self._registered[roll[outside]]]
        return places

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
