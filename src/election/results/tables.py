"""An election's result: what is certified, before that what is counted."""

from typing import Any

from election.contracts.public import Decision
from election.outcome import Outcome, RankedRules, Whole, stages_by_name
from election.platform import Platform
from election.results.decided import decided
from election.results.documents import recorded


def results(platform: Platform, slug: str) -> dict[str, Any]:
    """Totals by contest and candidate; candidates without a vote are included, the most voted come first.

    ``registered``, ``valid``, ``invalid``, ``abstained`` and ``votes`` are people and votes, of the whole by the first
    vote on each ballot paper; ``entitled`` are those registered where a poll is held. ``official`` is the scenario's
    figure in a replay, else None. ``decision`` is the certification or refusal, None before there is one. ``elected``
    are names, empty while the count goes on and where the seat is vacant; ``how`` says ``votes``, ``unopposed`` or
    ``lot``. ``seats`` of the whole are by party. ``thresholds`` and ``stages`` (of rankings, by contest) are there
    where the system has them. ``documents`` are the recorded SHA-256 of a certified result's documents by their format.
    The figures are the frozen ones once certified, so no topic is read. Raises UnknownElection.
    """
    made = decided(platform, slug)
    whole, decided_contests = made.whole, made.whole.decided.contests
    rows = [
        {
            "contest": contest.contest_id,
            "name": contest.name,
            "position": contest.position,
            "kind": outcome.race.kind,
            "registered": contest.registered,
            "valid": made.figures.valid.get(outcome.race.number, 0),
            "invalid": made.figures.count.invalid.get(outcome.race.number, 0),
            "official_valid": contest.official_valid,
            "official_invalid": contest.official_invalid,
            "unopposed": contest.unopposed,
            **_outcome(outcome),
        }
        for outcome, contest in zip(whole.outcomes, made.contests, strict=True)
    ]
    first = [row for row in rows if row["position"] == 1]
    registered, valid, invalid = (sum(row[figure] for row in first) for figure in ("registered", "valid", "invalid"))
    entitled = sum(row["registered"] for row in first if not row["unopposed"])
    staged = {
        row["contest"]: stages_by_name(contest)
        for row, contest in zip(rows, decided_contests, strict=True)
        if contest.stages
    }
    return {
        "election": slug,
        "name": made.poll.name,
        "status": made.poll.state,
        "decision": _decision(made.decision) if made.decision else None,
        "documents": {form: digest.hex() for form, digest in recorded(platform, made.poll.election_no).items()},
        "system": whole.rules.system,
        "registered": registered,
        "entitled": entitled,
        "valid": valid,
        "invalid": invalid,
        "abstained": registered - valid - invalid,
        "seats": whole.seats.by_party if made.over else {},
        **({"thresholds": _thresholds(whole)} if whole.decided.thresholds else {}),
        **({"stages": staged if made.over else {}} if isinstance(whole.rules, RankedRules) else {}),
        "contests": rows,
    }


def _thresholds(whole: Whole) -> list[dict[str, Any]]:
    """What each party needs for seats, and how it passes; most votes first."""
    return [
        {"party": one.party, "votes": one.votes, "needed": one.needed, "of": one.of, "way": one.way}
        for one in sorted(whole.decided.thresholds.values(), key=lambda one: (-one.votes, one.party))
    ]


def _decision(made: Decision) -> dict[str, str]:
    return {
        "decision": made.decision,
        "decided_by": made.decided_by,
        "reason": made.reason,
        "decided_at": made.decided_at.isoformat(),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    """Who is elected, and every line of every candidate; those of one candidate follow each other."""
    won = {elected.contender.number for elected in outcome.elected}
    unseated = outcome.given.unseated if outcome.given is not None and outcome.over else ()
    return {
        "seats": outcome.race.seats,
        **({"unseated": [elected.contender.name for elected in unseated]} if unseated else {}),
        **(
            {"seats_of": {e.contender.name: e.seats for e in outcome.elected}}
            if outcome.race.kind == "lists" or any(elected.seats > 1 for elected in outcome.elected)
            else {}
        ),
        "elected": [elected.contender.name for elected in outcome.elected],
        "how": outcome.elected[0].how if outcome.elected else None,
        "tied": [standing.contender.name for standing in outcome.tie],
        "standings": [
            {
                "name": standing.contender.name,
                "parties": list(standing.contender.parties),
                "kind": standing.contender.kind,
                "votes": standing.votes,
                "official": standing.contender.official,
                "place": standing.place,
            }
            for standing in outcome.standings
        ],
        "candidates": [
            {
                "name": line.name,
                "party": line.party,
                "votes": votes,
                "official": line.official,
                "candidate_id": line.candidate_id,
                "kind": line.kind,
                "elected": standing.contender.number in won,
            }
            for standing in outcome.standings
            for line, votes in zip(standing.contender.lines, standing.by_line, strict=True)
        ],
    }
