"""Which messages on ``votes_topic`` are quarantined: forged ones that a person has decided to leave out."""

from collections import defaultdict

from election.platform import Connection

Places = dict[int, set[int]]
"""Offsets by partition."""


def quarantined(connection: Connection, topic_id: str | None, election_no: int | None = None) -> Places:
    """The quarantined messages of the topic with that id, of all elections or of one.

    Empty for a platform whose tables are older than the quarantine.
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
