"""What is known of an election before a ballot is counted: who stands where, and how many may vote."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal

from election.contracts.ballots import Place
from election.contracts.messages import CandidateRecord
from election.contracts.public import (
    BallotPaper,
    Decision,
    ElectionKind,
    Party,
    Quarantine,
    Series,
    State,
    Validation,
    Verdict,
)
from election.outcome import AnyRules, How, Line, Lot, Race, contenders
from election.outcome.race import RaceKind
from election.outcome.rules import DEFAULT
from election.scenarios import Earlier
from election.text import folded

Dimension = Literal["district", "location", "gender", "age_group"]


@dataclass(frozen=True)
class Election:
    """An election's public row. ``number`` is its key in topics and tables, ``slug`` its name in URLs."""

    number: int
    slug: str
    name: str
    scenario: str = ""
    polling_day: date | None = None
    kind: ElectionKind = "simulated"
    series: Series = "party"
    state: State = "open"
    registered_at: datetime | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    counted_at: datetime | None = None
    decided_at: datetime | None = None
    expected_turnout: float | None = None
    system: Mapping[str, Any] | None = None

    @property
    def state_since(self) -> datetime | None:
        """When it came into the state that it is in."""
        return {
            "registered": self.registered_at,
            "open": self.opened_at,
            "closed": self.closed_at,
            "counted": self.counted_at,
            "certified": self.decided_at,
            "refused": self.decided_at,
        }[self.state]


@dataclass(frozen=True)
class Candidate(Line):
    """A line on the ballot paper of one contest; ``photo``: a picture is stored."""

    photo: bool = False


@dataclass(frozen=True)
class Contest:
    """Who competes for which seats. ``registered`` is None while the register cannot be read.

    ``polling_day`` is the contest's own, where it polls later than the election. ``namesake``: another contest of the
    election has the same name.
    ``unopposed``: one candidate stands alone and no poll is held. ``position`` on the ballot paper: the first contests
    make the turnout.
    """

    number: int
    id: str
    name: str
    region: str = ""
    country: str = ""
    registered: int | None = None
    official_valid: int | None = None
    official_invalid: int | None = None
    declared_at: datetime | None = None
    polling_day: date | None = None
    namesake: bool = False
    unopposed: bool = False
    kind: RaceKind = "candidates"
    seats: int = 1
    position: int = 1

    @property
    def label(self) -> str:
        """The name, with the id where another contest has the same name."""
        return f"{self.name} ({self.id})" if self.namesake else self.name

    @property
    def official_ballots(self) -> int | None:
        """Valid and invalid ballots of the real election; None in a simulated one."""
        if self.official_valid is None or self.official_invalid is None:
            return None
        return self.official_valid + self.official_invalid


@dataclass(frozen=True)
class Counted:
    """Absolute totals of one election: votes by candidate, valid and invalid votes by contest.

    ``rankings`` are by contest; ``districts``: votes by contest, number of the district and candidate.
    """

    votes: Mapping[int, int]
    valid: Mapping[int, int]
    invalid: Mapping[int, int]
    rankings: Mapping[int, Mapping[tuple[int, ...], int]] = field(default_factory=dict)
    districts: Mapping[int, Mapping[int, Mapping[int, int]]] = field(default_factory=dict)

    @property
    def ballots(self) -> int:
        """Votes counted: several a voter where a ballot paper has several contests."""
        return sum(self.valid.values()) + sum(self.invalid.values())


@dataclass(frozen=True)
class LogHead:
    """The newest head of log or journal: entries, root or last hash (hexadecimal), and the key that signed it."""

    size: int
    root: str
    verifier_key: str
    sealed_at: datetime


@dataclass(frozen=True)
class SignedHead(LogHead):
    """Any head of the log: the election's ``state`` then, and the signed ``note`` with all signatures."""

    state: str
    note: str


@dataclass(frozen=True)
class Register:
    """One election's fixed facts. ``registered`` counts voters by dimension and member (as text).

    ``certified`` is the frozen result of a certified election, ``elected`` who was elected how, by contest and line
    (None: the certification did not say), ``outcome`` the whole record of it; a ``recount`` was compared with it.
    ``documents`` are the recorded SHA-256 of its documents by format, in hexadecimal.
    ``earlier`` is the election before, None without one.
    """

    election: Election
    parties: Mapping[str, Party] = field(default_factory=dict)
    contests: tuple[Contest, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    locations: Mapping[int, Place] = field(default_factory=dict)
    registered: Mapping[Dimension, Mapping[str, int]] = field(default_factory=dict)
    verdict: Verdict | None = None
    recount: Verdict | None = None
    validations: tuple[Validation, ...] = ()
    quarantines: tuple[Quarantine, ...] = ()
    head: LogHead | None = None
    journal_head: LogHead | None = None
    documents: Mapping[str, str] = field(default_factory=dict)
    decision: Decision | None = None
    certified: Counted | None = None
    elected: Mapping[int, Mapping[int, How]] | None = None
    outcome: Mapping[str, Any] | None = None
    rules: AnyRules = DEFAULT
    lots: Sequence[Lot] = ()
    papers: tuple[BallotPaper, ...] = ()
    expected_turnout: float | None = None
    licence: str = ""
    earlier: Earlier | None = None

    @cached_property
    def races(self) -> tuple[Race, ...]:
        """Who stands in each contest, in the contests' order."""
        lines: dict[int, list[Candidate]] = {}
        for candidate in self.candidates:
            lines.setdefault(candidate.contest, []).append(candidate)
        return tuple(
            Race(
                contest.number,
                contenders(lines.get(contest.number, ())),
                contest.registered,
                contest.unopposed,
                contest.seats,
                contest.kind,
                contest.region,
                contest.id,
            )
            for contest in self.contests
        )

    @cached_property
    def districts(self) -> Mapping[int, Mapping[int, str]]:
        """The ids of the districts that vote in each contest, by number."""
        found: dict[int, dict[int, str]] = {}
        for paper in self.papers:
            for contest in paper.contests:
                found.setdefault(contest, {})[paper.number] = paper.id
        return found

    @cached_property
    def deciding(self) -> int:
        """The position on the ballot paper whose votes decide the seats of parties: the lists' where there are any."""
        return next((contest.position for contest in self.contests if contest.kind == "lists"), 1)

    def party(self, abbreviation: str) -> Party:
        """The party, by the name of the election before if it does not stand now."""
        before = self.earlier.parties if self.earlier else {}
        return self.parties.get(abbreviation) or Party(abbreviation, before.get(abbreviation, abbreviation))


def told_apart(contests: Iterable[Contest]) -> tuple[Contest, ...]:
    """The contests, with those marked that share their name."""
    contests = tuple(contests)
    named = Counter(folded(contest.name) for contest in contests)
    return tuple(
        replace(contest, namesake=True) if named[folded(contest.name)] > 1 else contest for contest in contests
    )


def register_from_topic(records: Iterable[CandidateRecord]) -> Register | None:
    """What the candidates' topic alone tells, for when Postgres cannot be read; None without a record."""
    records = sorted(records, key=lambda record: (record.contest, record.candidate))
    if not records:
        return None
    first = records[0]
    contests = {r.contest: Contest(r.contest, r.contest_id, r.contest_name, unopposed=r.unopposed) for r in records}
    return Register(
        Election(first.election, first.election_slug, first.election_slug),
        parties={r.party: Party(r.party, r.party_name) for r in records},
        contests=told_apart(contests.values()),
        candidates=tuple(
            Candidate(
                r.candidate,
                r.contest,
                r.candidate_name,
                r.party,
                r.party_name,
                candidate_id=r.candidate_id,
                kind=r.kind,
            )
            for r in records
        ),
    )
