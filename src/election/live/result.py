"""An election's result so far: candidates in order, shares, margins, turnout."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from election.live.register import Contest, Counted, Register
from election.outcome import Count, Lead, Outcome, Race, Standing, Whole, decide_whole, recorded
from election.outcome.change import Change, ContestChange, Figures

Progress = Literal["none", "counting", "complete"]


def share(part: int, whole: int | None) -> float | None:
    """``part`` of ``whole``, 0 to 1; None when there is no whole to speak of."""
    return part / whole if whole else None


@dataclass(frozen=True)
class ContestResult:
    """One contest with its outcome. ``expected_turnout`` (0 to 1) is None where nothing is expected.

    ``before`` is the same contest in the election before, None without one.
    """

    contest: Contest
    outcome: Outcome
    invalid: int
    expected_turnout: float | None = None
    before: Figures | None = field(default=None, hash=False, compare=False)

    @property
    def standings(self) -> tuple[Standing, ...]:
        return self.outcome.standings

    @property
    def valid(self) -> int:
        return self.outcome.valid

    @property
    def counted(self) -> int:
        return self.outcome.counted

    @property
    def expected(self) -> int | None:
        """Ballots expected in all."""
        return self.outcome.expected

    @property
    def over(self) -> bool:
        return self.outcome.over

    @property
    def progress(self) -> Progress:
        if self.over or self.contest.unopposed:
            return "complete"
        return "counting" if self.counted else "none"

    @property
    def leaders(self) -> tuple[Standing, ...]:
        return self.outcome.leaders

    @property
    def leading_party(self) -> str | None:
        return self.outcome.leading_party

    @property
    def turnout(self) -> float | None:
        """Ballots of registered voters; None where no poll is held."""
        return None if self.contest.unopposed else share(self.counted, self.contest.registered)

    @property
    def margin_share(self) -> float | None:
        """Votes between the first two as a share of the valid votes."""
        return share(self.lead.margin, self.valid)

    @property
    def lead(self) -> Lead:
        return self.outcome.lead

    @property
    def seat_before(self) -> str | None:
        """The party that had the seat of a complete contest, once one has it now: gained if it differs, else held."""
        if self.before is None or self.progress != "complete" or self.outcome.party is None:
            return None
        return self.before.party

    @cached_property
    def change(self) -> ContestChange | None:
        """Against the election before; None without one, and until this contest is complete."""
        if self.before is None or self.progress != "complete":
            return None
        votes: dict[str, int] = {}
        for standing in self.standings:
            for line, own in zip(standing.contender.lines, standing.by_line, strict=True):
                votes[line.party] = votes.get(line.party, 0) + own
        registered = 0 if self.contest.unopposed else self.contest.registered or 0
        return ContestChange(
            Figures(self.contest.id, self.outcome.party, votes, self.counted, registered),
            self.before,
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
    whole: Whole = field(compare=False)
    count: Count = field(compare=False)

    @cached_property
    def first(self) -> tuple[ContestResult, ...]:
        """The contests that come first on the ballot papers: each voter has one vote in one of them."""
        return tuple(contest for contest in self.contests if contest.contest.position == 1)

    @cached_property
    def valid(self) -> int:
        return sum(contest.valid for contest in self.first)

    @cached_property
    def invalid(self) -> int:
        return sum(contest.invalid for contest in self.first)

    @property
    def counted(self) -> int:
        """Voters whose ballot was counted."""
        return self.valid + self.invalid

    @cached_property
    def votes(self) -> int:
        """Votes counted in all contests: several a voter where a ballot paper has several."""
        return sum(contest.counted for contest in self.contests)

    @cached_property
    def registered(self) -> int | None:
        known = [contest.contest.registered for contest in self.first]
        return None if not known or None in known else sum(n for n in known if n is not None)

    @cached_property
    def entitled(self) -> int | None:
        """Registered voters of the contests in which a poll is held: the base of the turnout."""
        known = [contest.contest.registered for contest in self.first if not contest.contest.unopposed]
        return None if not known or None in known else sum(n for n in known if n is not None)

    @property
    def turnout(self) -> float | None:
        return share(self.counted, self.entitled)

    @cached_property
    def expected(self) -> int | None:
        """Ballots expected in all; None when a contest has no expectation."""
        each = [contest.expected for contest in self.first]
        return None if not each or None in each else sum(n for n in each if n is not None)

    @cached_property
    def expected_left(self) -> int | None:
        """Ballots still expected in contests whose count goes on; None when one of them has no expectation."""
        each = [contest.lead.expected_left for contest in self.first if contest.progress != "complete"]
        return None if None in each else sum(n for n in each if n is not None)

    @cached_property
    def expected_turnout(self) -> float | None:
        """Ballots expected in all of those entitled to vote, 0 to 1."""
        return None if self.expected is None else share(self.expected, self.entitled)

    @cached_property
    def reported(self) -> int:
        """Contests with at least one ballot counted."""
        return sum(contest.progress != "none" for contest in self.contests)

    @cached_property
    def complete(self) -> int:
        """Contests whose count is over."""
        return sum(contest.progress == "complete" for contest in self.contests)

    @cached_property
    def change(self) -> Change | None:
        """The complete contests against the election before; None without one."""
        if self.register.earlier is None:
            return None
        contests = tuple(contest.change for contest in self.contests if contest.change)
        new = (c.contest.id for c in self.contests if c.before is None and c.progress == "complete")
        return Change(contests, tuple(new))

    @cached_property
    def by_id(self) -> Mapping[str, ContestResult]:
        return {contest.contest.id: contest for contest in self.contests}


def result(register: Register, counted: Counted) -> Result:
    """Puts the counted totals on the register. Candidates and contests without a vote are there with zero."""
    over = register.election.state in ("counted", "certified", "refused")
    by_number = {contest.number: contest for contest in register.contests}

    def is_over(race: Race) -> bool:
        # A contest counts as over too once all ballots of the real one are counted.
        official = by_number[race.number].official_ballots
        ballots = counted.valid.get(race.number, 0) + counted.invalid.get(race.number, 0)
        return over or (official is not None and 0 < official <= ballots)

    count = _count(register, counted, over)
    whole = decide_whole(
        register.races,
        count,
        register.rules,
        expected=lambda race: _expected(register, by_number[race.number])[0],
        over=is_over,
        lots=register.lots,
        frozen=register.elected,
        certified=None if register.outcome is None else recorded(register.outcome, register.races, register.rules),
    )
    contests = tuple(
        ContestResult(
            contest,
            outcome,
            counted.invalid.get(contest.number, 0),
            _expected(register, contest)[1],
            register.earlier.by_id.get(contest.id) if register.earlier else None,
        )
        for contest, outcome in zip(register.contests, whole.outcomes, strict=True)
    )
    return Result(register, contests, _parties(register, counted), whole, count)


def _count(register: Register, counted: Counted, over: bool) -> Count:
    divided = {
        contest: {name: counted.districts.get(contest, {}).get(district, {}) for district, name in districts.items()}
        for contest, districts in register.districts.items()
    }
    return Count(counted.votes, counted.invalid, counted.rankings, divided, over)


def _expected(register: Register, contest: Contest) -> tuple[int | None, float | None]:
    """Ballots expected in all, and the turnout that they make."""
    expected = 0 if contest.unopposed else contest.official_ballots
    turnout = register.expected_turnout if expected is None else share(expected, contest.registered)
    if expected is None and turnout is not None and contest.registered is not None:
        expected = round(contest.registered * turnout)
    return expected, turnout


def _parties(register: Register, counted: Counted) -> tuple[PartyResult, ...]:
    votes: dict[str, int] = defaultdict(int)
    official: dict[str, int] = defaultdict(int)
    standing: dict[str, int] = defaultdict(int)
    lists = {contest.number for contest in register.contests if contest.kind == "lists"}
    # Where parties have lists, these decide their share; votes for candidates are another choice.
    candidates = [c for c in register.candidates if not lists or c.contest in lists]
    known = bool(candidates) and all(c.official is not None for c in candidates)
    for candidate in candidates:
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
