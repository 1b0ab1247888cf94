"""Voters and candidates on their topics against their tables."""

from hashlib import blake2b
from typing import Any

import msgspec
import pandas as pd

from election.contracts import topics
from election.contracts.messages import UNREADABLE, CandidateRecord, Decoder, Unusable
from election.messaging.reading import Offsets, bounds, read
from election.quality.suites import Look


class _Voter(msgspec.Struct):
    election: int
    voter: int
    contest: int


def published_voters(look: Look) -> pd.DataFrame:
    """A row a contest: how many voters its table has, and how many are in the range that publication recorded.

    A voter who is there twice counts once; memory holds a bit for each. Where the topic is no longer the one that was
    published to, as after a restore, ``published`` is missing and ``there`` is False.
    """
    poll = look.poll
    with look.platform.connect("reader") as connection:
        contests: list[tuple[int, int]] = connection.execute(
            """SELECT contest_no, coalesce(voters, 0) FROM contests LEFT JOIN (
                   SELECT contest_no, count(*) AS voters FROM voters WHERE election_no = %s GROUP BY contest_no
               ) AS own USING (contest_no) WHERE election_no = %s ORDER BY 1""",
            [poll.election_no, poll.election_no],
        ).fetchall()
    published: dict[int, int] = {}
    seen = bytearray(look.registered // 8 + 1)
    decode = msgspec.json.Decoder(_Voter).decode
    mark = b'"election":%d,' % poll.election_no
    for message in read(look.platform.kafka, topics.VOTERS, _offsets(poll.voters_from), _offsets(poll.voters_to)):
        value = message.value()
        if value is None or mark not in value:
            continue
        try:
            record = decode(value)
        except UNREADABLE:
            continue  # casting rejects it
        if record.election == poll.election_no and 0 < record.voter <= look.registered:
            byte, bit = record.voter >> 3, 1 << (record.voter & 7)
            if not seen[byte] & bit:
                seen[byte] |= bit
                published[record.contest] = published.get(record.contest, 0) + 1
    there = _holds(look, poll.voters_from, poll.voters_to) and (bool(published) or not _voted(look))
    return pd.DataFrame(
        [
            (f"contest {contest}", stored, published.get(contest, 0) if there else None, there)
            for contest, stored in contests
        ],
        columns=["key", "stored", "published", "there"],
    )


def _holds(look: Look, noted_from: dict[str, int] | None, noted_to: dict[str, int] | None) -> bool:
    """Whether the topic reaches over the range. One created again begins at 0, and need not have come so far."""
    first, last = bounds(look.platform.kafka, topics.VOTERS)
    begin, end = _offsets(noted_from), _offsets(noted_to)
    filled = [partition for partition in end if end[partition] > begin.get(partition, 0)]
    return all(first.get(p, 0) <= begin.get(p, 0) and end[p] <= last.get(p, 0) for p in filled)


def _voted(look: Look) -> bool:
    """Whether a ballot is stored: then somebody was published, and a range without a voter is another topic's."""
    with look.platform.connect("reader") as connection:
        query = "SELECT EXISTS (SELECT FROM votes WHERE election_no = %s)"
        return connection.execute(query, [look.poll.election_no]).fetchone() == (True,)


def published_candidates(look: Look) -> pd.DataFrame:
    """A row a candidate on either side: digests of name, party and contest in the table and on the topic."""
    no = look.poll.election_no
    with look.platform.connect("reader") as connection:
        stored = {
            number: _digest(*rest)
            for number, *rest in connection.execute(
                """SELECT candidate_no, contest_no, btrim(given_name || ' ' || family_name), party_abbreviation, party,
                          candidate_id, kind
                   FROM candidates WHERE election_no = %s""",
                [no],
            )
        }
    decode, published = Decoder(CandidateRecord), dict[int, str]()
    for message in read(look.platform.kafka, topics.CANDIDATES):
        try:
            record = decode(message.value())
        except Unusable:
            continue
        if record.election == no:
            published[record.candidate] = _digest(
                record.contest,
                record.candidate_name,
                record.party,
                record.party_name,
                record.candidate_id,
                record.kind,
            )
    return pd.DataFrame(
        [
            (f"candidate {number}", stored.get(number, "absent"), published.get(number, "absent"))
            for number in sorted(stored.keys() | published.keys())
        ],
        columns=["key", "stored", "published"],
    )


def _digest(*parts: Any) -> str:
    return blake2b("\x1f".join(str(part) for part in parts).encode(), digest_size=8).hexdigest()


def _offsets(noted: dict[str, int] | None) -> Offsets:
    return {int(partition): offset for partition, offset in (noted or {}).items()}
