"""Batch comparison (MACRO): whole batches are counted by hand and compared with their reported totals.

P. B. Stark, "Risk-limiting postelection audits: conservative P-values from common probability inequalities" (IEEE
Transactions on Information Forensics and Security, 2009); batches are drawn by their largest possible error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log, log1p, prod

from election.audit.contest import Contest


@dataclass(frozen=True)
class Batch:
    """Ballots of a batch and its votes by choice, as reported."""

    ballots: int
    votes: Mapping[int, int]


def most_error(contest: Contest, batch: Batch) -> float:
    """The largest error that the batch can hold, in margins."""
    return max(
        (batch.votes.get(w, 0) - batch.votes.get(l_, 0) + batch.ballots) / margin
        for (w, l_), margin in contest.margins.items()
    )


def found_error(contest: Contest, reported: Mapping[int, int], papers: Mapping[int, int]) -> float:
    """The error that the count by hand found, in margins; negative if the winners were reported too low."""
    return max(
        ((reported.get(w, 0) - papers.get(w, 0)) - (reported.get(l_, 0) - papers.get(l_, 0))) / margin
        for (w, l_), margin in contest.margins.items()
    )


def risk(contest: Contest, batches: Sequence[Batch], taints: Sequence[float]) -> float:
    """Of the batches drawn; a taint is the error found as a share of the largest possible one. At most 1."""
    bound = sum(most_error(contest, batch) for batch in batches)
    if any(taint >= 1 for taint in taints):
        return 1.0
    return min(1.0, prod((1 - 1 / bound) / (1 - taint) for taint in taints))


def sample_size(contest: Contest, batches: Sequence[Batch], limit: float, reached: float = 1.0) -> int:
    """Batches still to be drawn with replacement until the risk falls from ``reached`` to ``limit`` without errors."""
    bound = sum(most_error(contest, batch) for batch in batches)
    return min(len(batches), ceil((log(limit) - log(reached)) / log1p(-1 / bound)) + 1)
