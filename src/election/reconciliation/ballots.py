"""Compares the ballots on ``votes_topic`` with those stored, one by one, in constant memory.

Both sides are reduced to (ballot id, digest of the whole content). Offsets prove nothing, and sums hide two errors
that cancel out; this names each ballot.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from election.buckets import Bucket, Pair, compared, spill
from election.contracts import topics
from election.contracts.messages import Decoder, Unusable, VoteMessage, encode
from election.messaging.reading import read, topic_id
from election.messaging.rejected import rejected
from election.platform import Connection, Platform
from election.storage.ballots import stored_votes
from election.storage.elections import Election
from election.storage.quarantine import Places, quarantined

_NAMED = 20  # of each kind


@dataclass(frozen=True)
class Comparison:
    """Ballot ids in hexadecimal, the first of each kind; ``differing`` is how many there are in all.

    ``published`` and ``stored`` are distinct ballots, ``duplicates`` messages offered more than once. ``quarantined``
    messages were left out by a person's decision.
    """

    stored: int
    published: int
    duplicates: int
    missing: tuple[str, ...]
    forged: tuple[str, ...]
    altered: tuple[str, ...]
    differing: int
    quarantined: int = 0


def compare_ballots(platform: Platform, connection: Connection, poll: Election, *, ever: bool = False) -> Comparison:
    """Every ballot of the election on the topic against every one stored.

    ``ever`` reads the topic from its beginning: whoever forges may do so before the election is registered.
    """
    scratch = platform.settings.var / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="reconcile-") as folder:
        ours = spill(Path(folder) / "stored", stored_pairs(connection, poll))
        left_out = quarantined(connection, topic_id(platform.kafka, topics.VOTES), poll.election_no)
        theirs = spill(Path(folder) / "published", _published(platform, poll, ever, left_out))
        return replace(_summed(compared(ours, theirs)), quarantined=sum(map(len, left_out.values())))


def stored_pairs(connection: Connection, poll: Election) -> Iterator[Pair]:
    """(id, digest of the message) of every stored ballot."""
    for own, vote in stored_votes(connection, poll):
        yield own, digest(vote)


def _published(platform: Platform, poll: Election, ever: bool, left_out: Places) -> Iterator[Pair]:
    decode = Decoder(VoteMessage, topics.MAX_RECORD_BYTES)
    begin = {} if ever else {int(partition): offset for partition, offset in poll.votes_from.items()}
    of_this_election = re.compile(rb'"election"\s*:\s*%d\b' % poll.election_no)
    rejected_by_the_count: set[tuple[int, int]] | None = None
    for message in read(platform.kafka, topics.VOTES, begin):
        if left_out and message.offset() in left_out.get(message.partition() or 0, ()):
            continue
        try:
            vote = decode(message.value())
        except Unusable:
            own = message.key() or b""
            if len(own) == ID_BYTES and of_this_election.search(message.value() or b""):
                # Spark's parser is less strict: unless the count rejected it too, it is in the totals, and no ballot.
                if rejected_by_the_count is None:
                    records = rejected(platform, poll.election_no, "count")
                    rejected_by_the_count = {(record.partition, record.offset) for record in records}
                if (message.partition(), message.offset()) not in rejected_by_the_count:
                    yield own, NO_VOTE
            continue
        own = bytes.fromhex(vote.ballot_id)
        if vote.election == poll.election_no and message.key() == own:
            # Encoded anew, so that only a different content differs, not another spelling of it.
            yield own, digest(encode(vote))


ID_BYTES = 16
NO_VOTE = bytes(8)
"""In the place of a digest, for what cannot be read as a vote."""


def digest(vote: bytes) -> bytes:
    return blake2b(vote, digest_size=8).digest()


def _summed(buckets: Iterator[Bucket]) -> Comparison:
    stored = published = duplicates = differing = 0
    missing: list[str] = []
    forged: list[str] = []
    altered: list[str] = []
    for bucket in buckets:
        stored += bucket.stored
        published += bucket.published
        duplicates += bucket.duplicates
        for found, named in ((bucket.missing, missing), (bucket.unknown, forged), (bucket.altered, altered)):
            differing += len(found)
            named.extend(bytes(i).hex() for i in found[: _NAMED - len(named)].tolist())
    return Comparison(stored, published, duplicates, tuple(missing), tuple(forged), tuple(altered), differing)
