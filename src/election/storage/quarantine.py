"""The quarantined messages on ``votes_topic``: forged messages that the tally skips by a person's decision."""

from collections import defaultdict

from election.platform import Connection

Places = dict[int, set[int]]
"""Offsets by partition."""


def quarantined(connection: Connection, topic_id: str | None, election_no: int | None = None) -> Places:
    """The quarantined messages of the topic with that id, for all elections or for one.

    Empty if the tables are older than the quarantine.
    """
    if connection.execute("SELECT to_regclass('quarantined_messages')").fetchone() == (None,):
        return {}
    rows = connection.execute(
        """SELECT partition_no, offset_no FROM quarantined_messages
           WHERE topic_id = %(topic)s AND (%(no)s::int IS NULL OR election_no = %(no)s)""",
        {"topic": topic_id, "no": election_no},
    )
    found: Places = defaultdict(set)
    for partition, offset in rows:
        found[partition].add(offset)
    return dict(found)
