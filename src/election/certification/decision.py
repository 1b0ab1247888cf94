"""Certifying and refusing. The rules are the database's own (``storage/certification.sql``); this asks it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, LiteralString

import psycopg
from psycopg.rows import class_row

from election.errors import BadInput, StageFailed
from election.platform import Platform
from election.storage.elections import election


@dataclass(frozen=True)
class Decision:
    """A row of ``certifications``: who decided what, when and why, knowing which verdict (None: there was none)."""

    decision: Literal["certified", "refused"]
    decided_by: str
    reason: str
    decided_at: datetime
    verdict_no: int | None

    def __str__(self) -> str:
        return f"{self.decision} by {self.decided_by} at {self.decided_at:%Y-%m-%d %H:%M:%S %Z}: {self.reason}"


def certify(platform: Platform, slug: str, by: str, reason: str) -> Decision:
    """Certifies the election and freezes its result; one that is certified keeps the decision it has.

    Raises StageFailed, with what the database says, unless the newest verdict is ok and about what is stored.
    """
    known = decision(platform, slug)
    if known is not None and known.decision == "certified":
        return known
    return _decide(platform, slug, "SELECT certify(%s, %s, %s)", by, reason)


def refuse(platform: Platform, slug: str, by: str, reason: str) -> Decision:
    """Refuses to certify the election. Raises StageFailed when it is certified or not counted."""
    return _decide(platform, slug, "SELECT refuse(%s, %s, %s)", by, reason)


def decision(platform: Platform, slug: str) -> Decision | None:
    """The newest decision on the election, None when there is none. Raises UnknownElection."""
    with platform.connect("reader") as connection, connection.cursor(row_factory=class_row(Decision)) as cursor:
        return cursor.execute(
            """SELECT decision, decided_by, reason, decided_at, verdict_no FROM certifications
               WHERE election_no = %s ORDER BY certification_no DESC LIMIT 1""",
            [election(connection, slug).election_no],
        ).fetchone()


def _decide(platform: Platform, slug: str, call: LiteralString, by: str, reason: str) -> Decision:
    if not reason.strip():
        raise BadInput(f"A decision on {slug} needs a reason. Say in a sentence what it rests on.")
    try:
        with platform.connect("app") as connection:
            connection.execute(call, [slug, by, reason.strip()])
    except psycopg.errors.RaiseException as refusal:
        raise StageFailed(" ".join(filter(None, (refusal.diag.message_primary, refusal.diag.message_hint)))) from None
    made = decision(platform, slug)
    assert made is not None
    return made
