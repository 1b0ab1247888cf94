"""What a report states, independent of its form and of where the figures were read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from election.contracts.public import Decision, Party, State, Verdict
from election.outcome import Contender, ContestOutcome, Count, Elected, Outcome, Race, Stage

Status = Literal["pre-election", "unofficial-partial", "unofficial-complete", "certified", "recount"]

_STATUS: dict[State, Status] = {
    "registered": "pre-election",
    "open": "unofficial-partial",
    "closed": "unofficial-partial",
    "counted": "unofficial-complete",
    "refused": "unofficial-complete",
    "certified": "certified",
}


@dataclass(frozen=True)
class ContestReport:
    """One contest. ``votes`` are by line; ``valid`` and ``invalid`` are ballots; ``over``: its count is complete.

    ``ahead`` has a lead that no ballot still to come can overturn. ``tied`` await a lot. ``stages`` are those of a
    count of rankings, and then replace ``votes``.
    """

    id: str
    name: str
    race: Race
    votes: Mapping[int, int]
    valid: int
    invalid: int
    over: bool
    elected: tuple[Elected, ...] = ()
    ahead: Contender | None = None
    tied: tuple[Contender, ...] = ()
    stages: tuple[Stage, ...] = ()

    @property
    def ballots(self) -> int:
        """Ballots counted, valid and invalid."""
        return self.valid + self.invalid

    @property
    def vacant(self) -> int:
        """Seats without an elected candidate at the end of the count, those of an open tie included."""
        return self.race.seats - sum(elected.seats for elected in self.elected) if self.over else 0


@dataclass(frozen=True)
class Report:
    """One election at the moment ``now``. ``parties`` are by abbreviation; ``contests`` in the election's order.

    ``first_day`` and ``last_day`` are polling days. ``replay``: the votes are those of a real election. ``recount`` is
    the newest one of a certified result; if ok, that result stands.
    """

    slug: str
    name: str
    first_day: date
    last_day: date
    replay: bool
    state: State
    now: datetime
    parties: Mapping[str, Party]
    contests: tuple[ContestReport, ...]
    decision: Decision | None = None
    recount: Verdict | None = None

    @property
    def over(self) -> bool:
        """Whether the whole count is complete."""
        return self.state in ("counted", "certified", "refused")

    @property
    def status(self) -> Status:
        return "recount" if self._frozen and self.recount else _STATUS[self.state]

    @property
    def generated_at(self) -> datetime:
        """``now``; once certified the time of the decision or of the last recount, so that the bytes stay the same."""
        if self._frozen and self.recount:
            return self.recount.given_at
        return self.decision.decided_at if self._frozen and self.decision else self.now

    def polls(self, contest: ContestReport) -> bool:
        """Whether the contest has ballots to report: the poll has opened, and the contest is not unopposed."""
        return self.state != "registered" and not contest.race.unopposed

    @property
    def _frozen(self) -> bool:
        return self.state == "certified"


def plurality(contest_id: str, name: str, outcome: Outcome) -> ContestReport:
    """A contest decided by plurality."""
    ahead = len(outcome.first) == 1 and not outcome.lead.overturnable and outcome.first[0].contender.is_person
    return ContestReport(
        contest_id,
        name,
        outcome.race,
        {
            line.number: votes
            for standing in outcome.standings
            for line, votes in zip(standing.contender.lines, standing.by_line, strict=True)
        },
        outcome.valid,
        outcome.counted - outcome.valid,
        outcome.over or outcome.race.unopposed,
        outcome.elected,
        outcome.first[0].contender if ahead else None,
        tuple(standing.contender for standing in outcome.tie) if outcome.undecided else (),
    )


def reported(contest_id: str, name: str, outcome: Outcome, count: Count) -> ContestReport:
    """A contest of any system."""
    if outcome.given is None:
        return plurality(contest_id, name, outcome)
    if outcome.race.kind == "ranking":
        return ranked(contest_id, name, outcome.given, count)
    over = outcome.over or outcome.race.unopposed
    return replace(plurality(contest_id, name, outcome), elected=outcome.elected, over=over, ahead=None, tied=())


def ranked(contest_id: str, name: str, outcome: ContestOutcome, count: Count) -> ContestReport:
    """A contest of rankings, with the stages of its count."""
    race = outcome.race
    return ContestReport(
        contest_id,
        name,
        race,
        {},
        sum(count.rankings.get(race.number, {}).values()),
        count.invalid.get(race.number, 0),
        count.over or race.unopposed,
        outcome.elected if count.over or race.unopposed else (),
        stages=outcome.stages,
    )
