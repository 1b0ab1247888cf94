"""An election's result: what is certified, before that what is counted."""

from typing import Any

from election.contracts.public import Decision
from election.outcome import Outcome, seats
from election.platform import Platform
from election.results.decided import decided
from election.results.documents import recorded


def results(platform: Platform, slug: str) -> dict[str, Any]:
    """Totals by contest and candidate; candidates without a vote are included, the most voted come first.

    ``registered``, ``valid``, ``invalid``, ``abstained`` and ``votes`` are people and ballots; ``entitled`` are those
    registered where a poll is held. ``official`` is the scenario's figure in a replay, else None. ``decision`` is the
    certification or refusal, None before there is one. ``elected`` are names, empty while the count goes on and where
    the seat is vacant; ``how`` says ``votes``, ``unopposed`` or ``lot``. ``seats`` of the whole are by party.
    ``documents`` are the recorded SHA-256 of a certified result's documents by their format.
    The figures are the frozen ones once certified, so no topic is read. Raises UnknownElection.
    """
    made = decided(platform, slug)
    ballots = made.figures.ballots
    rows = [
        {
            "contest": contest_id,
            "name": name,
            "registered": registered,
            "valid": ballots.get((outcome.race.number, "valid"), 0),
            "invalid": ballots.get((outcome.race.number, "invalid"), 0),
            "official_valid": official_valid,
            "official_invalid": official_invalid,
            "unopposed": unopposed,
            **_outcome(outcome),
        }
        for outcome, (contest_id, name, registered, official_valid, official_invalid, unopposed) in zip(
            made.outcomes, made.contests, strict=True
        )
    ]
    registered, valid, invalid = (sum(row[figure] for row in rows) for figure in ("registered", "valid", "invalid"))
    entitled = sum(row["registered"] for row in rows if not row["unopposed"])
    return {
        "election": slug,
        "name": made.poll.name,
        "status": made.poll.state,
        "decision": _decision(made.decision) if made.decision else None,
        "documents": {form: digest.hex() for form, digest in recorded(platform, made.poll.election_no).items()},
        "system": made.rules.system,
        "registered": registered,
        "entitled": entitled,
        "valid": valid,
        "invalid": invalid,
        "abstained": registered - valid - invalid,
        "seats": seats(made.outcomes).by_party if made.over else {},
        "contests": rows,
    }


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
    return {
        "seats": outcome.race.seats,
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
