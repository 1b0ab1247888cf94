"""Opens and closes an election's poll."""

from election.casting.range import VotersRange
from election.errors import StageFailed
from election.platform import Platform
from election.storage.elections import election, move


def open_poll(platform: Platform, slug: str) -> bool:
    """Opens the poll; False when it was open or closed before. Raises StageFailed before the voters are published."""
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        if poll.voters_to is None:
            raise StageFailed(
                f"The voters of {slug} are not published yet: `election publish {slug}` comes before casting."
            )
        return move(connection, poll.election_no, "open")


def close_poll(platform: Platform, slug: str) -> bool:
    """Closes the poll once every published voter was offered the ballot; False when it was closed before.

    Raises StageFailed with the number of voters still waiting.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        if poll.state not in ("registered", "open"):
            return False
        done, total = VotersRange.of(poll).progress(platform.kafka)
        if done < total:
            raise StageFailed(
                f"{total - done:,} of {total:,} voters' records of {slug} are not cast yet. "
                f"Clear the casting tasks, or run `election cast {slug}`: it goes on where it stopped."
            )
        connection.execute("ANALYZE votes")
        return move(connection, poll.election_no, "closed")
