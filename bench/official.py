"""A result against the official one, as the scenario's own file says it: nothing of it comes from the database."""

from collections.abc import Sequence
from typing import Any

from election.outcome import Line, Outcome, Race, contenders, decide, decide_whole
from election.scenarios import Contest, Scenario
from election.scenarios.official import official

_NAMED = 50


def compared(found: dict[str, Any], scenario: Scenario) -> dict[str, Any]:
    """``found`` is what ``election.results.results`` answers, of an election of this scenario, a replay.

    Every contest's registered voters, valid and invalid votes and who is elected, and every candidate's total are
    compared; ``wrong`` names the first that differ, one that is missing or too many included. Seats are by party.
    """
    races, count = official(scenario)
    whole, contests = decide_whole(races, count, scenario.system), scenario.contests
    expected, counted = _official(contests, whole.outcomes), _counted(found)
    wrong = [
        f"{' '.join(key)}: {counted.get(key, 'nothing')} instead of {expected.get(key, 'nothing')}"
        for key in sorted(expected.keys() | counted.keys())
        if expected.get(key) != counted.get(key)
    ]
    return {
        "valid": found["valid"],
        "invalid": found["invalid"],
        "official_valid": sum(contest.valid_votes or 0 for contest in contests),
        "contests_compared": len(contests),
        "totals_compared": sum(len(contest.candidates) for contest in contests),
        "wrong": wrong[:_NAMED],
        "seats": found["seats"],
        "official_seats": whole.seats.by_party,
    }


def outcome(number: int, contest: Contest) -> Outcome:
    """The outcome of a contest by the official votes in the scenario's file; lines are numbered from 1."""
    lines = [
        Line(
            position,
            number,
            c.name,
            c.party_abbreviation,
            c.party,
            c.votes,
            c.candidate_id,
            c.kind,
        )
        for position, c in enumerate(contest.candidates, 1)
    ]
    race = Race(number, contenders(lines), contest.electorate, contest.unopposed)
    votes = {line.number: line.official or 0 for line in lines}
    return decide(race, votes, invalid=contest.invalid_votes or 0, over=True)


_Key = tuple[str, ...]
"""A contest's id and what is compared: a figure's name, or a candidate and the party."""


def _official(contests: Sequence[Contest], outcomes: Sequence[Outcome]) -> dict[_Key, int | str | None]:
    figures: dict[_Key, int | str | None] = {}
    for contest, decided in zip(contests, outcomes, strict=True):
        own = contest.contest_id
        figures |= {
            (own, "registered"): contest.electorate,
            (own, "valid"): contest.valid_votes,
            (own, "invalid"): contest.invalid_votes,
            (own, "elected"): ", ".join(elected.contender.name for elected in decided.elected),
        }
        for c in contest.candidates:
            figures[own, c.name, c.party_abbreviation] = c.votes
    return figures


def _counted(found: dict[str, Any]) -> dict[_Key, int | str | None]:
    figures: dict[_Key, int | str | None] = {}
    for contest in found["contests"]:
        own = contest["contest"]
        figures |= {(own, name): contest[name] for name in ("registered", "valid", "invalid")}
        figures[own, "elected"] = ", ".join(contest["elected"])
        figures |= {(own, c["name"], c["party"]): c["votes"] for c in contest["candidates"]}
    return figures
