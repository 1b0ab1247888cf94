"""Stored audits: the commitment, the findings of each round, and the papers that were counted by hand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import class_row

from election.platform import Connection

Method = Literal["comparison", "polling"]
Follows = Literal["confirmed", "another round", "hand count"]
HandCount = dict[int, int]
"""Papers by candidate number; 0 stands for invalid papers, -1 for missing ones."""


@dataclass(frozen=True)
class Audit:
    """A row of ``audits``: the commitment, its time and its author."""

    audit_no: int
    election_no: int
    method: Method
    risk_limit: float
    log_size: int
    log_root: bytes
    manifest: str
    committed_by: str
    committed_at: datetime


@dataclass(frozen=True)
class Risk:
    """A row of ``audit_risks``: what the draws of a contest have shown so far, and the next step.

    ``risk`` is the chance, at most 1, of so good a sample if the reported winner had not won. ``next_size`` is the
    total number of draws after another round.
    """

    contest_no: int
    round_no: int
    drawn: int
    one_over: int
    two_over: int
    one_under: int
    two_under: int
    risk: float
    follows: Follows
    next_size: int | None


@dataclass(frozen=True)
class Ended:
    """An audit that was signed before another one of the same election began."""

    audit_no: int
    signed_by: str
    reason: str


def find(connection: Connection, election_no: int) -> Audit | None:
    """The election's newest audit; None when there is none."""
    with connection.cursor(row_factory=class_row(Audit)) as cursor:
        return cursor.execute(
            """SELECT audit_no, election_no, method, risk_limit, log_size, log_root, manifest, committed_by,
                      committed_at
               FROM audits WHERE election_no = %s ORDER BY audit_no DESC LIMIT 1""",
            [election_no],
        ).fetchone()


def risks(connection: Connection, audit: Audit) -> list[Risk]:
    """Every assessment, by contest and round."""
    with connection.cursor(row_factory=class_row(Risk)) as cursor:
        return cursor.execute(
            """SELECT contest_no, round_no, drawn, one_over, two_over, one_under, two_under, risk, follows, next_size
               FROM audit_risks WHERE audit_no = %s ORDER BY contest_no, round_no""",
            [audit.audit_no],
        ).fetchall()


def latest(connection: Connection, audit: Audit) -> dict[int, Risk]:
    """The last assessment of each contest that has one, by contest number."""
    return {risk.contest_no: risk for risk in risks(connection, audit)}


def hand_counts(connection: Connection, audit: Audit) -> dict[int, HandCount]:
    """The hand counts by contest number."""
    found: dict[int, HandCount] = {}
    for contest, candidate, papers in connection.execute(
        "SELECT contest_no, candidate_no, papers FROM audit_hand_counts WHERE audit_no = %s", [audit.audit_no]
    ):
        found.setdefault(contest, {})[candidate] = papers
    return found


def signature(connection: Connection, audit: Audit) -> tuple[str, str, datetime] | None:
    """Who signed the audit, why and when; None while it goes on."""
    return connection.execute(
        "SELECT signed_by, reason, signed_at FROM audit_signatures WHERE audit_no = %s", [audit.audit_no]
    ).fetchone()


def before(connection: Connection, audit: Audit) -> list[Ended]:
    """The election's earlier audits, the oldest first."""
    with connection.cursor(row_factory=class_row(Ended)) as cursor:
        return cursor.execute(
            """SELECT audit_no, signed_by, reason FROM audits JOIN audit_signatures USING (audit_no)
               WHERE election_no = %s AND audit_no < %s ORDER BY audit_no""",
            [audit.election_no, audit.audit_no],
        ).fetchall()


def summary(connection: Connection, election_no: int) -> str | None:
    """The newest audit in a sentence, and how earlier ones ended; None without an audit."""
    audit = find(connection, election_no)
    if audit is None:
        return None
    known, by_hand, signed = latest(connection, audit), hand_counts(connection, audit), signature(connection, audit)
    confirmed = [risk.risk for risk in known.values() if risk.follows == "confirmed"]
    open_ = sum(risk.follows != "confirmed" and number not in by_hand for number, risk in known.items())
    parts = []
    if confirmed:
        parts.append(f"{_contests(len(confirmed))} confirmed by sample, each at a risk of {max(confirmed):.2%} or less")
    if by_hand:
        parts.append(f"{_contests(len(by_hand))} counted by hand")
    if open_:
        parts.append(f"{_contests(open_)} not confirmed yet")
    parts.append(f"signed by {signed[0]}: {signed[1]}" if signed else "not signed yet")
    if earlier := before(connection, audit):
        ends = "; ".join(f"{one.signed_by}: {one.reason}" for one in earlier)
        parts.append(f"{len(earlier):,} audit{'' if len(earlier) == 1 else 's'} before it, signed by {ends}")
    return f"risk limit {audit.risk_limit:.2%}; {'; '.join(parts)}"


def _contests(number: int) -> str:
    return f"{number:,} contest{'' if number == 1 else 's'}"
