"""What the aggregated topics must say, computed from the votes table."""

from election.contracts import topics
from election.platform import Connection
from election.storage.ballots import AGE_GROUP_SQL
from election.storage.elections import Election


def expected_totals(connection: Connection, poll: Election) -> dict[str, dict[str, int]]:
    """Ballots by topic and key; a key is the topic's Kafka key without its generation."""
    no = poll.election_no
    by_choice = connection.execute(
        """SELECT v.contest_no, v.candidate_no, c.party_abbreviation, count(*)
           FROM votes v LEFT JOIN candidates c USING (election_no, contest_no, candidate_no)
           WHERE election_no = %s GROUP BY 1, 2, 3""",
        [no],
    ).fetchall()
    totals: dict[str, dict[str, int]] = {topic: {} for topic in topics.AGGREGATES}
    for contest, candidate, party, votes in by_choice:
        validity = "invalid" if candidate is None else "valid"
        _add(totals[topics.BALLOTS_PER_CONTEST], f"{no}/{contest}/{validity}", votes)
        if candidate is not None:
            _add(totals[topics.VOTES_PER_CANDIDATE], f"{no}/{contest}/{candidate}", votes)
            _add(totals[topics.VOTES_PER_PARTY], f"{no}/{party}", votes)
    _turnout(connection, no, totals)
    _minutes(connection, poll, totals[topics.VOTES_PER_MINUTE])
    return totals


def _turnout(connection: Connection, no: int, totals: dict[str, dict[str, int]]) -> None:
    rows = connection.execute(
        f"""SELECT location_no, gender, age_group, count(*)
            FROM (SELECT location_no, gender, {AGE_GROUP_SQL} AS age_group
                  FROM votes JOIN voters USING (election_no, voter_no) JOIN elections USING (election_no)
                  WHERE election_no = %s) AS voted
            GROUP BY 1, 2, 3""",
        [no],
    )
    for location, gender, age_group, votes in rows:
        _add(totals[topics.TURNOUT_BY_LOCATION], f"{no}/{location}", votes)
        _add(totals[topics.TURNOUT_BY_GENDER], f"{no}/{gender}", votes)
        _add(totals[topics.TURNOUT_BY_AGE_GROUP], f"{no}/{age_group}", votes)


def _minutes(connection: Connection, poll: Election, totals: dict[str, int]) -> None:
    rows = connection.execute(
        """SELECT (extract(epoch FROM date_trunc('minute', v.cast_at)) * 1000)::bigint,
                  CASE WHEN %(series)s = 'party' THEN c.party_abbreviation ELSE c.candidate_no::text END, count(*)
           FROM votes v JOIN candidates c USING (election_no, contest_no, candidate_no)
           WHERE election_no = %(no)s GROUP BY 1, 2""",
        {"no": poll.election_no, "series": poll.series},
    )
    for minute, member, votes in rows:
        _add(totals, f"{poll.election_no}/{minute}/{poll.series}/{member}", votes)


def _add(totals: dict[str, int], key: str, votes: int) -> None:
    totals[key] = totals.get(key, 0) + votes
