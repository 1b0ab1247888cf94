"""What the control room's pages tell about an election, read from Postgres and ``rejected_topic``."""

from base64 import b64decode
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from election.contracts.public import Validation, Verdict
from election.messaging.rejected import rejected
from election.platform import Connection, Platform
from election.storage.elections import Election
from election.storage.public import validations, verdicts

SHOWN_BYTES = 2_000
"""Of a rejected key or value; all of it is on the topic."""


@dataclass(frozen=True)
class Overview:
    """How far an election is, its newest verdict (None before its reconciliation), and what its gates found."""

    election: Election
    verdict: Verdict | None
    validations: tuple[Validation, ...]


def overview(connection: Connection, election: Election) -> Overview:
    given = tuple(verdicts(connection, election.election_no).values())
    return Overview(election, given[-1] if given else None, validations(connection, election.election_no))


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
