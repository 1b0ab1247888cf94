"""The night by minutes: votes that came in, shares as they added up, and when the lead changed hands."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.model.result import share
from election.contracts.messages import MinuteTotal


@dataclass(frozen=True)
class Minute:
    """``votes`` cast in the minute that begins ``at``, by member; ``shares`` of all votes up to its end."""

    at: datetime
    votes: dict[str, int]
    shares: dict[str, float]


@dataclass(frozen=True)
class LeadChange:
    """``member`` went ahead of everyone in the minute ``at``; ``before`` is who led until then (None: nobody)."""

    at: datetime
    member: str
    before: str | None
    margin: int


@dataclass(frozen=True)
class Night:
    """``labels`` by member (a candidate's number or a party's abbreviation), most votes first."""

    labels: dict[str, str]
    minutes: tuple[Minute, ...]
    changes: tuple[LeadChange, ...]


def night(totals: Iterable[MinuteTotal]) -> Night:
    """Folds votes per minute. A tie changes no lead: who led before still does until someone is ahead alone."""
    by_minute: dict[int, Counter[str]] = defaultdict(Counter)
    labels: dict[str, str] = {}
    for total in totals:
        by_minute[total.minute][total.member] += total.votes
        labels[total.member] = total.label
    so_far: Counter[str] = Counter()
    minutes, changes = [], []
    leader: str | None = None
    for minute in sorted(by_minute):
        so_far.update(by_minute[minute])
        at = datetime.fromtimestamp(minute / 1000, UTC)
        all_votes = so_far.total()
        shares = {member: share(votes, all_votes) or 0.0 for member, votes in so_far.items()}
        minutes.append(Minute(at, dict(by_minute[minute]), shares))
        first, *rest = so_far.most_common(2)
        margin = first[1] - (rest[0][1] if rest else 0)
        if margin > 0 and first[0] != leader:
            changes.append(LeadChange(at, first[0], leader, margin))
            leader = first[0]
    ordered = {member: labels[member] for member, _ in so_far.most_common()}
    return Night(ordered, tuple(minutes), tuple(changes))
