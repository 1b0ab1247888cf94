"""What the public may know of an election: a class for a row of each ``public_…`` view, and the values of its columns.

``election.storage.public`` reads the views. Scenarios and reports use the same classes for the same facts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, LiteralString

State = Literal["registered", "open", "closed", "counted", "certified", "refused"]
"""The states of an election, in their order; the last two are a person's decision."""
ElectionKind = Literal["replay", "simulated"]
Series = Literal["candidate", "party"]
"""The key of votes per minute."""


@dataclass(frozen=True)
class Party:
    """``colour`` is ``#rrggbb``; None where the scenario gives none."""

    abbreviation: str
    name: str
    colour: str | None = None


@dataclass(frozen=True)
class BallotPaper:
    """What the voters of a district choose in: ``contests`` by number, in the paper's order."""

    number: int
    id: str
    name: str
    registered: int
    contests: tuple[int, ...]


@dataclass(frozen=True)
class Decision:
    """Who certified or refused the result, when, why in their own words, and on which verdict (None: without one)."""

    decision: Literal["certified", "refused"]
    decided_by: str
    reason: str
    decided_at: datetime
    verdict_no: int | None = None

    def __str__(self) -> str:
        return f"{self.decision} by {self.decided_by} at {self.decided_at:%Y-%m-%d %H:%M:%S %Z}: {self.reason}"


@dataclass(frozen=True)
class Verdict:
    """The recorded finding of a reconciliation, or of a recount after certification. ``differences`` are sentences.

    ``published`` is None in older verdicts, which did not record it.
    """

    given_at: datetime
    ok: bool
    registered: int
    stored: int
    counted: int
    rejected: int
    published: int | None = None
    differences: tuple[str, ...] = ()
    kind: Literal["reconciliation", "recount"] = "reconciliation"


@dataclass(frozen=True)
class Validation:
    """The latest validation at one checkpoint. ``report`` is its page's path under the root of the data docs."""

    checkpoint: str
    validated_at: datetime
    ok: bool
    expectations: int
    failed: int
    report: str


@dataclass(frozen=True)
class Quarantine:
    """A person's decision that the tally skips forged messages: when, who, why in their own words, and how many."""

    decided_at: datetime
    decided_by: str
    reason: str
    messages: int


LINE_SQL: LiteralString = """candidate_no AS number, contest_no AS contest,
    btrim(given_name || ' ' || family_name) AS name, party_abbreviation AS party, party AS party_name,
    official_votes AS official, candidate_id, kind"""
"""A row of ``candidates`` or ``public_candidates`` as the fields of a line (``election.outcome.Line``)."""
