"""What an election is made of, read from a folder: scenario.toml, contests.csv, candidates.csv, maybe a map.

Nothing is trusted: whatever cannot be right is refused as BadInput, naming file, line and remedy.
"""

from election.scenarios.earlier import Earlier, earlier
from election.scenarios.loading import load, names, predecessor
from election.scenarios.model import Candidate, Contest, Scenario, Simulation
from election.scenarios.selection import select, with_voters

__all__ = [
    "Candidate",
    "Contest",
    "Earlier",
    "Party",
    "Scenario",
    "Simulation",
    "earlier",
    "load",
    "names",
    "predecessor",
    "select",
    "with_voters",
]
