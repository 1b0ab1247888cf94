"""Checks that every offered ballot is stored or rejected, and that every stored ballot was offered.

A ballot counts once, however often it is offered. Findings name no voter's choice, because verdicts are public.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import UNSET

from election import behaviour
from election.behaviour.deciding import GENDERS
from election.contracts import topics
from election.contracts.ages import AGE_GROUP_SQL, AGE_GROUPS
from election.contracts.messages import Decoder, ExternalBallot, ExternalVote, Unusable
from election.messaging.reading import bounds, read
from election.messaging.rejected import rejected
from election.platform import Connection, Platform
from election.storage.elections import Election

_BATCH = 10_000
_GENDER = {name: code for code, name in enumerate(GENDERS)}
_AGE = {name: code for code, (_, name) in enumerate(AGE_GROUPS)}
_Choice = tuple[int, int | None, tuple[int, ...] | None]
"""Contest, candidate (None: invalid), and a ranking of several candidates."""
Unaccounted = tuple[str, str, int]
"""The kind of difference, its place (a record's topic/partition/offset, or a contest), and the number of ballots."""


def unaccounted(
    platform: Platform, connection: Connection, poll: Election, unasked: list[str] | None = None
) -> Iterator[Unaccounted]:
    """Ballots that were offered but neither stored nor rejected, and ballots that were stored but never offered.

    Memory is O(voters + records) bytes and the ballots of a batch. Yields nothing while the poll is not closed. If the
    topic was recreated, as after a restore, the offered ballots are unknown: it yields nothing and adds to ``unasked``.
    """
    if poll.state in ("registered", "open"):
        return
    if poll.ballots == "external":
        yield from _fed(platform, connection, poll, [] if unasked is None else unasked)
    elif poll.kind == "simulated":  # a replay is compared with its official figures
        yield from _decided(connection, poll)


def _fed(platform: Platform, connection: Connection, poll: Election, unasked: list[str]) -> Iterator[Unaccounted]:
    """Ballots from a feed: compares each record up to the close of the poll with the stored and rejected ones."""
    if _created_again(platform, connection, poll):
        unasked.append(
            f"{topics.BALLOTS} was recreated since the poll of {poll.slug}, so it is unknown whether every offered "
            "ballot is stored or rejected."
        )
        return
    first, last = ({int(p): at for p, at in (noted or {}).items()} for noted in (poll.ballots_from, poll.ballots_to))
    refused = {partition: np.zeros(max(0, at - first.get(partition, 0)), bool) for partition, at in last.items()}
    for r in rejected(platform, poll.election_no, "casting"):
        if r.topic == topics.BALLOTS and first.get(r.partition, 0) <= r.offset < last.get(r.partition, 0):
            refused[r.partition][r.offset - first.get(r.partition, 0)] = True
    decode, offered = Decoder(ExternalBallot), _Voters(connection, poll)
    records = (
        message
        for message in read(platform.kafka, topics.BALLOTS, first)
        if (offset := message.offset() or 0) < last.get(partition := message.partition() or 0, 0)
        and not refused[partition][offset - first.get(partition, 0)]
    )
    ballots: list[tuple[str, ExternalBallot]] = []
    for record in records:
        where = f"{record.topic()}/{record.partition()}/{record.offset()}"
        try:
            ballot = decode(record.value())
        except Unusable:
            yield "record neither used nor rejected", where, 1
            continue
        if ballot.election == poll.election_no:
            ballots.append((where, ballot))
        if len(ballots) == _BATCH:
            yield from offered.lost(ballots)
            ballots = []
    yield from offered.lost(ballots)
    if stored := offered.never():
        yield "ballots stored but never offered", poll.slug, stored


def _created_again(platform: Platform, connection: Connection, poll: Election) -> bool:
    """Whether the topic does not cover the poll's range, or has no ballot there although ballots are stored."""
    first, last = ({int(p): at for p, at in (noted or {}).items()} for noted in (poll.ballots_from, poll.ballots_to))
    begin, end = bounds(platform.kafka, topics.BALLOTS)
    if any(begin.get(p, 0) > at for p, at in first.items()) or any(end.get(p, 0) < at for p, at in last.items()):
        return True
    stored = connection.execute("SELECT FROM votes WHERE election_no = %s LIMIT 1", [poll.election_no]).fetchone()
    if stored is None:
        return False
    own = re.compile(rb'"election"\s*:\s*%d\b' % poll.election_no)
    return not any(own.search(message.value() or b"") for message in read(platform.kafka, topics.BALLOTS, first, last))


class _Voters:
    """Notes which voters' stored ballots were offered."""

    def __init__(self, connection: Connection, poll: Election) -> None:
        self._connection, self._election_no, self._seen = connection, poll.election_no, np.zeros(1, bool)
        row = connection.execute(
            """SELECT (SELECT max(voter_no) FROM votes WHERE election_no = %(no)s),
                      (SELECT count(DISTINCT voter_no) FROM votes WHERE election_no = %(no)s)""",
            {"no": poll.election_no},
        ).fetchone()
        highest, self._stored = row or (0, 0)
        self._seen = np.zeros((highest or 0) + 1, bool)

    def lost(self, ballots: list[tuple[str, ExternalBallot]]) -> Iterator[Unaccounted]:
        rows = self._connection.execute(
            """SELECT voter_no, contest_no, candidate_no, ranking FROM votes
               WHERE election_no = %s AND voter_no = ANY(%s)""",
            [self._election_no, [ballot.voter for _, ballot in ballots]],
        )
        stored: dict[int, set[_Choice]] = defaultdict(set)
        for voter, contest, candidate, ranking in rows:
            stored[voter].add(_choice(contest, candidate, ranking))
        for where, ballot in ballots:
            if stored.get(ballot.voter) == set(map(_offered, ballot.each)):
                self._seen[ballot.voter] = True
            else:
                yield "ballot neither stored nor rejected", where, 1

    def never(self) -> int:
        return int(self._stored - self._seen.sum())


def _choice(contest: int, candidate: int | None, ranking: Sequence[int] | None) -> _Choice:
    """A ranking of one candidate is what a feed may write as that candidate."""
    return contest, candidate, tuple(ranking) if ranking and len(ranking) > 1 else None


def _offered(vote: ExternalVote) -> _Choice:
    if vote.ranking is not UNSET:
        return _choice(vote.contest, vote.ranking[0] if vote.ranking else None, vote.ranking)
    return _choice(vote.contest, None if vote.candidate is UNSET else vote.candidate, None)


def _decided(connection: Connection, poll: Election) -> Iterator[Unaccounted]:
    """Simulated voters: compares the decision of each with the stored votes, a position at a time."""
    decides = behaviour.load(connection, poll.election_no)
    wrong = Counter[int]()
    for index, contests in enumerate(decides.contests):
        with connection.cursor(name="offered", binary=True) as cursor:
            cursor.execute(
                f"""SELECT w.voter_no, w.district_no, gender, {AGE_GROUP_SQL},
                           CASE WHEN v.voter_no IS NULL THEN %(abstains)s ELSE coalesce(candidate_no, %(invalid)s) END,
                           ranking
                    FROM voters w LEFT JOIN votes v
                    ON v.election_no = w.election_no AND v.voter_no = w.voter_no AND v.position = %(position)s
                    JOIN elections e ON e.election_no = w.election_no WHERE w.election_no = %(no)s""",
                {
                    "abstains": behaviour.ABSTAINS,
                    "invalid": behaviour.INVALID,
                    "position": index + 1,
                    "no": poll.election_no,
                },
            )
            while rows := cursor.fetchmany(_BATCH):
                voter, district, gender, age_group, stored, rankings = zip(*rows, strict=True)
                choices = decides.choose(
                    np.array(voter, np.int64),
                    np.array(district, np.int64),
                    np.array([_GENDER[name] for name in gender], np.int64),
                    np.array([_AGE[name] for name in age_group], np.int64),
                )[index]
                differ = choices.candidate != np.array(stored, np.int64)
                if choices.rankings is not None:
                    pairs = zip(choices.ranked(), rankings, strict=True)
                    differ |= np.array([own != (ranking and tuple(ranking)) for own, ranking in pairs])
                wrong.update(contests.get(district[voter], 0) for voter in np.flatnonzero(differ).tolist())
    for contest_no, voters in sorted(wrong.items()):
        yield "voters whose ballot is not stored as they cast it", f"contest {contest_no}", voters
