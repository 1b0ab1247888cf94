"""An election against the one before: seats gained, held and lost, swing, change in turnout.

Source of the swing: D. Butler, The British General Election of 1951 (1952), appendix: half of what one party's share of
the valid votes rose and the other's fell.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from election.outcome.election import Count, ElectionOutcome


@dataclass(frozen=True)
class Figures:
    """A contest of one seat. ``party`` has the seat, None while it is open or vacant; ``votes`` are by party."""

    contest_id: str
    party: str | None
    votes: Mapping[str, int]
    ballots: int
    registered: int


@dataclass(frozen=True)
class Swing:
    """``share`` of the valid votes moved from party ``of`` to party ``to``; 0 or more."""

    of: str
    to: str
    share: Fraction


@dataclass(frozen=True)
class ContestChange:
    """``before`` and ``now``: the parties with the seat. ``swing`` is between the first two now, if both stood before.

    ``turnout`` is the change of ballots / registered, None without a register.
    """

    contest_id: str
    before: str | None
    now: str | None
    swing: Swing | None
    turnout: Fraction | None

    @property
    def gained(self) -> bool:
        """Whether another party has the seat now; False while that is open."""
        return None not in (self.before, self.now) and self.before != self.now


@dataclass(frozen=True)
class Change:
    """The contests of both elections, in the order of the newer one; seats ``gained`` and ``lost`` by party.

    ``unmatched`` contests have no predecessor: they count for nothing here.
    """

    contests: tuple[ContestChange, ...]
    swing: Swing | None
    turnout: Fraction | None
    unmatched: tuple[str, ...] = ()
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    @property
    def net(self) -> dict[str, int]:
        """Seats more or fewer than before, by party, the largest gain first; parties without a change are left out."""
        parties = sorted(self.gained | self.lost)
        changes = {party: self.gained[party] - self.lost[party] for party in parties}
        return dict(sorted(((p, n) for p, n in changes.items() if n), key=lambda item: -item[1]))


def figures(outcome: ElectionOutcome, count: Count) -> list[Figures]:
    """The figures of contests of one seat, as they would be if the count ended now."""
    found = []
    for contest in outcome.contests:
        votes: Counter[str] = Counter()
        for contender in contest.race.contenders:
            for line in contender.lines:
                votes[line.party] += count.votes.get(line.number, 0)
        ballots = sum(votes.values()) + count.invalid.get(contest.race.number, 0)
        party = contest.elected[0].contender.party if contest.elected else None
        found.append(Figures(contest.race.contest_id, party, votes, ballots, contest.race.registered or 0))
    return found


def change(now: Sequence[Figures], before: Iterable[Figures]) -> Change:
    """``now`` against ``before``, joined by contest id. Swing and turnout of the whole are of the joined contests."""
    known = {own.contest_id: own for own in before}
    both = [(own, known[own.contest_id]) for own in now if own.contest_id in known]
    contests = tuple(
        ContestChange(own.contest_id, old.party, own.party, _swing([own], [old]), _turnout([own], [old]))
        for own, old in both
    )
    gained = [contest for contest in contests if contest.gained]
    return Change(
        contests,
        _swing([own for own, _ in both], [old for _, old in both]),
        _turnout([own for own, _ in both], [old for _, old in both]),
        tuple(own.contest_id for own in now if own.contest_id not in known),
        Counter(contest.now for contest in gained if contest.now),
        Counter(contest.before for contest in gained if contest.before),
    )


def _swing(now: Sequence[Figures], before: Sequence[Figures]) -> Swing | None:
    votes, old = _votes(now), _votes(before)
    first = sorted((party for party in votes if votes[party]), key=lambda party: (-votes[party], party))[:2]
    if len(first) < 2 or not all(old[party] for party in first):
        return None
    valid, old_valid = sum(votes.values()), sum(old.values())
    rise = [Fraction(votes[party], valid) - Fraction(old[party], old_valid) for party in first]
    share = (rise[0] - rise[1]) / 2
    return Swing(first[1], first[0], share) if share >= 0 else Swing(first[0], first[1], -share)


def _votes(contests: Iterable[Figures]) -> Counter[str]:
    votes: Counter[str] = Counter()
    for contest in contests:
        votes.update(contest.votes)
    return votes


def _turnout(now: Sequence[Figures], before: Sequence[Figures]) -> Fraction | None:
    registered, old = sum(own.registered for own in now), sum(own.registered for own in before)
    if not registered or not old:
        return None
    return Fraction(sum(own.ballots for own in now), registered) - Fraction(sum(own.ballots for own in before), old)
