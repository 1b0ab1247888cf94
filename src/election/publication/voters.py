"""Publishes the voters and records where on the topic they begin and end."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

from election import nights
from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.reading import Offsets, bounds, partitions
from election.platform import Connection, Platform
from election.storage.ballots import AGE_GROUP_SQL
from election.storage.elections import Election, election

# Voters with neighbouring numbers that share a partition.
_BLOCK = 1_000
# Rows fetched at a time.
_FETCHED = 20_000


def publish_voters(platform: Platform, slug: str, log: Callable[[str], None] = print) -> int:
    """Publishes every voter of the election once more than never; returns how many were published.

    A publication that finished is not repeated. One that was cut off is begun again: casting reads the
    range of the one that finished, and a voter offered twice is a duplicate.
    Raises StageFailed when Postgres gave another number of voters than are registered.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        if poll.voters_to is not None:
            log(f"The voters of {slug} are on {topics.VOTERS} already.")
            return 0
        (registered,) = connection.execute(
            "SELECT sum(registered)::bigint FROM contests WHERE election_no = %s", [poll.election_no]
        ).fetchone() or (0,)
        _, begin = bounds(platform.kafka, topics.VOTERS)
        published = _publish(platform, connection, poll)
        if published != registered:
            raise StageFailed(
                f"{published:,} voters are stored but {registered:,} are registered. Clear the electorate's tasks "
                "(or run `election seed`) to complete the electorate, then publish again."
            )
        _, end = bounds(platform.kafka, topics.VOTERS)
        record_range(connection, poll.election_no, begin, end)
    log(f"{published:,} voters published.")
    return published


def _publish(platform: Platform, connection: Connection, poll: Election) -> int:
    producer = SafeProducer(platform.kafka)
    number = len(partitions(platform.kafka, topics.VOTERS))
    published = 0
    night = poll.parameters.get("night")
    for voter, value in _due(connection, poll, night) if night else _records(connection, poll):
        # Blocks of neighbours stay together: casting stores sequential keys half as fast again as scattered ones.
        # In a night they come scattered anyway, and every partition gets its share of each moment.
        partition = (published if night else voter // _BLOCK) % number
        producer.produce(topics.VOTERS, value, b"%d/%d" % (poll.election_no, voter), partition)
        published += 1
    producer.flush()
    return published


_MEMBERS = (
    f'"schema_version":{SCHEMA_VERSION},"election":%s,"voter":%s,"contest":%s,'
    '"location":%s,"gender":"%s","age_group":"%s"'
)
_VALUES = f"election_no, voter_no, contest_no, location_no, gender, {AGE_GROUP_SQL}"


def _records(connection: Connection, poll: Election) -> Iterator[tuple[int, bytes]]:
    """(voter number, message), by voter number; Postgres writes the JSON, which costs a third of doing it here."""
    return _rows(
        connection,
        """SELECT voter_no, convert_to(format(%s, {values}), 'UTF8')
           FROM voters JOIN elections USING (election_no)
           WHERE election_no = %s ORDER BY election_no, voter_no""",
        ["{" + _MEMBERS + "}", poll.election_no],
    )


def _due(connection: Connection, poll: Election, night: str) -> Iterator[tuple[int, bytes]]:
    """The same in the order in which voters are due in a night; Postgres sorts them, on disk when they are many."""
    contests = connection.execute(
        """SELECT contest_no, contest_id, declared_at, registered FROM contests
           WHERE election_no = %s ORDER BY contest_no""",
        [poll.election_no],
    ).fetchall()
    shares = nights.completions([(contest_id, declared) for _, contest_id, declared, _ in contests], poll.seed)
    arrivals = [
        nights.arrival(contest_id, registered, share, nights.seconds(night), poll.seed)
        for (_, contest_id, _, registered), share in zip(contests, shares, strict=True)
    ]
    return _rows(
        connection,
        """SELECT voter_no, convert_to(format(%s, {values}, due), 'UTF8')
           FROM voters JOIN elections USING (election_no) JOIN (
               SELECT contest_no, first_voter_no, registered, step, shift, ms
               FROM contests JOIN unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[])
                    AS arrival (contest_no, step, shift, ms) USING (contest_no) WHERE election_no = %s
           ) AS arrival USING (contest_no),
           LATERAL (SELECT ((voter_no - first_voter_no) * step + shift) %% registered AS place) AS place,
           LATERAL (SELECT (place + 1) * ms / registered AS due) AS due
           WHERE election_no = %s ORDER BY due, voter_no""",
        [
            "{" + _MEMBERS + ',"due":%s}',
            [contest_no for contest_no, *_ in contests],
            [a.step for a in arrivals],
            [a.shift for a in arrivals],
            [a.ms for a in arrivals],
            poll.election_no,
            poll.election_no,
        ],
    )


def _rows(connection: Connection, query: LiteralString, parameters: list[Any]) -> Iterator[tuple[int, bytes]]:
    """Postgres makes the next rows while the last ones are produced."""
    with ThreadPoolExecutor(1) as ahead, connection.cursor(name="voters", binary=True) as cursor:
        cursor.execute(query.replace("{values}", _VALUES), parameters)
        rows = cursor.fetchmany(_FETCHED)
        while rows:
            following = ahead.submit(cursor.fetchmany, _FETCHED)
            yield from rows
            rows = following.result()


def record_range(connection: Connection, election_no: int, begin: Offsets, end: Offsets) -> None:
    """Notes between which offsets the election's voters are; this is what makes a publication complete."""
    connection.execute(
        "UPDATE elections SET voters_from = %s, voters_to = %s WHERE election_no = %s",
        [json.dumps(begin), json.dumps(end), election_no],
    )
