"""Who votes, and for whom: a function of the election's seed and the voter, the same in every worker.

A replay meets the official figures exactly; a simulated election draws support and turnout from the
seed. docs/behaviour.md has the formulas.
"""

from election.behaviour.deciding import ABSTAINS, INVALID, Behaviour, Choices
from election.behaviour.loading import load

__all__ = ["ABSTAINS", "INVALID", "Behaviour", "Choices", "load"]
