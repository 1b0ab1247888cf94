"""An election's result from the counted topics."""

from collections import defaultdict
from typing import Any

from election.contracts import topics
from election.messaging.aggregates import folded
from election.platform import Platform
from election.storage.elections import election


def results(platform: Platform, slug: str) -> dict[str, Any]:
    """Totals by contest and candidate; candidates without a vote are included, the most voted come first.

    ``registered``, ``valid``, ``invalid``, ``abstained`` and ``votes`` are people and ballots. ``official`` is the
    scenario's figure in a replay, else None. Raises UnknownElection.
    """
    totals = folded(platform.kafka)
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
    counted = totals.election(poll.election_no)
    votes = {total.candidate: total.votes for total in counted[topics.VOTES_PER_CANDIDATE]}
    ballots = {(total.contest, total.validity): total.votes for total in counted[topics.BALLOTS_PER_CONTEST]}
    candidates: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for number, candidate in sorted(totals.candidates[poll.election_no].items()):
        candidates[candidate.contest].append(
            {
                "name": candidate.candidate_name,
                "party": candidate.party,
                "votes": votes.get(number, 0),
                "official": official.get(number),
            }
        )
    rows = [
        {
            "contest": contest_id,
            "name": name,
            "registered": registered,
            "valid": ballots.get((number, "valid"), 0),
            "invalid": ballots.get((number, "invalid"), 0),
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
        "registered": registered,
        "valid": valid,
        "invalid": invalid,
        "abstained": registered - valid - invalid,
        "contests": rows,
    }
