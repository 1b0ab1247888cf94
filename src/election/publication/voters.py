"""Publishes the voters and records where on the topic they begin and end."""

import json
from collections.abc import Callable

from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.reading import Offsets, bounds, partitions
from election.platform import Connection, Platform
from election.storage.ballots import AGE_GROUP_SQL
from election.storage.elections import election

# Voters with neighbouring numbers that share a partition.
_BLOCK = 1_000


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
        published = _publish(platform, connection, poll.election_no)
        if published != registered:
            raise StageFailed(
                f"{published:,} voters are stored but {registered:,} are registered. Clear the electorate's tasks "
                "(or run `election seed`) to complete the electorate, then publish again."
            )
        _, end = bounds(platform.kafka, topics.VOTERS)
        record_range(connection, poll.election_no, begin, end)
    log(f"{published:,} voters published.")
    return published


def _publish(platform: Platform, connection: Connection, election_no: int) -> int:
    producer = SafeProducer(platform.kafka)
    number = len(partitions(platform.kafka, topics.VOTERS))
    published = 0
    for voter, value in _records(connection, election_no):
        # Blocks of neighbours stay together, because casting stores sequential keys half as fast again as scattered ones.
        producer.produce(topics.VOTERS, value, b"%d/%d" % (election_no, voter), partition=voter // _BLOCK % number)
        published += 1
    producer.flush()
    return published


def _records(connection: Connection, election_no: int):  # type: ignore[no-untyped-def]
    """(voter number, message bytes), by voter number; Postgres writes the JSON, which costs a third of doing it here."""
    with connection.cursor(name="voters", binary=True) as cursor:
        cursor.itersize = 50_000
        cursor.execute(
            f"""SELECT voter_no, convert_to(format(
                    '{{"schema_version":{SCHEMA_VERSION},"election":%%s,"voter":%%s,"contest":%%s,"location":%%s,"gender":"%%s","age_group":"%%s"}}',
                    election_no, voter_no, contest_no, location_no, gender, {AGE_GROUP_SQL}), 'UTF8')
                FROM voters JOIN elections USING (election_no)
                WHERE election_no = %s ORDER BY election_no, voter_no""",
            [election_no],
        )
        yield from cursor


def record_range(connection: Connection, election_no: int, begin: Offsets, end: Offsets) -> None:
    """Notes between which offsets the election's voters are; this is what makes a publication complete."""
    connection.execute(
        "UPDATE elections SET voters_from = %s, voters_to = %s WHERE election_no = %s",
        [json.dumps(begin), json.dumps(end), election_no],
    )
