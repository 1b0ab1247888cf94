"""The end of an audit: what follows in each contest, and the signature of a person who may decide."""

from dataclasses import dataclass
from typing import Literal

import psycopg

from election.audit.audits import Audited, audited, complete, newest, seed
from election.audit.box import refused
from election.audit.rounds import is_unassessed, open_papers
from election.errors import BadInput
from election.platform import Connection, Platform
from election.storage.audits import Audit, HandCount, Risk, hand_counts, latest, signature
from election.storage.elections import election

Finding = Literal["confirmed", "confirmed by hand count", "wrong", "hand count", "another round", "not drawn"]


@dataclass(frozen=True)
class ContestProgress:
    """A contest in an audit: its last risk, None before the first round, and its hand count if there is one."""

    one: Audited
    risk: Risk | None
    by_hand: HandCount | None

    @property
    def finding(self) -> Finding:
        """``wrong``: the papers, all counted by hand, do not elect the candidate whom the count elects."""
        if self.by_hand is not None:
            same = self.one.elected(self.by_hand) == self.one.elected(self.one.counted)
            return "confirmed by hand count" if same else "wrong"
        return self.risk.follows if self.risk else "not drawn"


@dataclass(frozen=True)
class Progress:
    """How far an audit is: digits of the seed, papers still to read, each contest, and who signed and why.

    ``unassessed``: the papers of the last round are not compared with the count yet.
    """

    audit: Audit
    digits: str
    waiting: int
    unassessed: bool
    contests: list[ContestProgress]
    signed_by: str | None
    reason: str | None

    @property
    def over(self) -> bool:
        return all(one.finding in ("confirmed", "confirmed by hand count", "wrong") for one in self.contests)

    @property
    def wrong(self) -> list[str]:
        """Contests whose reported outcome the papers do not bear out."""
        return [one.one.name for one in self.contests if one.finding == "wrong"]

    @property
    def follows(self) -> str:
        """What to do next, as a command; empty after the signature."""
        if self.signed_by is not None:
            return ""
        if not complete(self.digits):
            return "seed"
        if self.waiting:
            return "papers"
        if self.unassessed:
            return "risk"
        findings = {one.finding for one in self.contests}
        if findings & {"another round", "not drawn"}:
            return "draw"
        return "hand-count" if "hand count" in findings else "sign-off"


def progress(platform: Platform, slug: str) -> Progress:
    """The election's newest audit. Raises StageFailed when there is none."""
    with platform.connect("auditor") as connection:
        return progress_of(connection, newest(connection, election(connection, slug)))


def progress_of(connection: Connection, audit: Audit) -> Progress:
    risks, by_hand = latest(connection, audit), hand_counts(connection, audit)
    signed = signature(connection, audit)
    return Progress(
        audit,
        seed(connection, audit),
        len(open_papers(connection, audit)),
        is_unassessed(connection, audit),
        [ContestProgress(one, risks.get(one.number), by_hand.get(one.number)) for one in audited(connection, audit)],
        signed[0] if signed else None,
        signed[1] if signed else None,
    )


def sign_off(platform: Platform, slug: str, by: str, reason: str) -> Progress:
    """Signs the audit, which ends it. Raises StageFailed with what the database says before it is over.

    ``by`` is one of the users who may decide.
    """
    if not reason.strip():
        raise BadInput(f"A signature under the audit of {slug} needs a reason. Say in a sentence what it found.")
    with platform.connect("auditor") as connection:
        audit = newest(connection, election(connection, slug))
        try:
            connection.execute("SELECT sign_audit(%s, %s, %s)", [audit.audit_no, by, reason.strip()])
        except psycopg.errors.RaiseException as refusal:
            raise refused(refusal) from None
        return progress_of(connection, audit)
