"""Stage 7, certification: a person's decision on a counted election, which the database carries out and guards."""

from election.certification.decision import certify, decision, newest_verdict, refuse
from election.certification.lots import record_lot
from election.certification.question import question

__all__ = ["certify", "decision", "newest_verdict", "question", "record_lot", "refuse"]
