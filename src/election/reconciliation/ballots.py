"""Compares the ballots on ``votes_topic`` with those stored, one by one, in constant memory.

Both sides are reduced to (ballot id, digest of the whole content) and spilled into buckets on disk by the
ballot id's first byte; a bucket of one side then meets the same bucket of the other. Offsets prove nothing,
and sums hide two errors that cancel out; this names each ballot.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from election.contracts import topics
from election.contracts.messages import Decoder, Unusable, VoteMessage, encode
from election.messaging.reading import read
from election.platform import Connection, Platform
from election.storage.ballots import stored_votes
from election.storage.elections import Election

_BUCKETS = 64
_FLUSH_BYTES = 256 * 1024
_NAMED = 20  # of each kind
_PAIR = np.dtype([("id", "V16"), ("digest", "V8")])
Pair = tuple[bytes, bytes]


@dataclass(frozen=True)
class Comparison:
    """Ballot ids in hexadecimal, the first of each kind; ``differing`` is how many there are in all.

    ``published`` and ``stored`` are distinct ballots, ``duplicates`` messages offered more than once.
    """

    stored: int
    published: int
    duplicates: int
    missing: tuple[str, ...]
    forged: tuple[str, ...]
    altered: tuple[str, ...]
    differing: int


def compare_ballots(platform: Platform, connection: Connection, poll: Election) -> Comparison:
    """Every ballot of the election on the topic against every one stored."""
    scratch = platform.settings.var / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="reconcile-") as folder:
        ours = _spill(Path(folder) / "stored", _stored(connection, poll))
        theirs = _spill(Path(folder) / "published", _published(platform, poll))
        return _compare(ours, theirs)


def _stored(connection: Connection, poll: Election) -> Iterator[Pair]:
    for own, vote in stored_votes(connection, poll):
        yield own, _digest(vote)


def _published(platform: Platform, poll: Election) -> Iterator[Pair]:
    decode = Decoder(VoteMessage)
    begin = {int(partition): offset for partition, offset in poll.votes_from.items()}
    for message in read(platform.kafka, topics.VOTES, begin):
        try:
            vote = decode(message.value())
        except Unusable:
            continue  # the count rejects it, and so it is no ballot
        own = bytes.fromhex(vote.ballot_id)
        if vote.election == poll.election_no and message.key() == own:
            # Encoded anew, so that only a different content differs, not another spelling of it.
            yield own, _digest(encode(vote))


def _digest(vote: bytes) -> bytes:
    return blake2b(vote, digest_size=8).digest()


def _spill(folder: Path, pairs: Iterator[Pair]) -> list[Path]:
    folder.mkdir()
    files = [folder / str(bucket) for bucket in range(_BUCKETS)]
    handles = [file.open("wb", buffering=_FLUSH_BYTES) for file in files]
    writes = [handle.write for handle in handles]
    try:
        for own, digest in pairs:
            writes[own[0] % _BUCKETS](own + digest)
    finally:
        for handle in handles:
            handle.close()
    return files


def _compare(ours: list[Path], theirs: list[Path]) -> Comparison:
    stored = published = duplicates = differing = 0
    missing: list[str] = []
    forged: list[str] = []
    altered: list[str] = []
    for mine, yours in zip(ours, theirs, strict=True):
        database, offered = np.fromfile(mine, _PAIR), np.fromfile(yours, _PAIR)
        topic = np.unique(offered.view("V24")).view(_PAIR)
        stored += len(database)
        duplicates += len(offered) - len(topic)
        ids = np.unique(topic["id"])
        published += len(ids)
        lost = np.setdiff1d(database["id"], ids)
        unknown = np.setdiff1d(ids, database["id"])
        other = np.setdiff1d(topic.view("V24"), database.view("V24")).view(_PAIR)["id"]
        changed = np.setdiff1d(other, unknown)
        for found, named in ((lost, missing), (unknown, forged), (changed, altered)):
            differing += len(found)
            named.extend(bytes(i).hex() for i in found[: _NAMED - len(named)].tolist())
    return Comparison(stored, published, duplicates, tuple(missing), tuple(forged), tuple(altered), differing)
