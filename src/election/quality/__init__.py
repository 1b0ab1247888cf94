"""Data quality: validates every election's tables and topics, and reports expectations that fail."""

from election.quality.outcome import Finding, Validation, require_ok
from election.quality.suites import CHECKPOINTS, Checkpoint

__all__ = ["CHECKPOINTS", "Checkpoint", "Finding", "Validation", "require_ok"]
