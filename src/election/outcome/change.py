"""An election against the one before: seats gained, held and lost, swing, change in turnout.

Source of the swing: D. Butler, The British General Election of 1951 (1952), appendix: half of what one party's share of
the valid votes rose and the other's fell.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from election.outcome.election import Count, ElectionOutcome


@dataclass(frozen=True)
class Figures:
    """A contest of one seat. ``party`` has the seat, None while it is open or vacant; ``votes`` are by party.

    ``registered`` is 0 where no poll is held or the register is not known.
    """

    contest_id: str
    party: str | None
    votes: Mapping[str, int]
    ballots: int
    registered: int


Pair = tuple[Figures, Figures]
"""A contest now and before."""


@dataclass(frozen=True)
class Swing:
    """``share`` of the valid votes moved from party ``of`` to party ``to``; 0 or more."""

    of: str
    to: str
    share: Fraction


@dataclass(frozen=True)
class ContestChange:
    """A contest now and before."""

    figures: Figures
    old: Figures

    @property
    def contest_id(self) -> str:
        return self.figures.contest_id

    @property
    def before(self) -> str | None:
        """The party that had the seat."""
        return self.old.party

    @property
    def now(self) -> str | None:
        """The party that has it."""
        return self.figures.party

    @property
    def gained(self) -> bool:
        """Whether another party has the seat now; False while that is open."""
        return None not in (self.before, self.now) and self.before != self.now

    @property
    def held(self) -> bool:
        return self.now is not None and self.before == self.now

    @cached_property
    def swing(self) -> Swing | None:
        """Between the first two now, if both stood before."""
        return _swing([(self.figures, self.old)])

    @cached_property
    def turnout(self) -> Fraction | None:
        """The change of ballots / registered; None without a register."""
        return _turnout([(self.figures, self.old)])


@dataclass(frozen=True)
class Change:
    """The contests of both elections, in the order of the newer one. All figures are of these contests.

    ``unmatched`` contests have no predecessor: they count for nothing here.
    """

    contests: tuple[ContestChange, ...]
    unmatched: tuple[str, ...] = ()

    @cached_property
    def gained(self) -> Counter[str]:
        """Seats by the party that took them."""
        return Counter(contest.now for contest in self.contests if contest.gained and contest.now)

    @cached_property
    def lost(self) -> Counter[str]:
        """Seats by the party from which they were taken."""
        return Counter(contest.before for contest in self.contests if contest.gained and contest.before)

    @cached_property
    def net(self) -> dict[str, int]:
        """Seats more or fewer than before, by party, the largest gain first; parties without a change are left out."""
        parties = sorted(self.gained | self.lost)
        changes = {party: self.gained[party] - self.lost[party] for party in parties}
        return dict(sorted(((p, n) for p, n in changes.items() if n), key=lambda item: -item[1]))

    @cached_property
    def swing(self) -> Swing | None:
        return _swing(self._pairs)

    @cached_property
    def turnout(self) -> Fraction | None:
        return _turnout(self._pairs)

    @cached_property
    def shares(self) -> dict[str, Fraction]:
        """By party that stands now: its share of the valid votes less the one before, which may be 0."""
        votes, old = _votes(self._pairs)
        valid, old_valid = sum(votes.values()), sum(old.values())
        if not valid or not old_valid:
            return {}
        return {party: Fraction(votes[party], valid) - Fraction(old[party], old_valid) for party in votes}

    @cached_property
    def _pairs(self) -> list[Pair]:
        return [(contest.figures, contest.old) for contest in self.contests]


def figures(outcome: ElectionOutcome, count: Count) -> list[Figures]:
    """The figures of contests of one seat, as they would be if the count ended now."""
    found = []
    for contest in outcome.contests:
        race, votes = contest.race, Counter[str]()
        for contender in race.contenders:
            for line in contender.lines:
                votes[line.party] += count.votes.get(line.number, 0)
        ballots = sum(votes.values()) + count.invalid.get(race.number, 0)
        party = contest.elected[0].contender.party if contest.elected else None
        found.append(Figures(race.contest_id, party, votes, ballots, 0 if race.unopposed else race.registered or 0))
    return found


def change(now: Iterable[Figures], before: Iterable[Figures]) -> Change:
    """``now`` against ``before``, joined by contest id."""
    known = {own.contest_id: own for own in before}
    contests, unmatched = [], []
    for own in now:
        if own.contest_id in known:
            contests.append(ContestChange(own, known[own.contest_id]))
        else:
            unmatched.append(own.contest_id)
    return Change(tuple(contests), tuple(unmatched))


def _swing(pairs: Sequence[Pair]) -> Swing | None:
    votes, old = _votes(pairs)
    first = sorted((party for party in votes if votes[party]), key=lambda party: (-votes[party], party))[:2]
    if len(first) < 2 or not all(old[party] for party in first):
        return None
    valid, old_valid = sum(votes.values()), sum(old.values())
    rise = [Fraction(votes[party], valid) - Fraction(old[party], old_valid) for party in first]
    share = (rise[0] - rise[1]) / 2
    return Swing(first[1], first[0], share) if share >= 0 else Swing(first[0], first[1], -share)


def _votes(pairs: Sequence[Pair]) -> tuple[Counter[str], Counter[str]]:
    """Valid votes by party now and before; only where votes were counted in both, or a gap would look like a swing."""
    votes, old = Counter[str](), Counter[str]()
    for own, before in pairs:
        if any(own.votes.values()) and any(before.votes.values()):
            votes.update(own.votes)
            old.update(before.votes)
    return votes, old


def _turnout(pairs: Sequence[Pair]) -> Fraction | None:
    """Of the contests that polled in both elections."""
    polled = [(own, before) for own, before in pairs if own.registered and before.registered]
    if not polled:
        return None
    now, old = (Fraction(sum(p[n].ballots for p in polled), sum(p[n].registered for p in polled)) for n in (0, 1))
    return now - old
