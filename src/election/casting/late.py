"""Ballots from outside that came after the last worker had ended."""

from collections.abc import Callable

from election.casting.worker import cast
from election.errors import StageFailed
from election.platform import Platform
from election.storage.elections import election


def reject_late(platform: Platform, slug: str, log: Callable[[str], None] = print) -> int:
    """Rejects what came on ``ballots_topic`` since the last worker ended, or the last call; returns how many records.

    Safe to repeat, also once the election is certified. Of simulated voters nothing comes late, so there it does
    nothing. Raises StageFailed while the poll is not closed.
    """
    with platform.connect("reader") as connection:
        poll = election(connection, slug)
    if poll.ballots == "simulated":
        return 0
    if poll.state in ("registered", "open"):
        raise StageFailed(
            f"The poll of {slug} is not closed: `election close {slug}` says from when on a ballot is late."
        )
    return cast(platform, slug, log=log).rejected
