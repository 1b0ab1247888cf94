"""The night by minutes: votes that came in, shares as they added up, and when the lead changed hands."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from election.contracts.aggregates import MinuteTotal
from election.live.register import Register
from election.live.result import share


@dataclass(frozen=True)
class Minute:
    """``votes`` cast in the minute that begins ``at``, by member; ``shares`` of all votes up to its end."""

    at: datetime
    votes: dict[str, int]
    shares: dict[str, float]


@dataclass(frozen=True)
class LeadChange:
    """``member`` went ahead of everyone in the minute ``at``; ``before`` led until then (None: no member)."""

    at: datetime
    member: str
    before: str | None
    margin: int


@dataclass(frozen=True)
class Night:
    """``labels`` and ``parties`` (abbreviations) by member, most votes first.

    A member is a party, or within one contest a candidate, by the number of their first line.
    """

    labels: dict[str, str]
    parties: dict[str, str]
    minutes: tuple[Minute, ...]
    changes: tuple[LeadChange, ...]


def night(totals: Iterable[MinuteTotal], register: Register, contest: int | None = None) -> Night:
    """Folds votes per minute of one contest by candidate, or of several by party: only rivals are compared.

    ``contest`` is the number of one of several contests. An election that keeps its minutes by party gives parties
    whatever the contest. A tie changes no lead: who led before still does until someone is ahead alone.
    """
    by_minute: dict[int, Counter[str]] = defaultdict(Counter)
    labels: dict[str, str] = {}
    parties: dict[str, str] = {}
    members = _members(register, contest)
    positions = {one.number: one.position for one in register.contests}
    position = register.deciding if contest is None else positions[contest]
    for total in totals:
        if total.position != position:
            continue
        found = members.get(total.member) if total.series == "candidate" else (total.member, total.label, total.member)
        if found is None:
            continue  # of another contest
        member, labels[found[0]], parties[found[0]] = found
        by_minute[total.minute][member] += total.votes
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
    return Night(ordered, parties, tuple(minutes), tuple(changes))


def _members(register: Register, contest: int | None) -> dict[str, tuple[str, str, str]]:
    """(member, label, party) by the number of a line, as the topic has it."""
    deciding = {one.number for one in register.contests if one.position == register.deciding}
    within = [
        race for race in register.races if race.number == contest or (contest is None and race.number in deciding)
    ]
    if len(within) == 1:
        return {
            str(line.number): (str(contender.number), contender.name, contender.party)
            for contender in within[0].contenders
            for line in contender.lines
        }
    return {
        str(line.number): (line.party, register.party(line.party).name, line.party)
        for race in within
        for contender in race.contenders
        for line in contender.lines
    }
