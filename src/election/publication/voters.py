"""Publishes the voters and records where on the topic they begin and end."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from election import nights
from election.contracts import topics
from election.contracts.ages import BY_BIRTH, bounds_of_births
from election.contracts.messages import SCHEMA_VERSION, Gender
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.reading import Offsets, bounds, partitions
from election.platform import Connection, Platform
from election.storage.columns import columns
from election.storage.elections import Election, election

# Voters with neighbouring numbers that share a partition, at most; and the blocks a partition gets where they are few.
_BLOCK = 10_000
_BLOCKS = 16
_GENDERS = pa.array(get_args(Gender))
# By gender, then by age group; minors are in none, and are not registered.
_PEOPLE = pa.array(
    b',"gender":"%b","age_group":"%b"' % (gender.encode(), group.encode())
    for gender in get_args(Gender)
    for group in (*BY_BIRTH, "")
)


def publish_voters(platform: Platform, slug: str, log: Callable[[str], None] = print) -> int:
    """Publishes every voter of the election at least once; returns how many were published.

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
            "SELECT sum(registered)::bigint FROM districts WHERE election_no = %s", [poll.election_no]
        ).fetchone() or (0,)
        _, begin = bounds(platform.kafka, topics.VOTERS)
        published = _publish(platform, connection, poll, registered)
        if published != registered:
            raise StageFailed(
                f"{published:,} voters are stored but {registered:,} are registered. Clear the electorate's tasks "
                "(or run `election seed`) to complete the electorate, then publish again."
            )
        _, end = bounds(platform.kafka, topics.VOTERS)
        record_range(connection, poll.election_no, begin, end)
    log(f"{published:,} voters published.")
    return published


def _publish(platform: Platform, connection: Connection, poll: Election, registered: int) -> int:
    # Batches that wait a little longer are fewer and larger, which spares the broker more than it costs.
    producer = SafeProducer(platform.kafka, **{"linger.ms": 50})
    number = len(partitions(platform.kafka, topics.VOTERS))
    block = min(_BLOCK, max(1, registered // (_BLOCKS * number)))
    night = poll.parameters.get("night")
    published = 0
    for voters in _due(connection, poll, night) if night else _voters(connection, poll):
        # Blocks of neighbours stay together: casting stores sequential keys half as fast again as scattered ones.
        # In a night they come scattered anyway, and every partition gets its share of each moment.
        place = np.arange(published, published + len(voters)) if night else voters["voter_no"].to_numpy() // block
        numbers = _text(voters["voter_no"])
        values, keys = _messages(voters, numbers, poll), _joined(b"%d/" % poll.election_no, numbers)
        producer.produce_all(
            topics.VOTERS, zip(values.to_pylist(), keys.to_pylist(), (place % number).tolist(), strict=True)
        )
        published += len(voters)
    producer.flush()
    return published


def _messages(voters: pa.RecordBatch, numbers: pa.Array, poll: Election) -> pa.Array:
    """The JSON of each voter, made a column at a time; ``numbers`` are theirs, as text."""
    parts = [b'{"schema_version":%d,"election":%d,"voter":' % (SCHEMA_VERSION, poll.election_no), numbers]
    parts += [b',"district":', _text(voters["district_no"]), b',"location":', _text(voters["location_no"])]
    parts += [_people(voters, poll)]
    if "due" in voters.schema.names:
        parts += [b',"due":', _text(voters["due"])]
    return _joined(*parts, b"}")


def _people(voters: pa.RecordBatch, poll: Election) -> pa.Array:
    """Each voter's gender and age group as in a message: one of a few prepared texts."""
    bounds = np.array(bounds_of_births(poll.polling_day), "datetime64[D]")
    group = np.searchsorted(bounds, voters["date_of_birth"].to_numpy(zero_copy_only=False), "right")
    gender = pc.index_in(voters["gender"], _GENDERS).to_numpy()
    return _PEOPLE.take(pa.array(gender * (1 + len(BY_BIRTH)) + group))


def _text(numbers: pa.Array) -> pa.Array:
    return numbers.cast(pa.string()).cast(pa.binary())


def _joined(*parts: bytes | pa.Array) -> pa.Array:
    """Each row's parts, one after the other, as bytes."""
    columns = [pa.scalar(part) if isinstance(part, bytes) else part for part in parts]
    return pc.binary_join_element_wise(*columns, pa.scalar(b""))


def _voters(connection: Connection, poll: Election) -> Iterator[pa.RecordBatch]:
    """By voter number."""
    return columns(
        connection,
        """SELECT voter_no, district_no, location_no, gender, date_of_birth FROM voters
           WHERE election_no = current_setting('query.election')::int ORDER BY election_no, voter_no""",
        {"election": poll.election_no},
    )


def _due(connection: Connection, poll: Election, night: str) -> Iterator[pa.RecordBatch]:
    """In the order in which voters are due in a night; Postgres sorts them, on disk when they are many.

    The declaration of the first contest on a district's ballot paper decides when its voters are due.
    """
    districts = connection.execute(
        """SELECT district_no, district_id, declared_at, districts.registered, polling_day IS NOT NULL
           FROM districts LEFT JOIN papers USING (election_no, district_no)
           LEFT JOIN contests USING (election_no, contest_no)
           WHERE election_no = %s AND coalesce(position, 1) = 1 ORDER BY district_no""",
        [poll.election_no],
    ).fetchall()
    shares = nights.completions(
        [(district_id, declared) for _, district_id, declared, _, _ in districts],
        poll.seed,
        {district_id for _, district_id, _, _, polls_later in districts if polls_later},
    )
    arrivals = [
        {"district_no": district_no}
        | asdict(nights.arrival(district_id, registered, share, nights.seconds(night), poll.seed))
        for (district_no, district_id, _, registered, _), share in zip(districts, shares, strict=True)
    ]
    return columns(
        connection,
        """SELECT voter_no, district_no, location_no, gender, date_of_birth, due
           FROM voters JOIN (
               SELECT election_no, district_no, first_voter_no, registered, step, shift, ms
               FROM districts JOIN json_to_recordset(current_setting('query.arrivals')::json)
                    AS arrival (district_no int, step bigint, shift bigint, ms bigint) USING (district_no)
           ) AS arrival USING (election_no, district_no),
           LATERAL (SELECT ((voter_no - first_voter_no) * step + shift) % registered AS place) AS place,
           LATERAL (SELECT (place + 1) * ms / registered AS due) AS due
           WHERE election_no = current_setting('query.election')::int ORDER BY due, voter_no""",
        {"election": poll.election_no, "arrivals": json.dumps(arrivals)},
    )


def record_range(connection: Connection, election_no: int, begin: Offsets, end: Offsets) -> None:
    """Notes between which offsets the election's voters are; this is what makes a publication complete."""
    connection.execute(
        "UPDATE elections SET voters_from = %s, voters_to = %s WHERE election_no = %s",
        [json.dumps(begin), json.dumps(end), election_no],
    )
