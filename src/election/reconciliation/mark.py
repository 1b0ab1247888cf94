"""Marks how far a validation of an election came, so that the next one reads only what has changed since.

Rows of Postgres carry the transaction that wrote them (``xmin``). Its age shows which rows were written or changed
since, by any process. If older rows were changed or deleted, fewer of them are left. Topics only grow.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from election.contracts import topics
from election.messaging.reading import Offsets, bounds, read, topic_id
from election.platform import Connection, Platform
from election.storage.elections import Election

_TABLES = ("votes", "voters", "candidates", "contests")
_GROWING = (topics.VOTES, *topics.AGGREGATES)


@dataclass(frozen=True)
class Mark:
    """All rows written before the transaction ``xid`` were checked; ``rows`` counts them by table.

    ``ends`` are the ends of topics, by topic and partition (as text, for JSON); ``topic`` is the id of ``votes_topic``.
    """

    open: bool
    xid: str
    rows: Mapping[str, int]
    ends: Mapping[str, Mapping[str, int]]
    topic: str | None

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

    The second is None if everything must be checked: checked rows were changed or deleted, a topic was recreated, the
    poll was closed, or the mark comes from another server.
    """
    seen = Mark(**noted) if noted else None
    xid, age = connection.execute(
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text, age(%s::text::xid)", [seen.xid if seen else None]
    ).fetchone() or ("", None)
    ends = {
        topic: {str(p): at for p, at in bounds(platform.kafka, topic, committed=True)[1].items()} for topic in _GROWING
    }
    rows = {table: _rows(connection, poll, table, xid, seen.xid if seen else xid) for table in _TABLES}
    before = {table: older for table, (older, _, _) in rows.items()}
    mark = Mark(poll.state == "open", xid, before, ends, topic_id(platform.kafka, topics.VOTES))
    stands = (
        seen is not None
        and (mark.open, mark.topic) == (seen.open, seen.topic)
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


def _rows(connection: Connection, poll: Election, table: str, xid: str, seen: str) -> tuple[int, int, int]:
    """(rows older than ``xid``, rows older than ``seen``, all rows), in one pass."""
    row = connection.execute(
        f"""SELECT count(*) FILTER (WHERE age(xmin) > age(%s::text::xid)),
                   count(*) FILTER (WHERE age(xmin) > age(%s::text::xid)), count(*)
            FROM {table} WHERE election_no = %s""",
        [xid, seen, poll.election_no],
    ).fetchone()
    return row or (0, 0, 0)
