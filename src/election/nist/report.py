"""What a report states, independent of its form and of where the figures were read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from election.contracts.public import BallotPaper, Decision, Party, State, Verdict
from election.outcome import (
    AnyRules,
    Contender,
    ContestOutcome,
    Count,
    Elected,
    ListRules,
    MixedRules,
    Outcome,
    Race,
    Stage,
)
from election.outcome.rules import DEFAULT

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
    count of rankings, and then replace ``votes``. ``position`` on the ballot paper; ``shared``: the seats are those of
    the whole election, and ``unseated`` won the contest without one.
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
    position: int = 1
    shared: bool = False
    unseated: tuple[Elected, ...] = ()

    @property
    def ballots(self) -> int:
        """Ballots counted, valid and invalid."""
        return self.valid + self.invalid

    @property
    def vacant(self) -> int:
        """Seats without an elected candidate at the end of the count, those of an open tie included."""
        if self.shared or not self.over:
            return 0
        return self.race.seats - sum(elected.seats for elected in self.elected)


@dataclass(frozen=True)
class Report:
    """One election at the moment ``now``. ``parties`` are by abbreviation; ``contests`` in the election's order.

    ``papers`` are those of all districts.

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
    papers: tuple[BallotPaper, ...] = ()

    @property
    def districts(self) -> tuple[BallotPaper, ...]:
        """Every district with its ballot paper; none if each contest has a district of its own."""
        return self.papers if any(paper.contests != (paper.number,) for paper in self.papers) else ()

    @property
    def first(self) -> tuple[ContestReport, ...]:
        """The contests that come first on the ballot papers: each voter has one vote in one of them."""
        return tuple(contest for contest in self.contests if contest.position == 1)

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


def reported(
    contest_id: str, name: str, outcome: Outcome, count: Count, rules: AnyRules = DEFAULT, position: int = 1
) -> ContestReport:
    """A contest of any system; ``position`` is the contest's on the ballot paper."""
    if outcome.given is None:
        return replace(plurality(contest_id, name, outcome), position=position)
    shared = isinstance(rules, MixedRules) or (isinstance(rules, ListRules) and rules.level == "nationwide")
    tied = {key for tie in outcome.given.ties for key in tie.between} if outcome.undecided else set()
    if outcome.race.kind == "ranking":
        made = ranked(contest_id, name, outcome.given, count)
    else:
        made = replace(plurality(contest_id, name, outcome), elected=outcome.elected, ahead=None)
    return replace(
        made,
        valid=outcome.valid,
        invalid=outcome.counted - outcome.valid,
        over=outcome.over or outcome.race.unopposed,
        tied=tuple(contender for contender in outcome.race.contenders if contender.number in tied),
        position=position,
        shared=shared,
        unseated=outcome.given.unseated if outcome.over else (),
    )


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
