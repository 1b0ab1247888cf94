"""Stage 7, results: what was counted, in the form that people and programs read."""

from election.results.export import export
from election.results.tables import results

__all__ = ["export", "results"]
