"""What an election is made of, read from a folder: scenario.toml, contests.csv, candidates.csv, maybe a map.

Districts, results and ballots have files of their own where they do not follow from these (``forms``).

Nothing is trusted: whatever cannot be right is refused as BadInput, naming file, line and remedy.
"""

from election.scenarios.earlier import Earlier, earlier
from election.scenarios.loading import load, names, predecessor
from election.scenarios.model import Candidate, Contest, District, Result, Scenario, Simulation
from election.scenarios.selection import part, select, with_voters

__all__ = [
    "Candidate",
    "Contest",
    "District",
    "Earlier",
    "Result",
    "Scenario",
    "Simulation",
    "earlier",
    "load",
    "names",
    "part",
    "predecessor",
    "select",
    "with_voters",
]
