"""The progress of elections whose poll is open."""

from dataclasses import dataclass
from datetime import UTC, datetime

from election import nights
from election.casting.range import Range, progress
from election.platform import Platform
from election.storage.elections import Election, elections


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` records are cast; ``rate`` is records per second since the poll opened.

    ``remaining_s`` is None if unknown: no record is cast yet, or ballots are external.
    """

    election: str
    done: int
    total: int
    rate: float
    remaining_s: float | None


def open_polls(platform: Platform, most: int | None = None) -> list[Progress]:
    """The progress of every election whose poll is open, or the ``most`` newest of them, newest first.

    Empty before the first is prepared.
    """
    with platform.connect("reader") as connection:
        (prepared,) = connection.execute("SELECT to_regclass('elections') IS NOT NULL").fetchone() or (False,)
        polls = elections(connection) if prepared else []
    # A poll may be opened by hand before its voters are published. It must not hide the progress of the others.
    polls = [poll for poll in polls if poll.state == "open" and poll.voters_to is not None][:most]
    found = progress(platform.kafka, [Range.of(poll) for poll in polls])
    return [_progress(poll, done, total) for poll, (done, total) in zip(polls, found, strict=True)]


def _progress(poll: Election, done: int, total: int) -> Progress:
    seconds = (datetime.now(UTC) - poll.opened_at).total_seconds() if poll.opened_at else 0.0
    rate = done / seconds if seconds > 0 else 0.0
    remaining = (total - done) / rate if rate and poll.ballots == "simulated" else None
    if night := poll.parameters.get("night"):
        remaining = max(nights.seconds(night) - seconds, 0.0)
    return Progress(poll.slug, done, total, round(rate, 1), None if remaining is None else round(remaining, 1))
