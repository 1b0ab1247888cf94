"""Finds the choices of many stored votes at once, a column at a time, by arrays whose indexes are the numbers."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from election.contracts.ballots import Choice


class Papers:
    """The positions of votes in a list of choices, from the votes' columns."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        # A slot is a contest's place on a district's paper. ``row`` numbers the slots of a contest from 0.
        slots = sorted({(choice.district, choice.position, choice.contest) for choice in choices})
        width = Counter[int]()
        row: dict[tuple[int, int], int] = {}
        for district, position, contest in slots:
            row[district, position] = width[contest]
            width[contest] += 1
        # A line is a candidate of a contest, or its invalid vote. Each has a choice for each slot of the contest.
        lines = sorted({(choice.contest, choice.candidate or 0) for choice in choices})
        begin: dict[tuple[int, int], int] = {}
        total = 0
        for line in lines:
            begin[line] = total
            total += width[line[0]]
        # The last element of each array, at index -1, belongs to what is unknown.
        self._most = max((position for _, position, _ in slots), default=0) + 1
        self._slot = positions([(district * self._most + own, at) for at, (district, own, _) in enumerate(slots)])
        self._slot_contest = np.array([*(contest for *_, contest in slots), -1], np.int64)
        self._row = np.array([*(row[district, own] for district, own, _ in slots), 0], np.int64)
        self._by_candidate = positions([(own, at) for at, (_, own) in enumerate(lines) if own])
        self._by_contest = positions([(contest, at) for at, (contest, own) in enumerate(lines) if not own])
        self._line_contest = np.array([*(contest for contest, _ in lines), -2], np.int64)
        self._begin = np.array([*(begin[line] for line in lines), 0], np.int64)
        self._choice = np.full(total + 1, -1, np.int64)
        for at, choice in enumerate(choices):
            line, slot = (choice.contest, choice.candidate or 0), (choice.district, choice.position)
            self._choice[begin[line] + row[slot]] = at

    def choice(
        self,
        district: NDArray[Any],
        position: NDArray[Any],
        contest: NDArray[Any],
        candidate: NDArray[Any],
        invalid: NDArray[Any],
    ) -> NDArray[Any]:
        """Positions in the list; -1 for a vote that no paper allows."""
        printed = (position > 0) & (position < self._most)
        slot = find(self._slot, np.where(printed, district * self._most + position, -1))
        line = np.where(invalid, find(self._by_contest, contest), find(self._by_candidate, candidate))
        known = (self._slot_contest[slot] == contest) & (self._line_contest[line] == contest)
        return self._choice[np.where(known, self._begin[line] + self._row[slot], -1)]


def positions(pairs: list[tuple[int, int]]) -> NDArray[Any]:
    """Positions by number; -1 for the numbers between them."""
    found = np.full(max((number for number, _ in pairs), default=0) + 2, -1, np.int64)
    for number, at in pairs:
        found[number] = at
    return found


def find(known: NDArray[Any], numbers: NDArray[Any]) -> NDArray[Any]:
    """The positions of numbers, or -1."""
    there = (numbers >= 0) & (numbers < len(known))
    return np.where(there, known[np.where(there, numbers, 0)], -1)
