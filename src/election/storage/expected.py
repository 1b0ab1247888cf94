"""The expected totals of the aggregated topics, computed from the ``votes`` table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from election.contracts.ages import AGE_GROUP_SQL
from election.contracts.aggregates import AGGREGATES, CONDITIONS, Aggregate
from election.platform import Connection
from election.storage.elections import Election

# The district of a voter, by the voters' numbers; much cheaper than a join with millions of voters.
DISTRICT_SQL = """(SELECT array_agg(district_no ORDER BY first_voter_no) FROM districts WHERE election_no = %(no)s)
    [width_bucket(voter_no, (SELECT array_agg(first_voter_no ORDER BY first_voter_no) FROM districts
                             WHERE election_no = %(no)s))]"""

# The aggregates are sums over these relations. Each reads the votes once and has few rows.
_SOURCES = {
    "choices": f"""
        SELECT district, contest_no AS contest, position, candidate_no AS candidate,
               array_to_string(ranking, ',') AS ranking, party_abbreviation AS party, %(series)s::text AS series,
               minute, votes
        FROM (SELECT election_no, {DISTRICT_SQL} AS district, contest_no, position, candidate_no, ranking,
                     (extract(epoch FROM date_trunc('minute', cast_at)) * 1000)::bigint AS minute, count(*) AS votes
              FROM votes WHERE election_no = %(no)s GROUP BY 1, 2, 3, 4, 5, 6, 7) AS cast_votes
        LEFT JOIN candidates USING (election_no, contest_no, candidate_no)""",
    "people": f"""
        SELECT location_no AS location, gender, age_group, 1 AS position, count(*) AS votes
        FROM (SELECT location_no, gender, {AGE_GROUP_SQL} AS age_group
              FROM votes JOIN voters USING (election_no, voter_no) JOIN elections USING (election_no)
              WHERE election_no = %(no)s AND position = 1) AS voted
        GROUP BY 1, 2, 3""",
}


# The same relations, from stored ballots that Python has summed already.
_SUMMED = {
    "choices": """
        SELECT district, contest, summed.position, candidate, ranking, party_abbreviation AS party,
               %(series)s::text AS series, minute, votes
        FROM unnest(%(district)s::int[], %(contest)s::int[], %(position)s::int[], %(candidate)s::int[],
                    %(ranking)s::text[], %(minute)s::bigint[], %(chosen)s::bigint[])
            AS summed(district, contest, position, candidate, ranking, minute, votes)
        LEFT JOIN candidates ON election_no = %(no)s AND contest_no = contest AND candidate_no = candidate""",
    "people": """
        SELECT location, gender, age_group, 1 AS position, votes
        FROM unnest(%(location)s::int[], %(gender)s::text[], %(age_group)s::text[], %(voted)s::bigint[])
            AS summed(location, gender, age_group, votes)""",
}


@dataclass(frozen=True)
class Summed:
    """Numbers of stored votes by choice and minute (ms), and of ballots by place, gender and age group.

    A choice is district, contest, position, candidate (None: invalid) and ranking (a text as in "3,1,2", or None).
    """

    choices: Sequence[tuple[int, int, int, int | None, str | None, int, int]]
    people: Sequence[tuple[int, str, str, int]]


def expected_totals(connection: Connection, poll: Election, summed: Summed | None = None) -> dict[str, dict[str, int]]:
    """Ballots by topic and key; a key is the topic's Kafka key without its generation.

    Without ``summed`` Postgres reads the votes and the voters.
    """
    totals: dict[str, dict[str, int]] = {aggregate.topic: {} for aggregate in AGGREGATES}
    parameters: dict[str, object] = {"no": poll.election_no, "series": poll.series}
    if summed is not None:
        columns = [list(column) for part, width in ((summed.choices, 7), (summed.people, 4))
                   for column in (zip(*part, strict=True) if part else [()] * width)]  # fmt: skip
        names = ("district", "contest", "position", "candidate", "ranking", "minute", "chosen",
                 "location", "gender", "age_group", "voted")  # fmt: skip
        parameters |= dict(zip(names, columns, strict=True))
    query = expected_sql(_SOURCES if summed is None else _SUMMED)
    for topic, key, votes in connection.execute(query, parameters):
        totals[topic][f"{poll.election_no}/{key}"] = votes
    return totals


def expected_sql(relations: Mapping[str, str] = _SOURCES) -> str:
    """A query for one election. Its rows are topic, key (without election and generation) and ballots.

    Its parameters are ``no``, the election's number, and ``series``, the key of votes per minute.
    """
    sources = ", ".join(f"{name} AS MATERIALIZED ({sql})" for name, sql in relations.items())
    return f"WITH {sources} " + " UNION ALL ".join(map(_totals, AGGREGATES))


def _totals(aggregate: Aggregate) -> str:
    key = ", ".join(f"({part.stored})::text" for part in aggregate.key)
    return f"""SELECT '{aggregate.topic}', array_to_string(ARRAY[{key}], '/', 'None') AS key, sum(votes)::bigint
               FROM {aggregate.source} WHERE {CONDITIONS[aggregate.of]} GROUP BY key"""
