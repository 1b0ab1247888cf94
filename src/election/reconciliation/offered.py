"""Checks that every offered ballot is stored or rejected, and that every stored ballot was offered.

A ballot counts once, however often it is offered. Findings name no voter's choice, because verdicts are public.
"""

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from election import behaviour
from election.behaviour.deciding import GENDERS
from election.contracts import topics
from election.contracts.ages import AGE_GROUP_SQL, AGE_GROUPS
from election.contracts.messages import Decoder, ExternalBallot, Unusable
from election.messaging.reading import bounds, read
from election.messaging.rejected import rejected
from election.platform import Connection, Platform
from election.storage.elections import Election

_BATCH = 10_000
_GENDER = {name: code for code, name in enumerate(GENDERS)}
_AGE = {name: code for code, (_, name) in enumerate(AGE_GROUPS)}
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
                      (SELECT count(*) FROM votes WHERE election_no = %(no)s)""",
            {"no": poll.election_no},
        ).fetchone()
        highest, self._stored = row or (0, 0)
        self._seen = np.zeros((highest or 0) + 1, bool)

    def lost(self, ballots: list[tuple[str, ExternalBallot]]) -> Iterator[Unaccounted]:
        rows = self._connection.execute(
            "SELECT voter_no, contest_no, candidate_no FROM votes WHERE election_no = %s AND voter_no = ANY(%s)",
            [self._election_no, [ballot.voter for _, ballot in ballots]],
        )
        stored = {voter: choice for voter, *choice in rows}
        for where, ballot in ballots:
            if stored.get(ballot.voter) == [ballot.contest, ballot.candidate]:
                self._seen[ballot.voter] = True
            else:
                yield "ballot neither stored nor rejected", where, 1

    def never(self) -> int:
        return int(self._stored - self._seen.sum())


def _decided(connection: Connection, poll: Election) -> Iterator[Unaccounted]:
    """Simulated voters: compares the decision of each with the stored ballot."""
    decide = behaviour.load(connection, poll.election_no).choose
    wrong = Counter[int]()
    with connection.cursor(name="offered", binary=True) as cursor:
        cursor.execute(
            f"""SELECT voter_no, w.contest_no, gender, {AGE_GROUP_SQL},
                       CASE WHEN v.voter_no IS NULL THEN %s ELSE coalesce(candidate_no, %s) END
                FROM voters w LEFT JOIN votes v USING (election_no, voter_no) JOIN elections USING (election_no)
                WHERE election_no = %s""",
            [behaviour.ABSTAINS, behaviour.INVALID, poll.election_no],
        )
        while rows := cursor.fetchmany(_BATCH):
            voter, contest, gender, age_group, stored = zip(*rows, strict=True)
            contests = np.array(contest, np.int64)
            decisions = decide(
                np.array(voter, np.int64),
                contests,
                np.array([_GENDER[name] for name in gender], np.int64),
                np.array([_AGE[name] for name in age_group], np.int64),
            )
            wrong.update(contests[decisions != np.array(stored, np.int64)].tolist())
    for contest_no, voters in sorted(wrong.items()):
        yield "voters whose ballot is not stored as they cast it", f"contest {contest_no}", voters
