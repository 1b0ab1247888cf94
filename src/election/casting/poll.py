"""Opens and closes an election's poll."""

import json

from election.casting.range import Range, progress
from election.contracts import topics
from election.errors import BadInput, StageFailed
from election.messaging.reading import bounds
from election.platform import Connection, Platform
from election.storage.elections import Election, election, move


def open_poll(platform: Platform, slug: str, rate: float = 0) -> bool:
    """Opens the poll; False when it was open or closed before. Raises StageFailed before the voters are published.

    Raises BadInput if there is a ``rate`` although a night or a feed decides when ballots come.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        if rate and poll.ballots == "external":
            raise BadInput(
                f"rate and ballots=external exclude each other: the feed of {slug} sets the pace. Leave the rate out."
            )
        if rate and (night := poll.parameters.get("night")):
            raise BadInput(
                f"rate and night exclude each other: {slug} replays its night in {night}, which says when voters come. "
                "Leave the rate out."
            )
        if poll.voters_to is None:
            raise StageFailed(
                f"The voters of {slug} are not published yet: `election publish {slug}` comes before casting."
            )
        moved = move(connection, poll.election_no, "open")
        if moved and poll.ballots == "external":
            _note(connection, poll, "ballots_open", platform)
        return moved


def close_poll(platform: Platform, slug: str) -> bool:
    """Closes the poll; False when it was closed before.

    With simulated voters, it raises StageFailed with the number of remaining voters until each was offered the ballot.
    With ballots from a feed, it closes at once: ballots on the topic are taken in, later ones are late.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        if poll.state not in ("registered", "open"):
            return False
        if poll.ballots == "simulated":
            _require_done(platform, poll)
        connection.execute("ANALYZE votes")
        moved = move(connection, poll.election_no, "closed")
        if moved and poll.ballots == "external":
            # No worker stores a ballot while the state changes, so no ballot beyond these offsets is stored.
            _note(connection, poll, "ballots_to", platform)
        return moved


def _require_done(platform: Platform, poll: Election) -> None:
    ((done, total),) = progress(platform.kafka, [Range.of(poll)])
    if done < total:
        raise StageFailed(
            f"{total - done:,} of {total:,} voters' records of {poll.slug} are not cast yet. "
            f"Clear the casting tasks, or run `election cast {poll.slug}`: it goes on where it stopped."
        )


def _note(connection: Connection, poll: Election, column: str, platform: Platform) -> None:
    _, end = bounds(platform.kafka, topics.BALLOTS)
    connection.execute(
        f"UPDATE elections SET {column} = %s WHERE election_no = %s", [json.dumps(end), poll.election_no]
    )
