"""A result against the official one, as the scenario's own file says it: nothing of it comes from the database."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from election.scenarios import Contest

_NAMED = 50


def compared(found: dict[str, Any], contests: Sequence[Contest]) -> dict[str, Any]:
    """``found`` is what ``election.results.results`` answers, of an election of these contests of a replay.

    Every contest's registered voters, valid and invalid ballots and every candidate's total are compared; ``wrong``
    names the first that differ, one that is missing or too many included. Seats are by party.
    """
    official, counted = _official(contests), _counted(found)
    wrong = [
        f"{' '.join(key)}: {counted.get(key, 'nothing')} instead of {official.get(key, 'nothing')}"
        for key in sorted(official.keys() | counted.keys())
        if official.get(key) != counted.get(key)
    ]
    return {
        "valid": found["valid"],
        "invalid": found["invalid"],
        "official_valid": sum(contest.valid_votes or 0 for contest in contests),
        "contests_compared": len(contests),
        "totals_compared": sum(len(contest.candidates) for contest in contests),
        "wrong": wrong[:_NAMED],
        "seats": _seats(counted),
        "official_seats": _seats(official),
    }


_Key = tuple[str, ...]
"""A contest's id and what is counted: a figure's name, or a candidate and the party."""


def _official(contests: Sequence[Contest]) -> dict[_Key, int | None]:
    figures: dict[_Key, int | None] = {}
    for contest in contests:
        own = contest.contest_id
        figures |= {
            (own, "registered"): contest.electorate,
            (own, "valid"): contest.valid_votes,
            (own, "invalid"): contest.invalid_votes,
        }
        for c in contest.candidates:
            figures[own, f"{c.given_name} {c.family_name}", c.party_abbreviation] = c.votes
    return figures


def _counted(found: dict[str, Any]) -> dict[_Key, int | None]:
    figures: dict[_Key, int | None] = {}
    for contest in found["contests"]:
        own = contest["contest"]
        figures |= {(own, name): contest[name] for name in ("registered", "valid", "invalid")}
        figures |= {(own, c["name"], c["party"]): c["votes"] for c in contest["candidates"]}
    return figures


def _seats(figures: dict[_Key, int | None]) -> dict[str, int]:
    first: dict[str, tuple[int, str]] = {}
    for (contest, *rest), votes in figures.items():
        if len(rest) == 2:
            first[contest] = max(first.get(contest, (-1, "")), (votes or 0, rest[1]))
    return dict(Counter(party for _, party in first.values()).most_common())
