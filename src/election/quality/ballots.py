"""The ballots on ``votes_topic`` against those stored, by ballot id and choice."""

import struct
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pandas as pd

from election.buckets import Bucket, Pair, compared, spill
from election.contracts import topics
from election.contracts.ballots import ballot_ids
from election.contracts.messages import UNREADABLE, repeats_a_member
from election.messaging.reading import read, topic_id
from election.platform import Connection
from election.quality.suites import Look
from election.storage.ballots import ballot_key
from election.storage.quarantine import quarantined

_NAMED = 1_000  # ballots of each bucket and kind: what memory holds stays bounded however much differs
_BATCH = 50_000
# Quotation marks of a vote without any in its names: two for each of 16 members, two for each text.
_QUOTES, _QUOTES_OF_INVALID = 52, 48
_choice = struct.Struct(">ii").pack


class _Ballot(msgspec.Struct):
    """As much of a vote as is compared."""

    ballot_id: str
    election: int
    contest: int
    candidate: int | None


def published_ballots(look: Look) -> pd.DataFrame:
    """A row a bucket (kind ``bucket``), with the hashes of what is stored and published there; and a row a ballot that
    is ``missing`` on the topic, ``unknown`` to the table or ``altered``, without hashes.

    The topic is read first: a ballot is stored before it is published, so in an open poll none may be unknown.
    """
    scratch = look.platform.settings.var / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="quality-") as folder, look.platform.connect("auditor") as connection:
        theirs = spill(Path(folder) / "published", _published(look))
        ours = spill(Path(folder) / "stored", _stored(connection, look.poll.election_no))
        rows = [row for bucket in compared(ours, theirs) for row in _rows(bucket)]
    return pd.DataFrame(rows, columns=["key", "kind", "stored", "published"])


def _rows(bucket: Bucket) -> Iterator[tuple[str, str, str | None, str | None]]:
    stored, published = (
        f"{number} ballots, hash {known}"
        for number, known in ((bucket.stored, bucket.stored_hash), (bucket.published, bucket.published_hash))
    )
    yield f"bucket {bucket.number}", "bucket", stored, published
    for kind, ids in (("missing", bucket.missing), ("unknown", bucket.unknown), ("altered", bucket.altered)):
        for own in ids[:_NAMED]:
            yield f"ballot {bytes(own).hex()}", kind, None, None


def _published(look: Look) -> Iterator[Pair]:
    no = look.poll.election_no
    decode = msgspec.json.Decoder(_Ballot).decode
    mark = b'"election":%d,' % no
    with look.platform.connect("auditor") as connection:
        left_out = quarantined(connection, topic_id(look.platform.kafka, topics.VOTES), no)
    for message in read(look.platform.kafka, topics.VOTES, {int(p): o for p, o in look.poll.votes_from.items()}):
        if left_out and message.offset() in left_out.get(message.partition() or 0, ()):
            continue
        value = message.value()
        if value is None or len(value) > topics.MAX_RECORD_BYTES or mark not in value:
            continue
        try:
            vote = decode(value)
        except UNREADABLE:
            continue  # the count rejects it, and so it is no ballot
        # With more of them it has further members, or quotation marks in names: the count rejects repeated members.
        quotes = _QUOTES_OF_INVALID if vote.candidate is None else _QUOTES
        if value.count(b'"') > quotes and repeats_a_member(value):
            continue
        key = message.key() or b""
        if vote.election == no and key.hex() == vote.ballot_id:
            yield key, _choice(vote.contest, vote.candidate or 0)


def _stored(connection: Connection, election_no: int) -> Iterator[Pair]:
    ballot_id = ballot_ids(ballot_key(connection, election_no))
    with connection.cursor(name="quality_votes", binary=True) as cursor:
        cursor.itersize = _BATCH
        cursor.execute(
            "SELECT voter_no, contest_no, candidate_no FROM votes WHERE election_no = %s AND voter_no IS NOT NULL",
            [election_no],
        )
        for voter, contest, candidate in cursor:
            yield ballot_id(voter), _choice(contest or 0, candidate or 0)
