"""The totals of the aggregated topics, as ``election.outcome`` takes them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from election.contracts import topics
from election.outcome import Count

Divided = Mapping[int, Mapping[str, Mapping[int, int]]]
"""Votes by contest, district id and candidate."""


def count_of(
    by_topic: Mapping[str, Iterable[Any]], papers: Divided, district_ids: Mapping[int, str], *, over: bool
) -> Count:
    """The counted votes of one election. ``papers`` has each contest's districts without a vote."""
    votes: Counter[int] = Counter()
    invalid: Counter[int] = Counter()
    divided: dict[int, dict[str, dict[int, int]]] = defaultdict(dict)
    for contest, districts in papers.items():
        divided[contest] = {district: {} for district in districts}
    for total in by_topic[topics.VOTES_PER_CANDIDATE]:
        votes[total.candidate] += total.votes
        district = district_ids.get(total.district, str(total.district))
        divided[total.contest].setdefault(district, {})[total.candidate] = total.votes
    for total in by_topic[topics.BALLOTS_PER_CONTEST]:
        if total.validity == "invalid":
            invalid[total.contest] += total.votes
    return Count(votes, invalid, rankings_of(by_topic[topics.VOTES_PER_RANKING]), divided, over)


def rankings_of(totals: Iterable[Any]) -> dict[int, Counter[tuple[int, ...]]]:
    """Ballots by contest and ranking."""
    found: dict[int, Counter[tuple[int, ...]]] = defaultdict(Counter)
    for total in totals:
        found[total.contest][tuple(map(int, total.ranking.split(",")))] += total.votes
    return found
