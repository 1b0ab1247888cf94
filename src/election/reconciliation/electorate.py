"""Compares voters and candidates on their topics with their tables."""

from hashlib import blake2b
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from election.contracts import topics
from election.contracts.messages import UNREADABLE, CandidateRecord, Decoder, Unusable
from election.messaging.reading import Offsets, bounds, read, read_batches
from election.platform import Platform
from election.storage.elections import Election


class PublishedVoters(NamedTuple):
    """Numbers of a district's voters, in the table and on the topic (None unless the topic is ``there``)."""

    key: str
    stored: int
    published: int | None
    there: bool


class PublishedCandidate(NamedTuple):
    """Digests of a candidate's name, party and contest, in the table and on the topic, or "absent"."""

    key: str
    stored: str
    published: str


class _Voter(msgspec.Struct, gc=False):
    """Records of version 0.1 have ``contest``: the district with the contest's number."""

    election: int
    voter: int
    district: int = 0
    contest: int = 0


def published_voters(platform: Platform, poll: Election, registered: int) -> list[PublishedVoters]:
    """For each district, the number of voters in the table and in the range that publication recorded on the topic.

    A voter who is there twice counts once; memory holds a byte for each voter. If the topic was recreated since
    publication, as after a restore, ``published`` is None and ``there`` is False.
    """
    with platform.connect("reader") as connection:
        districts: list[tuple[int, int]] = connection.execute(
            """SELECT district_no, coalesce(voters, 0) FROM districts LEFT JOIN (
                   SELECT district_no, count(*) AS voters FROM voters WHERE election_no = %s GROUP BY district_no
               ) AS own USING (district_no) WHERE election_no = %s ORDER BY 1""",
            [poll.election_no, poll.election_no],
        ).fetchall()
    published: dict[int, int] = {}
    seen = np.zeros(registered + 1, bool)
    decode = msgspec.json.Decoder(_Voter).decode
    mark = b'"election":%d,' % poll.election_no
    ends = _offsets(poll.voters_from), _offsets(poll.voters_to)
    for batch in read_batches(platform.kafka, topics.VOTERS, *ends):
        values = [value for message in batch if (value := message.value()) and mark in value]
        voters, own = _voters(values, decode, poll.election_no)
        registered_ones = (voters > 0) & (voters <= registered)
        voters, first = np.unique(voters[registered_ones], return_index=True)
        own = own[registered_ones][first][~seen[voters]]
        seen[voters] = True
        for district, number in zip(*(part.tolist() for part in np.unique(own, return_counts=True)), strict=True):
            published[district] = published.get(district, 0) + number
    there = _holds(platform, poll.voters_from, poll.voters_to) and (bool(published) or not _voted(platform, poll))
    return [
        PublishedVoters(f"district {district}", stored, published.get(district, 0) if there else None, there)
        for district, stored in districts
    ]


def _voters(values: list[bytes], decode: Any, election_no: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Numbers and districts of the election's voters, without records that casting would reject."""
    try:
        found = list(map(decode, values))
    except UNREADABLE:
        found = [record for value in values if (record := _readable(value, decode)) is not None]
    found = [
        record
        for record in found
        if record.election == election_no and max(abs(record.voter), abs(record.district), abs(record.contest)) < _MOST
    ]
    voters, districts, contests = (
        np.fromiter(map(attrgetter(name), found), np.int64, len(found)) for name in ("voter", "district", "contest")
    )
    return voters, np.where(districts, districts, contests)


def _readable(value: bytes, decode: Any) -> Any:
    try:
        return decode(value)
    except UNREADABLE:
        return None


_MOST = 2**63


def _holds(platform: Platform, noted_from: dict[str, int] | None, noted_to: dict[str, int] | None) -> bool:
    """Whether the topic covers the range. A recreated topic begins at 0 and may be shorter."""
    first, last = bounds(platform.kafka, topics.VOTERS)
    begin, end = _offsets(noted_from), _offsets(noted_to)
    filled = [partition for partition in end if end[partition] > begin.get(partition, 0)]
    return all(first.get(p, 0) <= begin.get(p, 0) and end[p] <= last.get(p, 0) for p in filled)


def _voted(platform: Platform, poll: Election) -> bool:
    """Whether a ballot is stored. Then voters were published, and a range without voters belongs to another topic."""
    with platform.connect("reader") as connection:
        query = "SELECT EXISTS (SELECT FROM votes WHERE election_no = %s)"
        return connection.execute(query, [poll.election_no]).fetchone() == (True,)


def published_candidates(platform: Platform, poll: Election) -> list[PublishedCandidate]:
    """For each candidate on either side, digests of name, party and contest in the table and on the topic."""
    no = poll.election_no
    with platform.connect("reader") as connection:
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
    for message in read(platform.kafka, topics.CANDIDATES):
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
    return [
        PublishedCandidate(f"candidate {number}", stored.get(number, "absent"), published.get(number, "absent"))
        for number in sorted(stored.keys() | published.keys())
    ]


def _digest(*parts: Any) -> str:
    return blake2b("\x1f".join(str(part) for part in parts).encode(), digest_size=8).hexdigest()


def _offsets(noted: dict[str, int] | None) -> Offsets:
    return {int(partition): offset for partition, offset in (noted or {}).items()}
