"""Rejects ballots from a feed that came after the last worker had ended."""

from collections.abc import Callable

from election.casting.worker import cast
from election.errors import StageFailed
from election.platform import Platform
from election.storage.elections import election


def reject_late(platform: Platform, slug: str, log: Callable[[str], None] = print) -> int:
    """Rejects the records that came on ``ballots_topic`` since the last worker or call ended; returns their number.

    Safe to repeat, also after certification. It does nothing for simulated voters, whose ballots are never late.
    Raises StageFailed while the poll is not closed.
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
