"""Stage 2, electorate: candidates and voters into Postgres, and proof that they are all there."""

from election.electorate.candidates import seed_candidates
from election.electorate.checking import check_electorate
from election.electorate.voters import seed_voters

__all__ = ["check_electorate", "seed_candidates", "seed_voters"]
