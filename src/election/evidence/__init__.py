"""Evidence: an append-only Merkle log of an election's published ballots, its signed heads and its proofs.

Why it is built this way and what it cannot prove: docs/decisions/0050-evidence.md.
"""

from election.evidence.log import Head
from election.evidence.sealing import seal

__all__ = ["Head", "seal"]
