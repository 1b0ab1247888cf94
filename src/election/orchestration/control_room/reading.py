"""What the control room's pages tell about an election, read from Postgres and ``rejected_topic``."""

from base64 import b64decode
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg.rows import class_row

from election.messaging.rejected import rejected
from election.platform import Connection, Platform
from election.storage.elections import Election

SHOWN_BYTES = 2_000
"""Of a rejected key or value; all of it is on the topic."""


@dataclass(frozen=True)
class Standing:
    """How far an election is, and what the checks of its data found."""

    election: Election
    verdict: "Verdict | None"
    reports: "list[Report]"


def standing(connection: Connection, election: Election) -> Standing:
    number = election.election_no
    return Standing(election, verdict(connection, number), reports(connection, number))


@dataclass(frozen=True)
class Report:
    """The latest validation of one checkpoint. ``report`` is its page, relative to the root of the data docs."""

    checkpoint: str
    validated_at: datetime
    ok: bool
    expectations: int
    failed: int
    report: str


def reports(connection: Connection, election_no: int) -> list[Report]:
    """The latest report of each of the election's checkpoints, in the order in which they were made."""
    with connection.cursor(row_factory=class_row(Report)) as cursor:
        found = cursor.execute(
            """SELECT DISTINCT ON (checkpoint) checkpoint, validated_at, ok, expectations, failed, report
               FROM public_validations WHERE election_no = %s ORDER BY checkpoint, validated_at DESC""",
            [election_no],
        ).fetchall()
    return sorted(found, key=lambda report: report.validated_at)


@dataclass(frozen=True)
class Verdict:
    """What the reconciliation or, later, a recount found (``kind``)."""

    kind: str
    given_at: datetime
    ok: bool
    stored: int
    counted: int
    rejected: int
    differences: list[str]


def verdict(connection: Connection, election_no: int) -> Verdict | None:
    """The election's latest verdict; None before its reconciliation."""
    with connection.cursor(row_factory=class_row(Verdict)) as cursor:
        return cursor.execute(
            """SELECT kind, given_at, ok, stored, counted, rejected, differences FROM public_verdicts
               WHERE election_no = %s ORDER BY verdict_no DESC LIMIT 1""",
            [election_no],
        ).fetchone()


@dataclass(frozen=True)
class Rejection:
    """A rejected record as people read it."""

    origin: str
    stage: str
    reason: str
    detail: str
    rejected_at: datetime
    key: str
    value: str


@dataclass(frozen=True)
class Rejections:
    """``reasons`` counts all of the election's rejected records, ``shown`` are those of one page."""

    reasons: dict[str, int]
    shown: list[Rejection]

    @property
    def total(self) -> int:
        return sum(self.reasons.values())


def rejections(platform: Platform, election_no: int, page: int, length: int) -> Rejections:
    """The election's rejected records by reason, and page ``page`` (the first is 1) of them, oldest first."""
    reasons: Counter[str] = Counter()
    shown = []
    for number, record in enumerate(rejected(platform, election_no)):
        reasons[record.reason] += 1
        if (page - 1) * length <= number < page * length:
            shown.append(
                Rejection(
                    f"{record.topic}/{record.partition}/{record.offset}",
                    record.stage,
                    record.reason,
                    record.detail,
                    datetime.fromtimestamp(record.rejected_at / 1000, UTC),
                    readable(record.key),
                    readable(record.value),
                )
            )
    return Rejections(dict(reasons.most_common()), shown)


def readable(record: str | None) -> str:
    """Bytes (given in base64) as text; what is no visible character is written as Python escapes it."""
    if record is None:
        return "(none)"
    raw = b64decode(record)
    text = raw[:SHOWN_BYTES].decode(errors="backslashreplace")
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown + (f" … ({len(raw):,} bytes)" if len(raw) > SHOWN_BYTES else "")
