"""What is known of an election before a ballot is counted: who stands where, and how many may vote."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Literal

from election.contracts.messages import CandidateRecord

State = Literal["registered", "open", "closed", "counted", "certified", "refused"]
Dimension = Literal["contest", "location", "gender", "age_group"]


@dataclass(frozen=True)
class Election:
    """An election's public row. ``number`` is its key in topics and tables, ``slug`` its name in URLs."""

    number: int
    slug: str
    name: str
    scenario: str = ""
    polling_day: date | None = None
    kind: Literal["replay", "simulated"] = "simulated"
    series: Literal["candidate", "party"] = "party"
    state: State = "open"
    registered_at: datetime | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    counted_at: datetime | None = None
    decided_at: datetime | None = None
    expected_turnout: float | None = None

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
class Party:
    """``colour`` is ``#rrggbb``; None where the scenario gives none."""

    abbreviation: str
    name: str
    colour: str | None = None


@dataclass(frozen=True)
class Candidate:
    """Someone who stands in one contest. ``official`` is the real result's votes in a replay."""

    number: int
    contest: int
    name: str
    party: str
    party_name: str
    official: int | None = None
    photo: bool = False


@dataclass(frozen=True)
class Contest:
    """A race for one seat. ``registered`` is None while the register cannot be read."""

    number: int
    id: str
    name: str
    region: str = ""
    country: str = ""
    registered: int | None = None
    official_valid: int | None = None
    official_invalid: int | None = None
    declared_at: datetime | None = None

    @property
    def official_ballots(self) -> int | None:
        """Valid and invalid ballots of the real election; None in a simulated one."""
        if self.official_valid is None or self.official_invalid is None:
            return None
        return self.official_valid + self.official_invalid


@dataclass(frozen=True)
class Location:
    number: int
    country: str
    region: str
    city: str


@dataclass(frozen=True)
class Counted:
    """Absolute totals of one election: votes by candidate, valid and invalid ballots by contest."""

    votes: Mapping[int, int]
    valid: Mapping[int, int]
    invalid: Mapping[int, int]

    @property
    def ballots(self) -> int:
        return sum(self.valid.values()) + sum(self.invalid.values())


@dataclass(frozen=True)
class Decision:
    """Who certified or refused the result, and why, in their own words."""

    decision: str
    decided_by: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True)
class Verdict:
    """What the reconciliation found when it last ran. ``published`` is None in verdicts that did not note it."""

    given_at: datetime
    ok: bool
    registered: int
    stored: int
    counted: int
    rejected: int
    published: int | None = None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Validation:
    """A checkpoint's last look at the data. ``report`` is a path below the root of the data docs."""

    checkpoint: str
    validated_at: datetime
    ok: bool
    expectations: int
    failed: int
    report: str | None = None


@dataclass(frozen=True)
class Register:
    """One election's fixed facts. ``registered`` counts voters by dimension and member (as text).

    ``certified`` is the frozen result of a certified election; a ``recount`` was compared with it.
    """

    election: Election
    parties: Mapping[str, Party] = field(default_factory=dict)
    contests: tuple[Contest, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    locations: Mapping[int, Location] = field(default_factory=dict)
    registered: Mapping[Dimension, Mapping[str, int]] = field(default_factory=dict)
    verdict: Verdict | None = None
    recount: Verdict | None = None
    validations: tuple[Validation, ...] = ()
    decision: Decision | None = None
    certified: Counted | None = None
    expected_turnout: float | None = None
    licence: str = ""

    @cached_property
    def by_contest(self) -> Mapping[int, tuple[Candidate, ...]]:
        """Candidates by contest number."""
        found: dict[int, list[Candidate]] = {}
        for candidate in self.candidates:
            found.setdefault(candidate.contest, []).append(candidate)
        return {number: tuple(candidates) for number, candidates in found.items()}

    def party(self, abbreviation: str) -> Party:
        return self.parties.get(abbreviation) or Party(abbreviation, abbreviation)


def register_from_topic(records: Iterable[CandidateRecord]) -> Register | None:
    """What the candidates' topic alone tells, for when Postgres cannot be read; None without a record."""
    records = sorted(records, key=lambda record: (record.contest, record.candidate))
    if not records:
        return None
    first = records[0]
    contests = {r.contest: Contest(r.contest, r.contest_id, r.contest_name) for r in records}
    return Register(
        Election(first.election, first.election_slug, first.election_slug),
        parties={r.party: Party(r.party, r.party_name) for r in records},
        contests=tuple(contests.values()),
        candidates=tuple(Candidate(r.candidate, r.contest, r.candidate_name, r.party, r.party_name) for r in records),
    )
