"""The expected totals of the aggregated topics, computed from the ``votes`` table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from election.contracts.ages import AGE_GROUP_SQL
from election.contracts.aggregates import AGGREGATES, Aggregate
from election.platform import Connection
from election.storage.elections import Election

# The aggregates are sums over these relations. Each reads the votes once and has few rows.
_SOURCES = {
    "choices": """
        SELECT contest_no AS contest, candidate_no AS candidate, party_abbreviation AS party,
               %(series)s::text AS series, minute, votes
        FROM (SELECT election_no, contest_no, candidate_no,
                     (extract(epoch FROM date_trunc('minute', cast_at)) * 1000)::bigint AS minute, count(*) AS votes
              FROM votes WHERE election_no = %(no)s GROUP BY 1, 2, 3, 4) AS cast_votes
        LEFT JOIN candidates USING (election_no, contest_no, candidate_no)""",
    "people": f"""
        SELECT location_no AS location, gender, age_group, count(*) AS votes
        FROM (SELECT location_no, gender, {AGE_GROUP_SQL} AS age_group
              FROM votes JOIN voters USING (election_no, voter_no) JOIN elections USING (election_no)
              WHERE election_no = %(no)s) AS voted
        GROUP BY 1, 2, 3""",
}


# The same relations, from stored ballots that Python has summed already.
_SUMMED = {
    "choices": """
        SELECT contest, candidate, party_abbreviation AS party, %(series)s::text AS series, minute, votes
        FROM unnest(%(contest)s::int[], %(candidate)s::int[], %(minute)s::bigint[], %(chosen)s::bigint[])
            AS summed(contest, candidate, minute, votes)
        LEFT JOIN candidates ON election_no = %(no)s AND contest_no = contest AND candidate_no = candidate""",
    "people": """
        SELECT location, gender, age_group, votes
        FROM unnest(%(location)s::int[], %(gender)s::text[], %(age_group)s::text[], %(voted)s::bigint[])
            AS summed(location, gender, age_group, votes)""",
}


@dataclass(frozen=True)
class Summed:
    """Numbers of stored ballots: by choice and minute (ms), and by place, gender and age group."""

    choices: Sequence[tuple[int, int | None, int, int]]
    people: Sequence[tuple[int, str, str, int]]


def expected_totals(connection: Connection, poll: Election, summed: Summed | None = None) -> dict[str, dict[str, int]]:
    """Ballots by topic and key; a key is the topic's Kafka key without its generation.

    Without ``summed`` Postgres reads the votes and the voters.
    """
    totals: dict[str, dict[str, int]] = {aggregate.topic: {} for aggregate in AGGREGATES}
    parameters: dict[str, object] = {"no": poll.election_no, "series": poll.series}
    if summed is not None:
        columns = [list(column) for part, width in ((summed.choices, 4), (summed.people, 4))
                   for column in (zip(*part, strict=True) if part else [()] * width)]  # fmt: skip
        names = ("contest", "candidate", "minute", "chosen", "location", "gender", "age_group", "voted")
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
    where = "WHERE candidate IS NOT NULL" if aggregate.valid_only else ""
    return f"""SELECT '{aggregate.topic}', array_to_string(ARRAY[{key}], '/', 'None') AS key, sum(votes)::bigint
               FROM {aggregate.source} {where} GROUP BY key"""
