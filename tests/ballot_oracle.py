"""A slow oracle of another make, to hold the comparison of ballots against: plain SQL and Python, no engine.

It shares with the product what a ballot's id is and how a message is decoded, and nothing of how sides are compared.
"""

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b

from election.contracts import topics
from election.contracts.messages import Decoder, Unusable, VoteMessage
from election.messaging.reading import read
from election.platform import Platform
from election.reconciliation.ballots import ballot_rows, compare_ballots
from election.storage.elections import Election
from election.storage.expected import expected_totals

_AGES = ((75, "75+"), (65, "65-74"), (55, "55-64"), (45, "45-54"), (35, "35-44"), (25, "25-34"), (18, "18-24"))
_SQL = """
    SELECT v.voter_no, w.district_no, v.contest_no, c.name, v.position, v.candidate_no,
           btrim(a.given_name || ' ' || a.family_name), v.ranking, a.party_abbreviation, w.location_no,
           l.country, l.region, l.city, w.gender,
           extract(year FROM age(e.polling_day, w.date_of_birth))::int, e.series,
           round(extract(epoch FROM v.cast_at) * 1000)::bigint
    FROM votes v JOIN elections e USING (election_no)
    LEFT JOIN voters w USING (election_no, voter_no)
    LEFT JOIN contests c ON c.election_no = v.election_no AND c.contest_no = v.contest_no
    LEFT JOIN candidates a ON a.election_no = v.election_no AND a.contest_no = v.contest_no
        AND a.candidate_no = v.candidate_no
    LEFT JOIN locations l ON l.election_no = v.election_no AND l.location_no = w.location_no
    WHERE v.election_no = %s AND v.voter_no IS NOT NULL"""
# What the query's rows say after the voter, with the age group in place of the age.
_MEMBERS = (
    "election", "district", "contest", "contest_name", "position", "candidate", "candidate_name", "ranking", "party",
    "location", "country", "region", "city", "gender", "age_group", "series", "cast_at",
)  # fmt: skip
_NULLABLE = {"candidate", "candidate_name", "party"}
_CHOICE = [_MEMBERS.index(name) for name in ("district", "contest", "position", "candidate", "ranking")]


@dataclass
class Found:
    """Ballot ids in hexadecimal; ``other_choice`` are altered ones with another choice, ``twice`` is stored twice."""

    stored: int = 0
    published: int = 0
    duplicates: int = 0
    missing: set[str] = field(default_factory=set)
    forged: set[str] = field(default_factory=set)
    altered: set[str] = field(default_factory=set)
    other_choice: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    claimed: dict[tuple[int, int, int], int] = field(default_factory=dict)


def agree(platform: Platform, poll: Election) -> Found:
    """Asserts that the product's comparison finds what the oracle finds, and returns it."""
    found = look(platform, poll)
    with platform.connect("auditor") as connection:
        compared = compare_ballots(platform, connection, poll, tally=True)
        # Sums of the ballots that passed by against GROUP BY in Postgres.
        assert expected_totals(connection, poll, compared.summed) == expected_totals(connection, poll)
    rows = ballot_rows(platform, poll)
    assert (compared.stored, compared.published, compared.duplicates, compared.claimed) == (
        found.stored, found.published, found.duplicates, found.claimed,
    )  # fmt: skip
    assert compared.differing == len(found.missing) + len(found.forged) + len(found.altered)
    for named, ids in ((compared.missing, found.missing), (compared.forged, found.forged),
                       (compared.altered, found.altered)):  # fmt: skip
        assert len(named) == min(len(ids), 20) and set(named) <= ids
    by_kind = {kind: {row.key.removeprefix("ballot ") for row in rows if row.kind == kind}
               for kind in ("missing", "unknown", "altered")}  # fmt: skip
    assert by_kind == {"missing": found.missing, "unknown": found.forged, "altered": found.other_choice}
    other = sum(row.stored != row.published for row in rows if row.kind == "bucket")
    assert bool(other) == bool(found.missing or found.forged or found.other_choice or found.twice)
    return found


def look(platform: Platform, poll: Election, left_out: frozenset[tuple[int, int]] = frozenset()) -> Found:
    """Both sides as dictionaries of what is said under an id, and the sets between them."""
    ours, number, twice = _stored(platform, poll)
    theirs: dict[str, list[tuple[object, ...] | None]] = defaultdict(list)
    for own, said in _published(platform, poll, left_out):
        theirs[own].append(said)
    found = Found(stored=number, published=len(theirs), twice=twice)
    claimed = Counter[tuple[int, int, int]]()

    def choice(said: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(said[at] for at in _CHOICE)

    for own, everything in theirs.items():
        different = list(dict.fromkeys(everything))
        found.duplicates += len(everything) - len(different)
        choices = {choice(said) for said in different if said is not None}
        claimed.update(
            (int(str(district)), int(str(contest)), int(str(candidate or 0)))
            for district, contest, _, candidate, _ in choices
        )
        if own not in ours:
            found.forged.add(own)
            continue
        if set(different) - ours[own]:
            found.altered.add(own)
        if choices - set(map(choice, ours[own])):
            found.other_choice.add(own)
    found.missing, found.claimed = ours.keys() - theirs.keys(), dict(claimed)
    return found


def _stored(platform: Platform, poll: Election) -> tuple[dict[str, set[tuple[object, ...]]], int, set[str]]:
    with platform.connect("auditor") as connection:
        (key,) = connection.execute(
            "SELECT key FROM ballot_keys WHERE election_no = %s", [poll.election_no]
        ).fetchone() or (b"",)
        rows = connection.execute(_SQL, [poll.election_no]).fetchall()
    found: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    twice = set[str]()
    for voter, *rest in rows:
        hashed = voter.to_bytes(8, "big") + (rest[3].to_bytes(2, "big") if rest[3] > 1 else b"")
        own = blake2b(hashed, key=bytes(key), digest_size=16).hexdigest()
        age = rest[13]
        group = None if age is None else next((name for youngest, name in _AGES if age >= youngest), None)
        twice |= {own} & found.keys()
        rest[6] = None if rest[6] is None else tuple(rest[6])
        found[own].add((poll.election_no, *rest[:13], group, *rest[14:]))
    return found, len(rows), twice


def _published(
    platform: Platform, poll: Election, left_out: frozenset[tuple[int, int]]
) -> list[tuple[str, tuple[object, ...] | None]]:
    """What each message of the election says; None when it names the election and cannot be read."""
    decode = Decoder(VoteMessage, topics.MAX_RECORD_BYTES)
    found: list[tuple[str, tuple[object, ...] | None]] = []
    for message in read(platform.kafka, topics.VOTES, {int(p): o for p, o in poll.votes_from.items()}):
        key, value = message.key() or b"", message.value() or b""
        if (message.partition() or 0, message.offset() or 0) in left_out:
            continue
        try:
            decode(value)
        except Unusable:
            if len(key) == 16 and re.search(rb'"election"\s*:\s*%d\b' % poll.election_no, value):
                found.append((key.hex(), None))
            continue
        said = json.loads(value)
        if said["election"] != poll.election_no or said["ballot_id"] != key.hex():
            continue
        said = {name: value for name, value in said.items() if value is not None or name in _NULLABLE}
        supposed = {"district": said["contest"], "position": 1, "ranking": None}
        spelt_out = any(said.get(name) == supposed[name] for name in ("district", "position"))  # as casting does not
        whole = supposed | said | {"ranking": tuple(said["ranking"]) if "ranking" in said else None}
        content = tuple(whole[name] for name in _MEMBERS)
        found.append((key.hex(), (*content, "spelt out") if spelt_out else content))
    return found
