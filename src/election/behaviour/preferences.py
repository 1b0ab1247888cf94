"""Simulated rankings: whom a voter prefers after the first choice, drawn from the candidates who are left.

The model is Plackett's and Luce's (Plackett, "The Analysis of Permutations", Applied Statistics 24, 1975,
doi:10.2307/2346567): each next candidate is drawn with the same weights as the first, without those who are ranked.
"""

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from election import draws
from election.behaviour.deciding import Numbers, Roll

MORE = 0.7
"""The share of voters who name one more candidate after each one: 3.1 names a ballot where eight stand. In Aberdeen
2017 ballots named 3.2."""


class Preferences:
    """Rankings at one position of the ballot papers."""

    def __init__(self, seed: int, rolls: Sequence[Roll], index: int, shares: Sequence[NDArray[np.float64]]) -> None:
        """``shares`` of the valid votes by roll, of shape (cells, candidates); empty without rankings here.

        A cell is a gender and an age group. ``index`` is the position on the ballot paper, from 0.
        """
        self._lines = np.array([own.shape[1] for own in shares], np.int64)
        self._most = int(self._lines.max())
        self._start = np.cumsum([0, *(own.size for own in shares)])[:-1]
        # The end is filled up, so that a row of the longest paper's length can begin anywhere.
        self._weights = np.concatenate([*(own.ravel() for own in shares), np.zeros(self._most)])
        self._numbers = np.zeros((len(rolls), self._most), np.int64)
        for row, roll, lines in zip(self._numbers, rolls, self._lines, strict=True):
            row[:lines] = [line.number for line in roll.paper[index].lines] if lines else []
        keys = [draws.key(seed, "preferences", roll.district_id, index + 1) for roll in rolls]
        self._keys = np.array(keys, np.uint64)

    def ranked(self, roll: Numbers, rank: Numbers, cell: Numbers, first: Numbers) -> Numbers:
        """A row for each voter, as in ``Choices``. ``first`` is the candidate's place on the paper, -1 for no vote."""
        ranking = np.zeros((len(roll), self._most), np.int64)
        those = np.flatnonzero((first >= 0) & (self._lines[roll] > 0))
        roll, rank, cell, first = roll[those], rank[those], cell[those], first[those]
        ranking[those, 0] = self._numbers[roll, first]
        lines = self._lines[roll]
        length = self._length(roll, rank, lines)
        places = np.arange(self._most)
        weights = self._weights[(self._start[roll] + cell * lines)[:, None] + places]
        weights[places >= lines[:, None]] = 0.0
        chosen = first
        for turn in range(1, int(length.max(initial=0))):
            weights[np.arange(len(chosen)), chosen] = 0.0
            going = length > turn
            those, roll, rank, lines, length, weights = (
                column[going] for column in (those, roll, rank, lines, length, weights)
            )
            cumulated = np.cumsum(weights, axis=1)
            drawn = self._drawn(roll, rank, lines, turn) * cumulated[:, -1]
            chosen = (cumulated <= drawn[:, None]).sum(axis=1)
            ranking[those, turn] = self._numbers[roll, chosen]
        return ranking

    def _length(self, roll: Numbers, rank: Numbers, lines: Numbers) -> Numbers:
        """How many candidates each voter names."""
        more = np.log1p(-self._drawn(roll, rank, lines, 0)) / log(MORE)
        return np.minimum(lines, 1 + more.astype(np.int64))

    def _drawn(self, roll: Numbers, rank: Numbers, lines: Numbers, turn: int) -> NDArray[np.float64]:
        """A voter has as many draws as there are lines: for the length, then for each further preference."""
        return draws.shares(draws.words(self._keys[roll], rank * lines + turn))
