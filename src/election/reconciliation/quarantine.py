"""Quarantine: a person decides that the count leaves forged messages out.

A message is forged when no ballot of its id is stored, or when the stored ballot says something else: the count keeps
the first message of an id, and that may be the forged one. Messages are therefore known by their place on the topic.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import psycopg

from election.buckets import PAIR, Pair, spill
from election.contracts import topics
from election.contracts.messages import Decoder, Unusable, VoteMessage, encode
from election.errors import BadInput, StageFailed
from election.messaging.reading import read, topic_id
from election.messaging.rejected import rejected
from election.platform import Connection, Platform
from election.reconciliation.ballots import ID_BYTES, NO_VOTE, digest, stored_pairs
from election.storage.elections import Election, election, read_whole_elections
from election.storage.quarantine import quarantined

_MESSAGE = np.dtype([("id", "V16"), ("digest", "V8"), ("partition", ">i4"), ("offset", ">i8"), ("own", "u1")])


@dataclass(frozen=True)
class Forged:
    """A message at its place on ``votes_topic``; ``ballot_id`` in hexadecimal."""

    partition_no: int
    offset_no: int
    ballot_id: str
    found: Literal["not stored", "other content"]

    def __str__(self) -> str:
        return f"{topics.VOTES}/{self.partition_no}/{self.offset_no}: ballot {self.ballot_id}, {self.found}"


def find_forged(platform: Platform, slug: str) -> list[Forged]:
    """The forged messages that claim to be of the election, or have the id of one of its ballots, by their place.

    Those that are quarantined already are left out. Reads the topic from its beginning; memory holds one bucket of
    ballots and what is found. Raises UnknownElection.
    """
    scratch = platform.settings.var / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=scratch, prefix="quarantine-") as folder,
        platform.connect("auditor") as connection,
    ):
        read_whole_elections(connection)
        poll = election(connection, slug)
        # First the topic: a ballot is stored before it is published.
        published = spill(Path(folder) / "published", _published(platform, connection, poll))
        connection.commit()
        read_whole_elections(connection)
        stored = spill(Path(folder) / "stored", stored_pairs(connection, poll))
        found = [forged for files in zip(stored, published, strict=True) for forged in _forged(*files)]
    return sorted(found, key=lambda message: (message.partition_no, message.offset_no))


def quarantine(platform: Platform, slug: str, by: str, reason: str, forged: list[Forged]) -> int:
    """Records the decision and returns its number. It holds from the next generation of the count on.

    Raises BadInput without a reason, StageFailed with what the database says when it refuses.
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


def _published(platform: Platform, connection: Connection, poll: Election) -> Iterator[Pair]:
    """Every message that the count may take for a ballot, with what it says of this election."""
    decode = Decoder(VoteMessage, topics.MAX_RECORD_BYTES)
    known = quarantined(connection, topic_id(platform.kafka, topics.VOTES))
    of_this_election = re.compile(rb'"election"\s*:\s*%d\b' % poll.election_no)
    refused = {(record.partition, record.offset) for record in rejected(platform, poll.election_no, "count")}
    for message in read(platform.kafka, topics.VOTES):
        key, value = message.key() or b"", message.value() or b""
        place = message.partition() or 0, message.offset() or 0
        if len(key) != ID_BYTES or place in refused or place[1] in known.get(place[0], ()):
            continue
        try:
            vote = decode(value)
        except Unusable:  # the count's parser is less strict
            own, said = of_this_election.search(value) is not None, NO_VOTE
        else:
            if vote.ballot_id != key.hex():
                continue  # the count rejects it
            own = vote.election == poll.election_no
            said = digest(encode(vote)) if own else NO_VOTE
        yield key, said + pack(">iqB", *place, own)


def _forged(stored: Path, published: Path) -> Iterator[Forged]:
    ours, messages = np.fromfile(stored, PAIR), np.fromfile(published, _MESSAGE)
    said = np.ascontiguousarray(messages[["id", "digest"]].astype(PAIR)).view("V24")
    known = np.isin(messages["id"], ours["id"])
    forged = ~np.isin(said, ours.view("V24")) & (known | (messages["own"] == 1))
    for message, is_known in zip(messages[forged], known[forged], strict=True):
        yield Forged(
            int(message["partition"]),
            int(message["offset"]),
            message["id"].tobytes().hex(),
            "other content" if is_known else "not stored",
        )
