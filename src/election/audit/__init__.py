"""Audit: a sample of papers is compared with the count, as a rehearsal of a risk-limiting audit.

What it shows in a simulation and what it does not: docs/audit.md. Why it is built this way:
docs/decisions/0051-audit.md.
"""

from election.audit.audits import LIMIT, commit, type_digits
from election.audit.box import lay_down
from election.audit.faults import Faults
from election.audit.rounds import assess, draw_round
from election.audit.signing import Progress, progress, sign_off

__all__ = [
    "LIMIT",
    "Faults",
    "Progress",
    "assess",
    "commit",
    "draw_round",
    "lay_down",
    "progress",
    "sign_off",
    "type_digits",
]
