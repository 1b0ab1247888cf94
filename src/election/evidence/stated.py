"""What the platform states about an election's ballots, in the form in which ``verify.py`` compares it.

A part is votes or ballots by name: ``choice`` CONTEST/LINE with line 0 for invalid votes, ``contest``, ``location``,
``gender``, ``age_group``, and ``minute`` in whole minutes since 1970-01-01 UTC: MINUTE/LINE, or MINUTE/PARTY and
MINUTE/POSITION/PARTY for contests from position 2. Where voters of several districts choose in a contest there is
``paper`` DISTRICT/CONTEST/LINE, and where they rank ``ranking`` CONTEST/LINE,LINE.
"""

from collections import Counter
from typing import Any

from election.contracts import topics
from election.evidence.entries import EntryForm
from election.messaging.aggregates import folded
from election.platform import Connection, Platform
from election.storage.elections import Election

Parts = dict[str, dict[str, Any]]
_INVALID = 0


def counted(platform: Platform, poll: Election, form: EntryForm) -> Parts:
    """What the aggregated topics say."""
    found = folded(platform.kafka, poll.election_no).election(poll.election_no)
    choice: Counter[str] = Counter()
    contest: Counter[str] = Counter()
    minute: Counter[str] = Counter()
    paper: Counter[str] = Counter()
    ranking: Counter[str] = Counter()
    for one in found[topics.VOTES_PER_CANDIDATE]:
        choice[f"{one.contest}/{one.candidate}"] += one.votes
        paper[f"{one.district}/{one.contest}/{one.candidate}"] += one.votes
    for one in found[topics.BALLOTS_PER_CONTEST]:
        contest[str(one.contest)] += one.votes
        if one.validity == "invalid":
            choice[f"{one.contest}/{_INVALID}"] += one.votes
            paper[f"{one.district}/{one.contest}/{_INVALID}"] += one.votes
    for one in found[topics.VOTES_PER_MINUTE]:
        place = f"{one.position}/" if one.series == "party" and one.position > 1 else ""
        minute[f"{one.minute // 60_000}/{place}{one.member}"] += one.votes
    for one in found[topics.VOTES_PER_RANKING]:
        ranking[f"{one.contest}/{one.ranking}"] += one.votes
    return {
        "choice": dict(choice),
        "contest": dict(contest),
        "location": {str(one.location): one.votes for one in found[topics.TURNOUT_BY_LOCATION]},
        "gender": {one.gender: one.votes for one in found[topics.TURNOUT_BY_GENDER]},
        "age_group": {one.age_group: one.votes for one in found[topics.TURNOUT_BY_AGE_GROUP]},
        "minute": dict(minute),
        **({"paper": dict(paper)} if form.district else {}),
        **({"ranking": dict(ranking)} if form.preferences else {}),
    }


def certified(connection: Connection, election_no: int, form: EntryForm) -> Parts:
    """What was frozen, with ``elected`` (how, by CONTEST/LINE), ``seats`` by party and the ``log``'s last head.

    Of a list and of electors ``elected`` says how many seats, and DISTRICT follows where a contest's seats are divided.

    Parts that an older version did not freeze are left out.
    """
    lines = connection.execute(
        "SELECT contest_no, candidate_no, votes FROM certified_results WHERE election_no = %s", [election_no]
    ).fetchall()
    contests = connection.execute(
        "SELECT contest_no, %s, invalid FROM certified_contests WHERE election_no = %s", [_INVALID, election_no]
    ).fetchall()
    elected = connection.execute(
        """SELECT concat_ws('/', contest_no, candidate_no, nullif(district, '')),
                  how || CASE WHEN seats > 1 THEN ', ' || seats || ' seats' ELSE '' END
           FROM certified_elected WHERE election_no = %s""",
        [election_no],
    ).fetchall()
    seats = connection.execute("SELECT party, seats FROM certified_seats WHERE election_no = %s", [election_no])
    papers = connection.execute(
        """SELECT concat_ws('/', district_no, contest_no, coalesce(candidate_no, %s)), votes
           FROM public_certified_district_results WHERE election_no = %s""",
        [_INVALID, election_no],
    )
    size, root = connection.execute(
        "SELECT log_size, log_root FROM certifications WHERE election_no = %s AND decision = 'certified'", [election_no]
    ).fetchone() or (None, None)
    return {
        "choice": {f"{contest}/{line}": votes for contest, line, votes in (*lines, *contests)},
        **({"paper": dict(papers.fetchall())} if form.district else {}),
        **({"elected": dict(elected)} if elected else {}),
        **({"seats": dict(seats.fetchall())} if elected else {}),
        **({"log": {"size": size, "root": root.hex()}} if root is not None else {}),
    }


def official(connection: Connection, election_no: int, form: EntryForm) -> Parts:
    """The official figures that a replay must reach, as far as the scenario has them."""
    choice: Counter[str] = Counter()
    paper: dict[str, int] = {}
    for district, contest, line, votes in connection.execute(
        """SELECT district_no, contest_no, coalesce(candidate_no, %(invalid)s), votes
           FROM official_results JOIN contests USING (election_no, contest_no)
           WHERE election_no = %(no)s AND NOT unopposed""",
        {"no": election_no, "invalid": _INVALID},
    ):
        choice[f"{contest}/{line}"] += votes
        paper[f"{district}/{contest}/{line}"] = votes
    rankings = connection.execute(
        """SELECT contest_no || '/' || array_to_string(ranking, ','), sum(votes)::bigint FROM official_rankings
           WHERE election_no = %s GROUP BY 1""",
        [election_no],
    )
    return {
        "choice": dict(choice),
        **({"paper": paper} if form.district else {}),
        **({"ranking": dict(rankings.fetchall())} if form.preferences else {}),
    }
