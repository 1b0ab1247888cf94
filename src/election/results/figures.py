"""The figures of a result, from where they are: the counted topics, or the frozen tables of a certified election."""

from dataclasses import dataclass
from typing import Any

from election.contracts import topics
from election.messaging.aggregates import folded
from election.platform import Connection, Platform


@dataclass(frozen=True)
class Standing:
    """A candidate of a contest, with the votes for them."""

    contest: int
    name: str
    party: str
    votes: int


@dataclass(frozen=True)
class Figures:
    """Standings by candidate number; ballots by contest number and ``valid`` or ``invalid``."""

    standings: dict[int, Standing]
    ballots: dict[tuple[int, str], int]


def counted(platform: Platform, election_no: int) -> Figures:
    """What the aggregated topics say; candidates without a vote come from ``candidates_topic``."""
    totals = folded(platform.kafka, election_no)
    found = totals.election(election_no)
    votes = {total.candidate: total.votes for total in found[topics.VOTES_PER_CANDIDATE]}
    return Figures(
        {
            number: Standing(c.contest, c.candidate_name, c.party, votes.get(number, 0))
            for number, c in totals.candidates[election_no].items()
        },
        {(total.contest, total.validity): total.votes for total in found[topics.BALLOTS_PER_CONTEST]},
    )


def certified(connection: Connection, election_no: int) -> Figures:
    """What was frozen when the election was certified."""
    standings = connection.execute(
        "SELECT candidate_no, contest_no, candidate, party, votes FROM certified_results WHERE election_no = %s",
        [election_no],
    )
    contests = connection.execute(
        "SELECT contest_no, valid, invalid FROM certified_contests WHERE election_no = %s", [election_no]
    )
    return Figures(
        {number: Standing(*standing) for number, *standing in standings},
        {(no, kind): n for no, *both in contests for kind, n in zip(("valid", "invalid"), both, strict=True)},
    )


def newest_decision(connection: Connection, election_no: int) -> dict[str, Any] | None:
    """``{"decision", "decided_by", "reason", "decided_at"}``, None before anybody decided."""
    row = connection.execute(
        """SELECT decision, decided_by, reason, decided_at FROM certifications
           WHERE election_no = %s ORDER BY certification_no DESC LIMIT 1""",
        [election_no],
    ).fetchone()
    if row is None:
        return None
    decision, decided_by, reason, decided_at = row
    return {"decision": decision, "decided_by": decided_by, "reason": reason, "decided_at": decided_at.isoformat()}
