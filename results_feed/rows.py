"""What the answers consist of. The OpenAPI document is made from these classes, and so are the answers.

Times are UTC. ``contest`` is the contest's id in the scenario, such as a constituency's code. Shares are 0 to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Literal, TypeVar

from election.contracts.public import State
from election.live.result import Progress
from election.live.status import Cause
from election.outcome import How, Kind
from election.outcome.lead import State as LeadState
from election.outcome.race import RaceKind

Row = TypeVar("Row")
System = Literal["plurality", "list", "mixed", "stv", "irv", "winner-take-all"]


@dataclass(frozen=True)
class Warning:
    """Why figures may be old or incomplete: the cause, and since when (null: from the start)."""

    cause: Cause
    since: datetime | None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One answer. ``version`` is the token for ``since``; it belongs to this address alone.

    ``complete``: the items replace what you have; otherwise they are those that changed, and replace items of the same
    key. ``next`` is the address of the next page. ``at`` is when these figures were last different.
    """

    version: str
    complete: bool
    at: datetime
    warnings: Sequence[Warning]
    items: Sequence[Row]
    next: str | None


@dataclass(frozen=True)
class ElectionPage(Page[Row]):
    """One answer about an election. ``state`` is registered, open, closed, counted, certified or refused."""

    election: str
    state: State


@dataclass(frozen=True)
class ElectionRow:
    """An election; key: ``election``, its slug. ``replay``: its votes reproduce official figures."""

    election: str
    name: str
    kind: Literal["replay", "simulated"]
    polling_day: date | None
    state: State
    state_since: datetime | None


@dataclass(frozen=True)
class ElectionsPage(Page[ElectionRow]):
    """All elections, in the order of their registration."""

    items: Sequence[ElectionRow]


@dataclass(frozen=True)
class Figures:
    """The whole election so far: voters, ballots, and contests with a ballot or with their count over."""

    registered: int | None
    counted: int
    valid: int
    invalid: int
    turnout: float | None
    contests: int
    contests_reported: int
    contests_complete: int


@dataclass(frozen=True)
class PartyRow:
    """A party's votes in all contests; key: ``party``, its abbreviation."""

    party: str
    name: str
    candidates: int
    votes: int
    share: float | None


@dataclass(frozen=True)
class SummaryPage(ElectionPage[PartyRow]):
    """Figures of the whole election, and the votes of each party."""

    name: str
    kind: Literal["replay", "simulated"]
    polling_day: date | None
    state_since: datetime | None
    figures: Figures
    items: Sequence[PartyRow]


@dataclass(frozen=True)
class ContestRow:
    """A contest with its votes so far; key: ``contest``. Voters choose by ``position`` on the ballot paper, from 1."""

    contest: str
    name: str
    region: str
    country: str
    kind: RaceKind
    position: int
    seats: int
    unopposed: bool
    registered: int | None
    counted: int
    valid: int
    invalid: int
    turnout: float | None
    progress: Progress


@dataclass(frozen=True)
class ContestsPage(ElectionPage[ContestRow]):
    """The contests of an election, in the order of the scenario."""

    items: Sequence[ContestRow]


@dataclass(frozen=True)
class TotalRow:
    """Votes of one line on a ballot paper; key: ``line``. Lines of one person have the same ``candidate_id``."""

    line: int
    contest: str
    candidate: str
    candidate_id: str | None
    kind: Kind
    party: str
    votes: int


@dataclass(frozen=True)
class TotalsPage(ElectionPage[TotalRow]):
    """Every line of every ballot paper; those without a vote are there with zero."""

    items: Sequence[TotalRow]


@dataclass(frozen=True)
class Person:
    """A candidate or another contender, by the first of their lines, with the votes of all of them."""

    line: int
    candidate: str
    party: str
    votes: int


@dataclass(frozen=True)
class ElectedPerson(Person):
    """Who got a seat: by votes, unopposed or by lot. A list or the winner of electors has several ``seats``.

    ``district`` is where, if a contest's seats are divided among its districts, and else empty.
    """

    how: How
    seats: int
    district: str


@dataclass(frozen=True)
class StageVotes:
    """A candidate's votes after a stage, by the first of their lines; a decimal with five places."""

    line: int
    votes: str


@dataclass(frozen=True)
class StageRow:
    """A stage in a count of rankings. ``moved`` is whose papers it transferred; candidates are named by line."""

    stage: int
    votes: tuple[StageVotes, ...]
    moved: int | None
    elected: tuple[int, ...]
    excluded: tuple[int, ...]
    not_transferable: str


@dataclass(frozen=True)
class OutcomeRow:
    """Who has won or leads a contest, and whether that can change; key: ``contest``.

    ``most_left`` are ballots that could still come. ``tied`` have equal votes at the end of the count. ``unseated`` won
    the contest, but the votes for lists do not cover a seat. ``quota`` and ``stages`` are those of rankings, as if the
    count ended now; until then ``elected`` is empty.
    """

    contest: str
    lead: LeadState
    overturnable: bool
    margin: int
    most_left: int | None
    leading: tuple[Person, ...]
    elected: tuple[ElectedPerson, ...]
    tied: tuple[Person, ...]
    unseated: tuple[ElectedPerson, ...]
    quota: int | None
    stages: tuple[StageRow, ...]


@dataclass(frozen=True)
class ThresholdRow:
    """What a party needs for seats: ``needed`` of the valid votes ``of``. ``way``: how it passes, null if it does not.

    The ways are ``votes``, ``constituencies`` and ``minority``.
    """

    party: str
    votes: int
    needed: int
    of: int
    way: str | None


@dataclass(frozen=True)
class PartySeats:
    party: str
    won: int
    leading: int


@dataclass(frozen=True)
class SeatsNow:
    """Seats by party, most first. ``open`` can still be won; ``unfilled`` stay vacant."""

    total: int
    majority: int
    winner: str | None
    open: int
    unfilled: int
    parties: tuple[PartySeats, ...]


@dataclass(frozen=True)
class OutcomePage(ElectionPage[OutcomeRow]):
    """Who is elected or leads, contest by contest, and the seats by party, under the ``system`` of the election.

    ``thresholds`` are empty where parties need none.
    """

    system: System
    seats: SeatsNow
    thresholds: tuple[ThresholdRow, ...]
    items: Sequence[OutcomeRow]


@dataclass(frozen=True)
class HeadRow:
    """A signed head of the log of published ballots; key: ``size``. ``note`` is the C2SP signed note."""

    size: int
    root: str
    state: str
    sealed_at: datetime
    verifier_key: str
    note: str


@dataclass(frozen=True)
class HeadsPage(ElectionPage[HeadRow]):
    """Every head of the log, the oldest first."""

    items: Sequence[HeadRow]
