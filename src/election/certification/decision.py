"""Certifying and refusing. The rules are the database's own (``storage/certification.sql``); this asks it."""

from typing import Literal

import psycopg

from election.contracts.public import Decision
from election.errors import BadInput, StageFailed
from election.platform import Platform
from election.storage.elections import election
from election.storage.public import newest_decision

_CALL = {"certified": "SELECT certify(%s, %s, %s, %s)", "refused": "SELECT refuse(%s, %s, %s, %s)"}


def newest_verdict(platform: Platform, slug: str) -> int | None:
    """The number of the verdict that a decision must be about; None when there is none. Raises UnknownElection."""
    with platform.connect("reader") as connection:
        (number,) = connection.execute(
            "SELECT max(verdict_no) FROM verdicts WHERE election_no = %s", [election(connection, slug).election_no]
        ).fetchone() or (None,)
    return number


def certify(platform: Platform, slug: str, by: str, reason: str, verdict_no: int | None) -> Decision:
    """Certifies the election and freezes its result. Made again, the same decision is returned as it was recorded.

    ``by`` is one of the users who may decide, ``verdict_no`` the verdict that this person was shown.
    Raises StageFailed, with what the database says, unless that verdict is the newest, is ok and is about what is
    stored, and when the election is certified already by another decision.
    """
    known = decision(platform, slug)
    if known is not None and known.decision == "certified":
        if (known.decided_by, known.reason, known.verdict_no) == (by, reason.strip(), verdict_no):
            return known
        raise StageFailed(f"{slug} was {known}. Nothing was decided now.")
    return _decide(platform, slug, "certified", by, reason, verdict_no)


def refuse(platform: Platform, slug: str, by: str, reason: str, verdict_no: int | None) -> Decision:
    """Refuses to certify the election. ``by`` and ``verdict_no`` as for ``certify``; None when there is no verdict.

    Raises StageFailed when it is certified or not counted, or when that verdict is not the newest.
    """
    return _decide(platform, slug, "refused", by, reason, verdict_no)


def decision(platform: Platform, slug: str) -> Decision | None:
    """The newest decision on the election, None when there is none. Raises UnknownElection."""
    with platform.connect("reader") as connection:
        return newest_decision(connection, election(connection, slug).election_no)


def _decide(
    platform: Platform, slug: str, made: Literal["certified", "refused"], by: str, reason: str, verdict_no: int | None
) -> Decision:
    if not reason.strip():
        raise BadInput(f"A decision on {slug} needs a reason. Say in a sentence what it rests on.")
    try:
        with platform.connect("app") as connection:
            (decided_at,) = connection.execute(_CALL[made], [slug, by, reason.strip(), verdict_no]).fetchone() or ()
    except psycopg.errors.RaiseException as refusal:
        raise StageFailed(" ".join(filter(None, (refusal.diag.message_primary, refusal.diag.message_hint)))) from None
    return Decision(made, by, reason.strip(), decided_at, verdict_no)
