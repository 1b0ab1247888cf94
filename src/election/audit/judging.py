"""What follows from the papers drawn so far in a contest: it is confirmed, or another round, or a count by hand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from election.audit import comparison, polling
from election.audit.contest import Contest
from election.storage.audits import Follows, Method

Choices = Sequence[int | None]
"""A candidate of each draw, INVALID, or None for what is not to be found."""


@dataclass(frozen=True)
class Judgement:
    """``overstated``: draws by votes that the record says too much for a winner, -2 to 2.

    ``next_size`` is the number of draws in all after another round; None when none is needed.
    """

    risk: float
    follows: Follows
    next_size: int | None
    overstated: Counter[int]


def first_size(contest: Contest, method: Method, limit: float) -> int | None:
    """Draws of the first round; None when all papers may as well be counted by hand."""
    likely = comparison.sample_size if method == "comparison" else polling.likely_size
    size = likely(contest, limit)
    return size if size < contest.ballots else None


def risk(contest: Contest, method: Method, records: Choices, papers: Choices) -> float:
    """The risk after these draws; polling looks at papers alone."""
    if method == "comparison":
        pairs = zip(records, papers, strict=True)
        return comparison.risk(contest, [comparison.error(contest, *pair) for pair in pairs])
    sample = Counter(choice for choice in papers if choice is not None)
    return polling.risk(contest, sample, missing=papers.count(None))


def judge(contest: Contest, method: Method, limit: float, records: Choices, papers: Choices) -> Judgement:
    """The risk after these draws and what follows: the next size is the one that suffices if errors go on as found."""
    errors = [comparison.error(contest, *pair) for pair in zip(records, papers, strict=True)]
    found = risk(contest, method, records, papers)
    overstated = Counter(error.votes for error in errors)
    if found < limit:
        return Judgement(found, "confirmed", None, overstated)
    if method == "comparison":
        size = comparison.sample_size(contest, limit, comparison.observed(errors))
    else:
        size = len(papers) + polling.likely_size(contest, min(0.99, limit / found))
    size = max(size, len(papers) + 1)
    if size >= contest.ballots:
        return Judgement(found, "hand count", None, overstated)
    return Judgement(found, "another round", size, overstated)
