"""Stage 7, certification: a person's decision on a counted election, which the database carries out and guards."""

from election.certification.decision import Decision, certify, decision, refuse
from election.certification.question import question

__all__ = ["Decision", "certify", "decision", "question", "refuse"]
