"""An outcome as it is kept with a verdict, frozen with a certification and written to files."""

from collections.abc import Iterable
from typing import Any

from election.outcome.race import Outcome
from election.outcome.seats import seats


def record(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """``{"system", "contests", "seats"}``: JSON with every contest's elected candidates and seats by party.

    A contest has ``contest`` (its number), ``elected`` (in the order of election), ``tied`` (numbers of the first
    lines, when the first had equal votes) and ``undecided`` (the tie awaits its lot).
    """
    known = list(outcomes)
    return {
        "system": known[0].rules.system if known else "plurality",
        "contests": [_contest(outcome) for outcome in known],
        "seats": seats(known).by_party,
    }


def _contest(outcome: Outcome) -> dict[str, Any]:
    return {
        "contest": outcome.race.number,
        "elected": [
            {
                "lines": [line.number for line in elected.contender.lines],
                "name": elected.contender.name,
                "party": elected.contender.party,
                "parties": list(elected.contender.parties),
                "votes": elected.votes,
                "how": elected.how,
            }
            for elected in outcome.elected
        ],
        "tied": [standing.contender.number for standing in outcome.tie],
        "undecided": outcome.undecided,
    }
