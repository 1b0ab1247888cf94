"""What the platform states about an election's ballots, in the form in which ``verify.py`` compares it.

A part is ballots by name: ``choice`` CONTEST/LINE with line 0 for invalid ballots, ``contest``, ``location``,
``gender``, ``age_group``, and ``minute`` MINUTE/LINE or MINUTE/PARTY, in whole minutes since 1970-01-01 UTC.
"""

from collections import Counter
from typing import Any

from election.contracts import topics
from election.messaging.aggregates import folded
from election.platform import Connection, Platform
from election.storage.elections import Election

Parts = dict[str, dict[str, Any]]
_INVALID = 0


def counted(platform: Platform, poll: Election) -> Parts:
    """What the aggregated topics say."""
    found = folded(platform.kafka, poll.election_no).election(poll.election_no)
    choice: Counter[str] = Counter()
    contest: Counter[str] = Counter()
    minute: Counter[str] = Counter()
    for one in found[topics.VOTES_PER_CANDIDATE]:
        choice[f"{one.contest}/{one.candidate}"] += one.votes
    for one in found[topics.BALLOTS_PER_CONTEST]:
        contest[str(one.contest)] += one.votes
        if one.validity == "invalid":
            choice[f"{one.contest}/{_INVALID}"] += one.votes
    for one in found[topics.VOTES_PER_MINUTE]:
        minute[f"{one.minute // 60_000}/{one.member}"] += one.votes
    return {
        "choice": dict(choice),
        "contest": dict(contest),
        "location": {str(one.location): one.votes for one in found[topics.TURNOUT_BY_LOCATION]},
        "gender": {one.gender: one.votes for one in found[topics.TURNOUT_BY_GENDER]},
        "age_group": {one.age_group: one.votes for one in found[topics.TURNOUT_BY_AGE_GROUP]},
        "minute": dict(minute),
    }


def certified(connection: Connection, election_no: int) -> Parts:
    """What was frozen, with ``elected`` (how, by CONTEST/LINE), ``seats`` by party and the ``log``'s last head.

    Parts that an older version did not freeze are left out.
    """
    lines = connection.execute(
        "SELECT contest_no, candidate_no, votes FROM certified_results WHERE election_no = %s", [election_no]
    ).fetchall()
    contests = connection.execute(
        "SELECT contest_no, %s, invalid FROM certified_contests WHERE election_no = %s", [_INVALID, election_no]
    ).fetchall()
    elected = connection.execute(
        "SELECT contest_no, candidate_no, how FROM certified_elected WHERE election_no = %s", [election_no]
    ).fetchall()
    seats = connection.execute("SELECT party, seats FROM certified_seats WHERE election_no = %s", [election_no])
    size, root = connection.execute(
        "SELECT log_size, log_root FROM certifications WHERE election_no = %s AND decision = 'certified'", [election_no]
    ).fetchone() or (None, None)
    return {
        "choice": {f"{contest}/{line}": votes for contest, line, votes in (*lines, *contests)},
        **({"elected": {f"{contest}/{line}": how for contest, line, how in elected}} if elected else {}),
        **({"seats": dict(seats.fetchall())} if elected else {}),
        **({"log": {"size": size, "root": root.hex()}} if root is not None else {}),
    }


def official(connection: Connection, election_no: int) -> Parts:
    """The official figures that a replay must reach, as far as the scenario has them."""
    lines = connection.execute(
        """SELECT contest_no, candidate_no, official_votes FROM candidates JOIN contests USING (election_no, contest_no)
           WHERE election_no = %(no)s AND official_votes IS NOT NULL AND NOT unopposed
           UNION ALL
           SELECT contest_no, %(invalid)s, official_invalid FROM contests
           WHERE election_no = %(no)s AND official_invalid IS NOT NULL AND NOT unopposed""",
        {"no": election_no, "invalid": _INVALID},
    )
    return {"choice": {f"{contest}/{line}": votes for contest, line, votes in lines}}
