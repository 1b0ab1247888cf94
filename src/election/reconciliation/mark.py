"""Marks how far a validation of an election came, so that the next one reads only what has changed since.

Rows of Postgres carry the transaction that wrote them (``xmin``). Its age shows which rows were written or changed
since, by any process. If older rows were changed or deleted, fewer of them are left. Topics only grow at their ends. If
``votes_topic`` begins later than before, messages were deleted.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from election.contracts import topics
from election.messaging.reading import Offsets, bounds, read, topic_id
from election.platform import Connection, Platform
from election.storage.elections import Election

_TABLES = ("votes", "voters", "candidates", "contests", "districts", "papers", "locations", "parties")
_GROWING = (topics.VOTES, *topics.AGGREGATES)


@dataclass(frozen=True)
class Mark:
    """All rows written before the transaction ``xid`` were checked; ``rows`` counts them by table.

    ``ends`` are the ends of topics, by topic and partition (as text, for JSON); ``topic`` is the id of ``votes_topic``,
    ``begins`` where it began. ``decides`` is what else ballots depend on: columns of the election, and the transaction
    that wrote its key.
    """

    open: bool
    xid: str
    rows: Mapping[str, int]
    ends: Mapping[str, Mapping[str, int]]
    topic: str | None
    begins: Mapping[str, int]
    decides: str

    def end(self, topic: str) -> Offsets:
        """The topic's end offsets."""
        return {int(partition): offset for partition, offset in self.ends[topic].items()}


@dataclass(frozen=True)
class Since:
    """The changes since a mark: ``changed`` are the tables with rows that were written since."""

    mark: Mark
    changed: frozenset[str]


def look_again(
    platform: Platform, connection: Connection, poll: Election, noted: Mapping[str, Any] | None
) -> tuple[dict[str, Any], frozenset[str] | None]:
    """Returns the mark of a validation that begins now, to be recorded, and the tables that changed since ``noted``.

    The second is None if everything must be checked: checked rows were changed or deleted, a topic was recreated or
    begins later, the poll was closed, what ballots depend on was changed, or the mark comes from another server or
    another version.
    """
    seen = Mark(**noted) if noted and noted.keys() == {field.name for field in fields(Mark)} else None
    xid, age = connection.execute(
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text, age(%s::text::xid)", [seen.xid if seen else None]
    ).fetchone() or ("", None)
    found = {topic: bounds(platform.kafka, topic, committed=True) for topic in _GROWING}
    ends = {topic: _by_partition(end) for topic, (_, end) in found.items()}
    rows = {table: _rows(connection, poll, table, xid, seen.xid if seen else xid) for table in _TABLES}
    before = {table: older for table, (older, _, _) in rows.items()}
    topic, begins = topic_id(platform.kafka, topics.VOTES), _by_partition(found[topics.VOTES][0])
    mark = Mark(poll.state == "open", xid, before, ends, topic, begins, _decides(platform, poll))
    stands = (
        seen is not None
        and (mark.open, mark.topic, mark.begins) == (seen.open, seen.topic, seen.begins)
        and mark.decides == seen.decides
        and (age or 0) >= 0
        and {table: known for table, (_, known, _) in rows.items()} == dict(seen.rows)
    )
    changed = frozenset(table for table, (_, known, every) in rows.items() if every > known)
    return asdict(mark), changed if stands else None


def counted_since(platform: Platform, poll: Election, seen: Mark) -> bool:
    """Whether a total of the election was written since the mark."""
    head = b"%d/" % poll.election_no
    return any(
        (message.key() or b"").startswith(head)
        for topic in topics.AGGREGATES
        for message in read(platform.kafka, topic, seen.end(topic))
    )


def _by_partition(offsets: Offsets) -> dict[str, int]:
    return {str(partition): offset for partition, offset in offsets.items()}


def _decides(platform: Platform, poll: Election) -> str:
    with platform.connect("auditor") as connection:  # which may see the key's row
        row = connection.execute("SELECT xmin::text FROM ballot_keys WHERE election_no = %s", [poll.election_no])
        return json.dumps([poll.series, poll.polling_day.isoformat(), poll.votes_from, row.fetchone()], sort_keys=True)


def _rows(connection: Connection, poll: Election, table: str, xid: str, seen: str) -> tuple[int, int, int]:
    """(rows older than ``xid``, rows older than ``seen``, all rows), in one pass."""
    row = connection.execute(
        f"""SELECT count(*) FILTER (WHERE age(xmin) > age(%s::text::xid)),
                   count(*) FILTER (WHERE age(xmin) > age(%s::text::xid)), count(*)
            FROM {table} WHERE election_no = %s""",
        [xid, seen, poll.election_no],
    ).fetchone()
    return row or (0, 0, 0)
