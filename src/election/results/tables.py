"""An election's result: what is certified, before that what is counted."""

from collections import defaultdict
from typing import Any

from election.platform import Platform
from election.results.figures import certified, counted, newest_decision
from election.storage.elections import election


def results(platform: Platform, slug: str) -> dict[str, Any]:
    """Totals by contest and candidate; candidates without a vote are included, the most voted come first.

    ``registered``, ``valid``, ``invalid``, ``abstained`` and ``votes`` are people and ballots. ``official`` is the
    scenario's figure in a replay, else None. ``decision`` is the certification or refusal, None before there is one.
    The figures are the frozen ones once certified, so no topic is read. Raises UnknownElection.
    """
    with platform.connect("reader") as connection:
        poll = election(connection, slug)
        contests = connection.execute(
            """SELECT contest_no, contest_id, name, registered, official_valid, official_invalid
               FROM contests WHERE election_no = %s ORDER BY contest_no""",
            [poll.election_no],
        ).fetchall()
        official: dict[int, int | None] = dict(
            connection.execute(
                "SELECT candidate_no, official_votes FROM candidates WHERE election_no = %s", [poll.election_no]
            ).fetchall()
        )
        frozen = certified(connection, poll.election_no) if poll.state == "certified" else None
        decision = newest_decision(connection, poll.election_no)
    figures = frozen or counted(platform, poll.election_no)
    candidates: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for number, standing in sorted(figures.standings.items()):
        candidates[standing.contest].append(
            {
                "name": standing.name,
                "party": standing.party,
                "votes": standing.votes,
                "official": official.get(number),
            }
        )
    rows = [
        {
            "contest": contest_id,
            "name": name,
            "registered": registered,
            "valid": figures.ballots.get((number, "valid"), 0),
            "invalid": figures.ballots.get((number, "invalid"), 0),
            "official_valid": official_valid,
            "official_invalid": official_invalid,
            "candidates": sorted(candidates[number], key=lambda candidate: -candidate["votes"]),
        }
        for number, contest_id, name, registered, official_valid, official_invalid in contests
    ]
    registered, valid, invalid = (sum(row[figure] for row in rows) for figure in ("registered", "valid", "invalid"))
    return {
        "election": slug,
        "name": poll.name,
        "status": poll.state,
        "decision": decision,
        "registered": registered,
        "valid": valid,
        "invalid": invalid,
        "abstained": registered - valid - invalid,
        "contests": rows,
    }
