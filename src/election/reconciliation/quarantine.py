"""Quarantine: a person decides that the tally skips forged messages.

A message is forged when no ballot with its id is stored, or when the stored ballot has other content. The tally keeps
the first message of an id, which may be the forged one. Messages are therefore identified by their place on the topic.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import polars as pl
import psycopg
from numpy.typing import NDArray

from election.buckets import ID, content, loaded, named, records, spill
from election.contracts import topics
from election.errors import BadInput, StageFailed
from election.messaging.reading import Offsets, bounds, read_batches, topic_id
from election.messaging.rejected import refused_by_the_count
from election.platform import Connection, Platform
from election.reconciliation.contents import Contents, contents
from election.reconciliation.published import NOTHING, OTHER, Reader
from election.reconciliation.stored import stored_records
from election.storage.elections import Election, election, read_whole_elections
from election.storage.quarantine import quarantined

_SAID = 2  # words of a ballot's content
_FOUND = 5  # and its partition and offset, and whether it claims to belong to this election


@dataclass(frozen=True)
class Forged:
    """A forged message at its place on ``votes_topic``; ``ballot_id`` in hexadecimal."""

    partition_no: int
    offset_no: int
    ballot_id: str
    found: Literal["not stored", "other content"]

    def __str__(self) -> str:
        return f"{topics.VOTES}/{self.partition_no}/{self.offset_no}: ballot {self.ballot_id}, {self.found}"


def find_forged(platform: Platform, slug: str) -> list[Forged]:
    """The forged messages that claim to belong to the election, or have the id of one of its ballots, by their place.

    It leaves out messages that are quarantined already. Reads the topic from its beginning; memory holds one bucket of
    ballots and the forged messages. Raises UnknownElection.
    """
    scratch = platform.settings.var / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=scratch, prefix="quarantine-") as folder,
        platform.connect("auditor") as connection,
    ):
        read_whole_elections(connection)
        poll = election(connection, slug)
        # The topic's end comes first, because a vote is stored before it is published.
        _, end = bounds(platform.kafka, topics.VOTES, committed=True)
        known = contents(connection, poll)
        published = spill(Path(folder) / "published", _published(platform, connection, poll, known, end))
        stored = spill(Path(folder) / "stored", stored_records(connection, poll, known))
        found = [forged for files in zip(stored, published, strict=True) for forged in _forged(*files)]
    return sorted(found, key=lambda message: (message.partition_no, message.offset_no))


def quarantine(platform: Platform, slug: str, by: str, reason: str, forged: list[Forged]) -> int:
    """Records the decision and returns its number. It takes effect with the tally's next generation.

    Raises BadInput without a reason, and StageFailed with the database's message when it refuses.
    """
    if not reason.strip():
        raise BadInput(f"A quarantine in {slug} needs a reason. Say in a sentence what it rests on.")
    messages = json.dumps([asdict(message) for message in forged])
    try:
        with platform.connect("auditor") as connection:
            (number,) = connection.execute(
                "SELECT quarantine(%s, %s, %s, %s, %s)",
                [slug, by, reason.strip(), topic_id(platform.kafka, topics.VOTES), messages],
            ).fetchone() or (0,)
    except (psycopg.errors.RaiseException, psycopg.errors.UniqueViolation) as refusal:
        raise StageFailed(" ".join(filter(None, (refusal.diag.message_primary, refusal.diag.message_hint)))) from None
    return int(number)


def _published(
    platform: Platform, connection: Connection, poll: Election, known: Contents, end: Offsets
) -> Iterator[NDArray[Any]]:
    """Every message before ``end`` that the tally may count as a ballot, with its content and its place."""
    left_out = quarantined(connection, topic_id(platform.kafka, topics.VOTES))
    refused = refused_by_the_count(platform.kafka, poll.election_no)
    reader = Reader(known, lambda: refused)
    for batch in read_batches(platform.kafka, topics.VOTES, None, end):
        ids, codes, times, at = reader(batch)
        places = [(batch[i].partition() or 0, batch[i].offset() or 0) for i in at.tolist()]
        kept = np.array(
            [(p, o) not in refused and o not in left_out.get(p, ()) for p, o in places], bool
        )  # fmt: skip
        partitions, offsets = np.array(places, np.int64).reshape(-1, 2).T
        own = (codes != OTHER).astype(np.int64)
        yield records(ids, codes, times, partitions, offsets, own)[kept & (codes != NOTHING)]


def _forged(stored: Path, published: Path) -> Iterator[Forged]:
    said, partition, offset, own = content(_SAID), *content(_FOUND)[_SAID:]
    ours, messages = loaded(stored, _SAID), loaded(published, _FOUND)
    other = messages.join(ours, on=[*ID, *said], how="anti")
    known = other.join(ours, on=ID, how="semi").with_columns(known=pl.lit(True))
    unknown = other.join(ours, on=ID, how="anti").filter(pl.col(own) == 1).with_columns(known=pl.lit(False))
    found = pl.concat([known, unknown])
    places = found.select(partition, offset, "known").iter_rows()
    for ballot, (partition_no, offset_no, is_known) in zip(named(found.select(ID)), places, strict=True):
        yield Forged(partition_no, offset_no, ballot, "other content" if is_known else "not stored")
