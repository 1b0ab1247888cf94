"""Rejected records in rounds: which ones ``rejected_topic`` held of an election, and in which order, by their digests.

Bytes stay on the topic, where they may be anybody's. A round is a row of ``rejection_rounds``, and so in the journal.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from struct import Struct
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from psycopg.types.json import Jsonb

from election.contracts import topics
from election.contracts.messages import Decoder, RejectedRecord, Unusable
from election.messaging.reading import Offsets, bounds, read, topic_id
from election.platform import Connection, Platform
from election.storage.elections import Election

ROUND_RECORDS = 65_536
"""A round ends after so many records of whichever election: at most five megabytes of digests."""
TAKEN_BACK = bytes(32)
"""In place of a value's digest: the record under this key counts as rejected no more."""
_FORM = Struct(">IQ32s32s")


class Digest(NamedTuple):
    """A rejected record by its place and the SHA-256 of its key and of its value; 76 bytes, big endian."""

    partition: int
    offset: int
    key: bytes
    value: bytes


class Rejections:
    """Seals an election's rejected records. An object remembers how far it has read, also where nothing was sealed."""

    def __init__(self, platform: Platform, poll: Election) -> None:
        self._platform, self._poll = platform, poll
        self._topic, self._read = "", Offsets()

    def seal(self, connection: Connection) -> None:
        """Adds rounds with what is new. Raises psycopg.errors.UniqueViolation when another process sealed meanwhile."""
        topic = topic_id(self._platform.kafka, topics.REJECTED)
        if topic is None:
            return
        number, known, begin = self._last(connection)
        begin = begin if known == topic else {}
        if topic != self._topic:
            self._topic, self._read = topic, {}
        first, last = bounds(self._platform.kafka, topics.REJECTED, committed=True)
        begin = {partition: begin.get(partition, first[partition]) for partition in last}
        start = {partition: max(begin[partition], self._read.get(partition, 0)) for partition in last}
        if start == last:
            return
        for digests, end in _rounds(self._platform, self._poll.election_no, start, last):
            if digests:
                number += 1
                connection.execute(
                    """INSERT INTO rejection_rounds (election_no, round_no, topic_id, offsets_from, offsets_to, records,
                                                     digests)
                       VALUES (%s, %s, %s, %s, %s, %s, %b)""",
                    [
                        self._poll.election_no,
                        number,
                        topic,
                        Jsonb(begin),
                        Jsonb(end),
                        len(digests),
                        b"".join(_FORM.pack(*one) for one in digests),
                    ],
                )
                begin = end
            self._read = end

    def _last(self, connection: Connection) -> tuple[int, str, Offsets]:
        row = connection.execute(
            """SELECT round_no, topic_id, offsets_to FROM rejection_rounds
               WHERE election_no = %s ORDER BY round_no DESC LIMIT 1""",
            [self._poll.election_no],
        ).fetchone()
        return (row[0], row[1], {int(p): offset for p, offset in row[2].items()}) if row else (0, "", {})


def check_rejections(platform: Platform, connection: Connection, poll: Election) -> list[str]:
    """A sentence for each sealed record that is changed or gone, though no later one under its key replaced it."""
    topic = topic_id(platform.kafka, topics.REJECTED)
    if topic is None:
        return []
    with connection.cursor(name="rejections") as cursor:
        cursor.itersize = 1
        cursor.execute(
            "SELECT digests FROM rejection_rounds WHERE election_no = %s AND topic_id = %s ORDER BY round_no",
            [poll.election_no, topic],
        )
        sealed = (digest for (digests,) in cursor for digest in map(Digest._make, _FORM.iter_unpack(digests)))
        first, end = bounds(platform.kafka, topics.REJECTED, committed=True)
        now = (one for digests, _ in _rounds(platform, poll.election_no, first, end) for one in digests)
        return differing(sealed, now)


def differing(sealed: Iterable[Digest], now: Iterable[Digest]) -> list[str]:
    """A sentence for each sealed record that is not there now, in the order of their places.

    Both are spilled into files by the first byte of their keys. Memory holds a 256th of them, and the sentences.
    """
    found: list[tuple[int, int, str]] = []
    with ExitStack() as files:
        before, after = _spilled(sealed, files), _spilled(now, files)
        for old, new in zip(before, after, strict=True):
            there = {one.key: one for one in _read(new)}
            for one in {digest.key: digest for digest in _read(old)}.values():  # the last under each key
                if fault := _fault(one, there.get(one.key)):
                    place = f"The rejected record at {one.partition}/{one.offset} of {topics.REJECTED}"
                    found.append((one.partition, one.offset, f"{place} {fault}"))
    return [sentence for *_, sentence in sorted(found)]


def _fault(one: Digest, there: Digest | None) -> str:
    """What is wrong with a sealed record, where ``there`` is under its key now; empty if nothing is."""
    if there is None and one.value != TAKEN_BACK:
        return "was sealed and is gone."
    if there and there[:2] == one[:2] and there != one:
        return "has another content than was sealed."
    if there and there[:2] < one[:2] and one.value != TAKEN_BACK:
        return "was sealed and is gone; an older one under its key is there."
    return ""


def _spilled(digests: Iterable[Digest], files: ExitStack) -> list[IO[bytes]]:
    buckets: list[IO[bytes]] = [files.enter_context(TemporaryFile()) for _ in range(256)]  # noqa: SIM115
    for one in digests:
        buckets[one.key[0]].write(_FORM.pack(*one))
    return buckets


def _read(bucket: IO[bytes]) -> Iterator[Digest]:
    bucket.seek(0)
    return map(Digest._make, _FORM.iter_unpack(bucket.read()))


def _rounds(platform: Platform, number: int, begin: Offsets, end: Offsets) -> Iterator[tuple[list[Digest], Offsets]]:
    """What is the election's between these offsets, and where each round ends."""
    decode, digests, took, count = Decoder(RejectedRecord), list[Digest](), begin.copy(), 0
    for message in read(platform.kafka, topics.REJECTED, begin, end):
        key, value = message.key() or b"", message.value()
        partition, offset = message.partition() or 0, message.offset() or 0
        if _of(number, key, value, decode):
            digest = TAKEN_BACK if value is None else sha256(value).digest()
            digests.append(Digest(partition, offset, sha256(key).digest(), digest))
        took[partition], count = offset + 1, count + 1
        if count == ROUND_RECORDS:
            yield sorted(digests), took.copy()
            digests, count = [], 0
    yield sorted(digests), end


def _of(number: int, key: bytes, value: bytes | None, decode: Decoder[RejectedRecord]) -> bool:
    if value is None:  # taken back: casting's keys end in the election's number
        return key.count(b"/") == 3 and key.endswith(b"/%d" % number)
    try:
        return decode(value).election == number
    except Unusable:
        return False
