"""Stage 3, publication: candidates and voters go from Postgres to their topics."""

from election.publication.candidates import publish_candidates
from election.publication.voters import publish_voters

__all__ = ["publish_candidates", "publish_voters"]
