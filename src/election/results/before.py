"""A result against the election before, which the scenario names."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from election import scenarios
from election.errors import BadInput
from election.outcome.change import Change, Figures, Swing, change
from election.platform import Platform
from election.results.tables import results
from election.storage.elections import election


def compared(platform: Platform, slug: str, warn: Callable[[str], None]) -> dict[str, Any]:
    """What ``results`` gives, and ``before``: the comparison with the election before, None without one.

    A scenario that was broken since the election hides no result: ``warn`` gets the reason. Raises UnknownElection.
    """
    found = results(platform, slug)
    try:
        return found | {"before": against_before(platform, found)}
    except BadInput as error:
        warn(f"No comparison with the election before: {error}")
        return found | {"before": None}


def against_before(platform: Platform, found: dict[str, Any]) -> dict[str, Any] | None:
    """Gains, losses, swing and turnout of ``found`` (from ``results``); None if its scenario names no predecessor.

    ``net`` is seats more or fewer by party; ``swing`` and ``turnout`` are percentage points. A seat counts once its
    candidate is elected. Raises BadInput if the predecessor is not among the scenarios, cannot be read or has no
    official figures.
    """
    with platform.connect("reader") as connection:
        scenario = election(connection, found["election"]).scenario
    before = scenarios.earlier(platform.settings.scenarios, scenario)
    if before is None:
        return None
    made = change([_counted(row) for row in found["contests"]], before.contests)
    return {"scenario": before.scenario, "title": before.title, **_summary(made)}


def _counted(row: dict[str, Any]) -> Figures:
    votes: Counter[str] = Counter()
    for candidate in row["candidates"]:
        votes[candidate["party"]] += candidate["votes"]
    party = next((candidate["party"] for candidate in row["candidates"] if candidate["elected"]), None)
    registered = 0 if row["unopposed"] else row["registered"]
    return Figures(row["contest"], party, votes, row["valid"] + row["invalid"], registered)


def _summary(made: Change) -> dict[str, Any]:
    return {
        "net": made.net,
        "gained": dict(made.gained),
        "lost": dict(made.lost),
        "swing": _points(made.swing),
        "turnout": None if made.turnout is None else round(float(made.turnout) * 100, 2),
        "unmatched": list(made.unmatched),
        "contests": [
            {
                "contest": contest.contest_id,
                "before": contest.before,
                "now": contest.now,
                "gained": contest.gained,
                "swing": _points(contest.swing),
                "turnout": None if contest.turnout is None else round(float(contest.turnout) * 100, 2),
            }
            for contest in made.contests
        ],
    }


def _points(swing: Swing | None) -> dict[str, Any] | None:
    return None if swing is None else {"of": swing.of, "to": swing.to, "points": round(float(swing.share) * 100, 2)}
