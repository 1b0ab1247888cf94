"""An outcome as it is kept with a verdict, frozen with a certification and written to files."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from election.outcome.contenders import Contender
from election.outcome.election import ContestOutcome, ElectionOutcome, Range, Threshold
from election.outcome.race import Elected, Outcome, Race
from election.outcome.rules import AnyRules
from election.outcome.stages import Stage
from election.outcome.ties import Tie
from election.outcome.whole import Whole


def record(whole: Whole) -> dict[str, Any]:
    """``{"system", "contests", "seats", "total", "ties", "thresholds"}``: JSON with every contest's elected candidates.

    A contest has ``contest`` (its number), ``elected`` (in the order of election), ``tied`` (numbers of the first
    lines, when the first had equal votes), ``undecided`` (a tie awaits its lot), and where the system has them
    ``unseated``, ``quota`` and ``stages``. ``seats`` are by party; ``ties`` are those that await their lot.
    """
    decided = whole.decided
    return {
        "system": whole.rules.system,
        "contests": [
            _contest(outcome, contest) for outcome, contest in zip(whole.outcomes, decided.contests, strict=True)
        ],
        "seats": whole.seats.by_party,
        "total": decided.total,
        "ties": [
            {"contest": tie.contest, "step": tie.step, "between": list(tie.between), "chosen": tie.chosen}
            for tie in decided.ties
        ]
        if decided.over
        else [],
        "thresholds": [
            {"party": one.party, "votes": one.votes, "needed": one.needed, "of": one.of, "way": one.way}
            for one in decided.thresholds.values()
        ],
    }


def recorded(kept: Mapping[str, Any], races: Sequence[Race], rules: AnyRules) -> ElectionOutcome:
    """The outcome of a certified election from its ``record``."""
    by_number = {contest["contest"]: contest for contest in kept["contests"]}
    seats = {party: Range(number, number) for party, number in kept["seats"].items()}
    return ElectionOutcome(
        rules,
        tuple(_recorded(by_number[race.number], race) for race in races),
        kept["total"],
        over=True,
        ties=(),
        settled=(),
        ranges=seats,
        thresholds={
            one["party"]: Threshold(one["party"], one["votes"], one["needed"], one["of"], one["way"])
            for one in kept["thresholds"]
        },
    )


def stages_by_name(contest: ContestOutcome) -> list[dict[str, Any]]:
    """The stages of a count of rankings for files: votes by name with five decimals, who was elected and excluded."""
    name = {contender.number: contender.name for contender in contest.race.contenders}
    return [
        {
            "stage": stage.number,
            "votes": {name[number]: f"{votes:.5f}" for number, votes in stage.votes.items()},
            "elected": [name[number] for number in stage.elected],
            "excluded": [name[number] for number in stage.excluded],
            "not_transferable": f"{stage.not_transferable:.5f}",
        }
        for stage in contest.stages
    ]


def _contest(outcome: Outcome, contest: ContestOutcome) -> dict[str, Any]:
    kept = {
        "contest": outcome.race.number,
        "elected": [_elected(elected) for elected in outcome.elected],
        "tied": [standing.contender.number for standing in outcome.tie],
        "undecided": outcome.undecided,
    }
    if outcome.given is not None and outcome.over:
        kept["unseated"] = [_elected(elected) for elected in contest.unseated]
    if contest.stages and outcome.over:
        kept["quota"] = contest.quota
        kept["stages"] = [
            {
                "stage": stage.number,
                "votes": {str(number): f"{votes:.5f}" for number, votes in stage.votes.items()},
                "moved": stage.moved,
                "elected": list(stage.elected),
                "excluded": list(stage.excluded),
                "not_transferable": f"{stage.not_transferable:.5f}",
            }
            for stage in contest.stages
        ]
    return kept


def _elected(elected: Elected) -> dict[str, Any]:
    return {
        "lines": [line.number for line in elected.contender.lines],
        "name": elected.contender.name,
        "party": elected.contender.party,
        "parties": list(elected.contender.parties),
        "votes": elected.votes,
        "how": elected.how,
        "seats": elected.seats,
        "district": elected.district,
    }


def _recorded(kept: Mapping[str, Any], race: Race) -> ContestOutcome:
    standing = {contender.number: contender for contender in race.contenders}
    return ContestOutcome(
        race,
        tuple(_as_elected(one, standing) for one in kept["elected"]),
        tuple(_as_elected(one, standing) for one in kept.get("unseated", ())),
        tuple(
            Stage(
                stage["stage"],
                {int(number): Decimal(votes) for number, votes in stage["votes"].items()},
                stage["moved"],
                tuple(stage["elected"]),
                tuple(stage["excluded"]),
                Decimal(stage["not_transferable"]),
            )
            for stage in kept.get("stages", ())
        ),
        kept.get("quota"),
        tuple(Tie(race.number, "seat", tuple(kept["tied"]), 1) for _ in range(kept["undecided"])),
    )


def _as_elected(kept: Mapping[str, Any], standing: Mapping[int, Contender]) -> Elected:
    return Elected(standing[kept["lines"][0]], kept["votes"], kept["how"], kept["seats"], kept["district"])
