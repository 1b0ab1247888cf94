"""An election's result so far: candidates in order, shares, margins, turnout."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from dashboard.model.lead import Lead, lead
from dashboard.model.register import Candidate, Contest, Counted, Register

Progress = Literal["none", "counting", "complete"]


def share(part: int, whole: int | None) -> float | None:
    """``part`` of ``whole``, 0 to 1; None when there is no whole to speak of."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Standing:
    """A candidate's votes and place; candidates with equal votes share a place."""

    candidate: Candidate
    votes: int
    place: int
    share: float | None


@dataclass(frozen=True)
class ContestResult:
    """One contest: ``standings`` by votes, most first. ``valid`` is the sum of its candidates' votes.

    ``expected`` ballots in all, and the turnout that they are (0 to 1), are None where nothing is expected.
    """

    contest: Contest
    standings: tuple[Standing, ...]
    valid: int
    invalid: int
    expected: int | None
    over: bool
    expected_turnout: float | None = None

    @property
    def counted(self) -> int:
        return self.valid + self.invalid

    @cached_property
    def progress(self) -> Progress:
        if self.counted == 0 and not self.over:
            return "none"
        if self.over or (self.contest.official_ballots is not None and self.counted >= self.contest.official_ballots):
            return "complete"
        return "counting"

    @cached_property
    def leaders(self) -> tuple[Standing, ...]:
        """Whoever has the most votes: several in a tie, none before the first vote."""
        return tuple(s for s in self.standings if s.place == 1 and s.votes > 0)

    @cached_property
    def leading_party(self) -> str | None:
        """The abbreviation; None before the first vote and in a tie of parties."""
        parties = {standing.candidate.party for standing in self.leaders}
        return parties.pop() if len(parties) == 1 else None

    @property
    def turnout(self) -> float | None:
        return share(self.counted, self.contest.registered)

    @property
    def margin_share(self) -> float | None:
        """Votes between the first two as a share of the valid votes."""
        return share(self.lead.margin, self.valid)

    @cached_property
    def lead(self) -> Lead:
        return lead(
            [standing.votes for standing in self.standings],
            self.counted,
            self.contest.registered,
            self.expected,
            over=self.progress == "complete",
        )


@dataclass(frozen=True)
class PartyResult:
    """A party's votes over all contests; ``official`` in a replay."""

    party: str
    votes: int
    share: float | None
    candidates: int
    official: int | None
    official_share: float | None


@dataclass(frozen=True)
class Result:
    """The whole election. Parties by votes, most first; contests in the register's order."""

    register: Register
    contests: tuple[ContestResult, ...]
    parties: tuple[PartyResult, ...]

    @cached_property
    def valid(self) -> int:
        return sum(contest.valid for contest in self.contests)

    @cached_property
    def invalid(self) -> int:
        return sum(contest.invalid for contest in self.contests)

    @property
    def counted(self) -> int:
        return self.valid + self.invalid

    @cached_property
    def registered(self) -> int | None:
        known = [contest.contest.registered for contest in self.contests]
        return None if not known or None in known else sum(n for n in known if n is not None)

    @property
    def turnout(self) -> float | None:
        return share(self.counted, self.registered)

    @cached_property
    def expected(self) -> int | None:
        """Ballots expected in all; None when a contest has no expectation."""
        each = [contest.expected for contest in self.contests]
        return None if not each or None in each else sum(n for n in each if n is not None)

    @cached_property
    def expected_left(self) -> int | None:
        """Ballots still expected in contests whose count goes on; None when one of them has no expectation."""
        each = [contest.lead.expected_left for contest in self.contests if contest.progress != "complete"]
        return None if None in each else sum(n for n in each if n is not None)

    @cached_property
    def expected_turnout(self) -> float | None:
        """Ballots expected in all of registered, 0 to 1."""
        return None if self.expected is None else share(self.expected, self.registered)

    @cached_property
    def reported(self) -> int:
        """Contests with at least one ballot counted."""
        return sum(contest.progress != "none" for contest in self.contests)

    @cached_property
    def complete(self) -> int:
        """Contests whose count is over."""
        return sum(contest.progress == "complete" for contest in self.contests)

    @cached_property
    def by_id(self) -> Mapping[str, ContestResult]:
        return {contest.contest.id: contest for contest in self.contests}


def result(register: Register, counted: Counted) -> Result:
    """Puts the counted totals on the register. Candidates and contests without a vote are there with zero."""
    over = register.election.state in ("counted", "certified", "refused")
    contests = tuple(_contest(register, contest, counted, over) for contest in register.contests)
    return Result(register, contests, _parties(register, counted))


def _contest(register: Register, contest: Contest, counted: Counted, over: bool) -> ContestResult:
    votes = [(-counted.votes.get(c.number, 0), c.number, c) for c in register.by_contest.get(contest.number, ())]
    votes.sort()
    valid = -sum(less for less, _, _ in votes)
    standings: list[Standing] = []
    place = 1
    for index, (less, _, candidate) in enumerate(votes):
        if index and less > votes[index - 1][0]:
            place = index + 1
        standings.append(Standing(candidate, -less, place, share(-less, valid)))
    expected = contest.official_ballots
    turnout = register.expected_turnout if expected is None else share(expected, contest.registered)
    if expected is None and turnout is not None and contest.registered is not None:
        expected = round(contest.registered * turnout)
    invalid = counted.invalid.get(contest.number, 0)
    return ContestResult(contest, tuple(standings), valid, invalid, expected, over, turnout)


def _parties(register: Register, counted: Counted) -> tuple[PartyResult, ...]:
    votes: dict[str, int] = defaultdict(int)
    official: dict[str, int] = defaultdict(int)
    standing: dict[str, int] = defaultdict(int)
    known = bool(register.candidates) and all(c.official is not None for c in register.candidates)
    for candidate in register.candidates:
        votes[candidate.party] += counted.votes.get(candidate.number, 0)
        official[candidate.party] += candidate.official or 0
        standing[candidate.party] += 1
    total, official_total = sum(votes.values()), sum(official.values())
    ordered = sorted(votes, key=lambda party: (-votes[party], -official[party], party))
    return tuple(
        PartyResult(
            party,
            votes[party],
            share(votes[party], total),
            standing[party],
            official[party] if known else None,
            share(official[party], official_total) if known else None,
        )
        for party in ordered
    )
