"""Stage 6, reconciliation: database, ballots on the topic, counted totals and official figures must agree."""

from election.reconciliation.quarantine import Forged, find_forged, quarantine
from election.reconciliation.recount import recount
from election.reconciliation.verdict import Difference, Verdict, reconcile, record

__all__ = ["Difference", "Forged", "Verdict", "find_forged", "quarantine", "reconcile", "record", "recount"]
