"""A whole election, whatever its system: what every system decides from, and what it answers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from election.outcome.race import Elected, Race
from election.outcome.rules import AnyRules
from election.outcome.stages import Stage
from election.outcome.ties import Draw, Lots, Tie

Ranking = tuple[int, ...]


@dataclass(frozen=True)
class Count:
    """What was counted so far.

    ``votes``: valid votes by line, of all contests. ``invalid``: ballots by contest. ``rankings``: by contest, the
    number of ballots with each ranking, which names contenders by their first lines, the most preferred first.
    ``districts``: votes by contest, district and line, for rules that divide a contest. ``over``: no ballot will come
    any more. ``lots`` are those that were drawn.
    """

    votes: Mapping[int, int] = field(default_factory=dict)
    invalid: Mapping[int, int] = field(default_factory=dict)
    rankings: Mapping[int, Mapping[Ranking, int]] = field(default_factory=dict)
    districts: Mapping[int, Mapping[str, Mapping[int, int]]] = field(default_factory=dict)
    over: bool = False
    lots: Lots = field(default_factory=dict)


@dataclass(frozen=True)
class Threshold:
    """What a party needs for a share of the seats: ``needed`` votes, or another way that the rules name.

    ``way`` is how the party passes: by ``votes``, by ``constituencies`` won, as a national ``minority``; None if it
    does not. ``of`` are the valid votes of which ``needed`` is the rules' part.
    """

    party: str
    votes: int
    needed: int
    of: int
    way: str | None

    @property
    def short(self) -> int:
        """How many votes are missing; 0 if the votes suffice."""
        return max(0, self.needed - self.votes)


@dataclass(frozen=True)
class Range:
    """Seats of a party: ``least`` that no ballot still to come can take, ``most`` that it can still reach."""

    least: int
    most: int


@dataclass(frozen=True)
class ContestOutcome:
    """One contest as it would be decided if the count ended now.

    ``elected`` in the order of election. ``unseated`` won a constituency but get no seat (mixed). ``stages`` and
    ``quota`` are those of a count of rankings. ``ties`` of this contest await their lot.
    """

    race: Race
    elected: tuple[Elected, ...]
    unseated: tuple[Elected, ...] = ()
    stages: tuple[Stage, ...] = ()
    quota: int | None = None
    ties: tuple[Tie, ...] = ()

    @cached_property
    def seats(self) -> dict[str, int]:
        """Seats by party."""
        found: Counter[str] = Counter()
        for one in self.elected:
            found[one.contender.party] += one.seats
        return dict(found)


@dataclass(frozen=True)
class ElectionOutcome:
    """Who has which seats if the count ended now; with ``over``, who is elected.

    ``total`` seats are to be filled; those that depend on ``ties`` without a lot stay unfilled. ``settled`` are ties
    that a lot decided. ``ranges`` say what can still change, by party; a party that is not in it has no seat and can
    get none. ``thresholds`` are by party, where the rules have any.
    """

    rules: AnyRules
    contests: tuple[ContestOutcome, ...]
    total: int
    over: bool
    ties: tuple[Tie, ...]
    settled: tuple[Tie, ...]
    ranges: Mapping[str, Range]
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)

    @cached_property
    def seats(self) -> dict[str, int]:
        """Seats by party, most first; parties without one are left out."""
        found: Counter[str] = Counter()
        for contest in self.contests:
            found.update(contest.seats)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def regions(self) -> dict[tuple[str, str], int]:
        """Seats by region and party."""
        found: Counter[tuple[str, str]] = Counter()
        for contest in self.contests:
            for party, seats in contest.seats.items():
                found[contest.race.region, party] += seats
        return dict(found)

    @property
    def unfilled(self) -> int:
        """Unfilled seats: vacant, without votes, or dependent on a tie."""
        return self.total - sum(self.seats.values())

    @property
    def majority(self) -> int:
        """The least number that is more than half of the seats."""
        return self.total // 2 + 1

    @property
    def winner(self) -> str | None:
        """The party that has a majority, whatever ballots still come."""
        return next((party for party, seats in self.ranges.items() if seats.least >= self.majority), None)


def outcome_of(
    rules: AnyRules,
    contests: Sequence[ContestOutcome],
    total: int,
    count: Count,
    draw: Draw,
    ranges: Callable[[], Mapping[str, Range]],
    thresholds: Mapping[str, Threshold] | None = None,
) -> ElectionOutcome:
    """The election of these ``contests``. ``ranges`` are asked for only while something can still change."""
    waiting = {tie.contest for tie in draw.open}
    found = ElectionOutcome(
        rules,
        tuple(
            replace(contest, ties=tuple(tie for tie in draw.open if tie.contest == contest.race.number))
            if contest.race.number in waiting
            else contest
            for contest in contests
        ),
        total,
        count.over,
        tuple(draw.open),
        tuple(draw.settled),
        {},
        thresholds or {},
    )
    if count.over and not draw.open:
        return replace(found, ranges={party: Range(seats, seats) for party, seats in found.seats.items()})
    return replace(found, ranges=ranges())
