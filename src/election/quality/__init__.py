"""Data quality: expectations of every election's tables and topics, and what is done when one is not met."""

from election.quality.outcome import Finding, Validation, require_ok
from election.quality.suites import CHECKPOINTS, Checkpoint

__all__ = ["CHECKPOINTS", "Checkpoint", "Finding", "Validation", "require_ok"]
