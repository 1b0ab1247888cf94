"""Publishes an election's stored votes again, after a restore or for a recreated topic."""

import json
from collections.abc import Callable

from election.contracts import topics
from election.messaging.clients import SafeProducer
from election.messaging.reading import bounds
from election.platform import Connection, Platform
from election.storage.ballots import stored_votes
from election.storage.elections import Election, election, read_whole_elections

_LOG_BALLOTS = 1_000_000


def republish(platform: Platform, slug: str, log: Callable[[str], None] = print) -> int:
    """Publishes every stored ballot on ``votes_topic`` again, in constant memory; returns their number.

    The tally drops the ids that it has counted and counts the others.
    """
    producer, published = SafeProducer(platform.kafka), 0
    _, end = bounds(platform.kafka, topics.VOTES)
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        _begin_no_later(connection, poll, end)
        read_whole_elections(connection)
        for ballot_id, vote in stored_votes(connection, poll):
            producer.produce(topics.VOTES, vote, ballot_id)
            published += 1
            if published % _LOG_BALLOTS == 0:
                log(f"{published:,} ballots published again.")
    producer.flush()
    log(f"{published:,} ballots of {slug} are on {topics.VOTES} again.")
    return published


def _begin_no_later(connection: Connection, poll: Election, end: dict[int, int]) -> None:
    """Lowers ``votes_from`` to the topic's current end: a recreated topic begins at 0, before the recorded offsets."""
    begin = {str(p): min(offset, poll.votes_from.get(str(p), offset)) for p, offset in end.items()}
    connection.execute(
        "UPDATE elections SET votes_from = %s WHERE election_no = %s", [json.dumps(begin), poll.election_no]
    )
    connection.commit()
