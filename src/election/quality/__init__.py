"""Data quality: what must be true of the tables of every election."""

from election.quality.integrity import Finding, check_elections, check_integrity

__all__ = ["Finding", "check_elections", "check_integrity"]
