"""Sums the stored votes while they pass by for the comparison, so that votes are joined with voters only once."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from election.reconciliation.contents import Contents
from election.storage.expected import Summed

_MINUTE = 60_000  # ms
_MINUTES = 1 << 32  # a minute and a choice become one number; times beyond would count for another choice


class Sums:
    """Sums records of stored votes."""

    def __init__(self, known: Contents) -> None:
        self._known, self._whole = known, True
        self._choices = Counter[int]()
        self._people = np.zeros(known.combinations, np.int64)
        self._first = np.array([claim.position == 1 for claim in known.claims], bool)
        self._several = not self._first.all()

    def passing(self, parts: Iterator[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """Yields the parts unchanged and adds each to the sums."""
        for part in parts:
            codes, times = part["content0"], part["content1"]
            if self._whole and len(part):
                self._whole = bool(codes.min() >= 0 and times.min() >= 0 and times.max() < _MINUTES * _MINUTE)
                if self._whole:
                    self._add(codes, times)
            yield part

    def summed(self) -> Summed | None:
        """The sums; None if no message can express one of the votes or a time is impossible: then Postgres sums."""
        if not self._whole:
            return None
        choices = []
        for packed, number in self._choices.items():
            district, contest, position, candidate, ranking = self._known.claims[packed // _MINUTES]
            minute = packed % _MINUTES * _MINUTE
            choices.append((district, contest, position, candidate or None, ranking or None, minute, number))
        people = []
        for at in np.flatnonzero(self._people).tolist():
            place, gender, age_group = self._known.person(at)
            people.append((place.location, gender, age_group, int(self._people[at])))
        return Summed(choices, people)

    def _add(self, codes: NDArray[Any], times: NDArray[Any]) -> None:
        choice = self._known.choice_of(codes)
        packed = choice * _MINUTES + times // _MINUTE
        numbers, counts = np.unique(packed, return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            self._choices[number] += count
        voters = codes[self._first[choice]] if self._several else codes  # by their first votes
        self._people += np.bincount(voters % self._known.combinations, minlength=self._known.combinations)
