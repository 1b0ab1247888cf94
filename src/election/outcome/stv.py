"""Single transferable vote, counted stage by stage; with one seat and a majority, instant-runoff voting.

Source: the Scottish Local Government Elections Order 2011 (SSI 2011/399), Schedule 1, rules 46 to 53:

- Quota: the valid ballots divided by one more than the seats, the fraction dropped, plus one.
- Surpluses first, one a stage, the largest first. Every paper of the elected candidate is transferred to its next
  continuing candidate at surplus x its present value / the candidate's votes, cut to five decimals.
- Without a surplus the candidate with the fewest votes is excluded, and the papers move on at their present value.
- Ties between surpluses or between the lowest: the latest earlier stage at which the votes differ decides, then a lot.
- When as many candidates continue as seats are left, they are elected, and nothing more is transferred.

``majority`` stops at more than half of the votes that still count instead of the quota, as in Maine (Revised Statutes,
title 21-A, section 723-A). A candidate with a majority would also be the last one left.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from election.errors import BadInput
from election.outcome.stages import Ranked, Stage
from election.outcome.ties import Draw

_UNIT = 100_000


def count_rankings(
    contest: int,
    candidates: Sequence[int],
    rankings: Mapping[tuple[int, ...], int],
    seats: int,
    draw: Draw,
    *,
    majority: bool = False,
) -> Ranked:
    """Counts ``rankings`` (ballots by order of preference). Neither their order nor that of ``candidates`` matters.

    Raises BadInput at a ranking that is empty or names a candidate twice or one who does not stand.
    """
    _check(contest, candidates, rankings)
    if not any(rankings.values()):
        return Ranked(quota=1, elected=(), stages=())
    return _Counting(contest, sorted(candidates), rankings, seats, draw, majority).run()


def _check(contest: int, candidates: Sequence[int], rankings: Mapping[tuple[int, ...], int]) -> None:
    standing = frozenset(candidates)
    for ranking in rankings:
        if not ranking or len(set(ranking)) != len(ranking) or not standing.issuperset(ranking):
            raise BadInput(
                f"Contest {contest}: the ranking {'>'.join(map(str, ranking)) or '(empty)'} cannot be counted. "
                "Name at least one candidate of the contest, and none twice."
            )


@dataclass
class _Counting:
    """The state between stages. Votes and values are in hundred-thousandths."""

    contest: int
    candidates: list[int]
    rankings: Mapping[tuple[int, ...], int]
    seats: int
    draw: Draw
    majority: bool
    piles: dict[int, list[tuple[tuple[int, ...], int, int]]] = field(default_factory=dict)
    votes: dict[int, int] = field(default_factory=dict)
    history: list[dict[int, int]] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    elected: list[int] = field(default_factory=list)
    surpluses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.continuing = set(self.candidates)
        self.cast = sum(self.rankings.values())
        self.quota = self.cast // (self.seats + 1) + 1
        self.votes = dict.fromkeys(self.candidates, 0)
        self.piles = {candidate: [] for candidate in self.candidates}

    def run(self) -> Ranked:
        for ranking, ballots in self.rankings.items():
            self._hand(ranking, ballots, _UNIT)
        self._record(None)
        while len(self.elected) < self.seats and self.continuing and self._transfer():
            pass
        return Ranked(self.quota, tuple(self.elected), tuple(self.stages))

    def _transfer(self) -> bool:
        """One stage; False if a tie awaits its lot."""
        number = len(self.stages) + 1
        if self.surpluses:
            moved = self._one_of(self.surpluses, max, f"stage {number}: surplus")
            if moved is None:
                return False
            self.surpluses.remove(moved)
            votes, kept = self.votes[moved], self.quota * _UNIT
            pile, self.piles[moved], self.votes[moved] = self.piles[moved], [], kept
            for ranking, ballots, value in pile:
                self._hand(ranking, ballots, (votes - kept) * value // votes)
        else:
            moved = self._one_of(self.continuing, min, f"stage {number}: exclusion")
            if moved is None:
                return False
            self.continuing.remove(moved)
            pile, self.piles[moved], self.votes[moved] = self.piles[moved], [], 0
            for ranking, ballots, value in pile:
                self._hand(ranking, ballots, value)
        self._record(moved)
        return True

    def _hand(self, ranking: tuple[int, ...], ballots: int, value: int) -> None:
        """Gives papers of one ranking to their next continuing candidate; without one they stop counting."""
        for candidate in ranking:
            if candidate in self.continuing:
                self.piles[candidate].append((ranking, ballots, value))
                self.votes[candidate] += ballots * value
                return

    def _record(self, moved: int | None) -> None:
        """Elects every candidate who can be elected after a transfer, and records the stage."""
        self.history.append(dict(self.votes))
        needed = self.quota * _UNIT
        if self.majority:
            needed = sum(self.votes[candidate] for candidate in self.continuing) // 2 + 1
        reached = self._in_order(candidate for candidate in self.continuing if self.votes[candidate] >= needed)
        self.surpluses += [candidate for candidate in reached if self.votes[candidate] > needed]
        self.continuing.difference_update(reached)
        if len(self.continuing) <= self.seats - len(self.elected) - len(reached):
            reached += self._in_order(self.continuing)
            self.continuing.clear()
        self.elected += reached
        rest = self.cast * _UNIT - sum(self.votes.values())
        self.stages.append(
            Stage(
                len(self.history),
                {candidate: _decimal(votes) for candidate, votes in self.votes.items()},
                moved,
                tuple(reached),
                () if moved is None or moved in self.elected else (moved,),
                _decimal(rest),
            )
        )

    def _in_order(self, candidates: Iterable[int]) -> list[int]:
        """Most votes first, then by the latest earlier stage that differs, then by number, which decides nothing."""
        stages = list(reversed(self.history))
        return sorted(candidates, key=lambda one: ([-stage[one] for stage in stages], one))

    def _one_of(self, candidates: Collection[int], best: Callable[[Iterable[int]], int], step: str) -> int | None:
        """The candidate with the ``best`` votes, now or at the latest stage that differs; None if a lot is missing."""
        tied = list(candidates)
        for stage in reversed(self.history):
            wanted = best(stage[candidate] for candidate in tied)
            tied = [candidate for candidate in tied if stage[candidate] == wanted]
            if len(tied) == 1:
                return tied[0]
        drawn = self.draw.settle(self.contest, step, tied, 1)
        return drawn[0] if drawn else None


def _decimal(units: int) -> Decimal:
    return Decimal(units).scaleb(-5)
