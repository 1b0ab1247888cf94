"""Replays rejected records: after a fix they go through casting's loop again."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from election.casting.intake import Intake
from election.contracts.messages import RejectedRecord
from election.errors import StageFailed
from election.messaging.rejected import rejected, take_back
from election.platform import Platform
from election.storage.elections import election

# Small, because a rejected record may have a megabyte.
_BATCH = 100


@dataclass(frozen=True)
class Replayed:
    """``offered`` records were checked again; ``accepted`` of them are stored and published, the others rejected."""

    offered: int
    accepted: int


@dataclass(frozen=True)
class _Returned:
    """A rejected record with its original content and origin, so that it counts once even if it is replayed twice."""

    rejection: RejectedRecord

    def key(self) -> bytes | None:
        return _bytes(self.rejection.key)

    def value(self) -> bytes | None:
        return _bytes(self.rejection.value)

    def topic(self) -> str:
        return self.rejection.topic

    def partition(self) -> int:
        return self.rejection.partition

    def offset(self) -> int:
        return self.rejection.offset


def replay(platform: Platform, slug: str, log: Callable[[str], None] = print) -> Replayed:
    """Offers the records that casting rejected again, each as if it came now from its origin.

    Usable records are stored and published once and no longer count as rejected; the others are rejected again under
    their origin. It may die at any point and be run again, also beside casting workers.
    Raises StageFailed before the poll is open and after the election is certified.
    """
    with platform.connect("app") as connection:
        connection.autocommit = True
        poll = election(connection, slug)
        if poll.state in ("registered", "certified"):
            why = (
                f"its poll is not open yet. `election cast {slug}` opens it; put them back after that"
                if poll.state == "registered"
                else f"it is certified, and what is certified stays. `election rejected {slug}` lists them; a result "
                "that has to change needs an election registered under another slug"
            )
            raise StageFailed(f"The rejected records of {slug} cannot be put back: {why}.")
        intake = Intake(platform, connection, poll, again=True)
        records = (
            _Returned(record)
            for record in rejected(platform, poll.election_no, "casting")
            if record.topic == intake.source.topic and not _left_behind(record)
        )
        offered = accepted = 0
        for batch in _batches(records):
            taken = intake.take(batch)
            refused = {position for position, _ in taken.refused}
            for position, record in enumerate(batch):
                if position not in refused:
                    take_back(intake.producer, record.rejection)
            intake.producer.flush()
            offered += len(batch)
            accepted += len(batch) - len(refused)
    log(f"{offered:,} rejected records of {slug} offered again: {accepted:,} could be used.")
    return Replayed(offered, accepted)


def _batches(records: Iterator[_Returned]) -> Iterator[list[_Returned]]:
    while batch := list(islice(records, _BATCH)):
        yield batch


def _left_behind(record: RejectedRecord) -> bool:
    """Whether the record's bytes stayed at its origin. It is too large now and later, and there is nothing to offer."""
    return record.reason == "too_large" and record.value is None


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
