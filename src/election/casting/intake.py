"""Processes a batch of records: checks, stores and publishes its ballots."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from psycopg import Rollback

from election.casting.external_ballots import ExternalBallots
from election.casting.faults import FaultPoints
from election.casting.records import Refused, Source
from election.casting.simulated_voters import SimulatedVoters
from election.casting.storing import Stored, Storing, Vote, prepare, send
from election.contracts import topics
from election.contracts.ballots import VoteEncoder, ballot_ids
from election.contracts.messages import Unusable
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.rejected import Origin, reject
from election.platform import Connection, Platform
from election.storage.ballots import ballot_key, choices, places
from election.storage.elections import Election, held

# If a worker is paused inside a transaction, the worker that takes over its partitions waits for the locked voters'
# rows. A batch takes less than a second, or some seconds on a very busy machine. A worker that is paused before it has
# sent its whole batch holds no voter's row, and the limit does not apply to it. Then only the close of the poll waits,
# until the worker goes on or ends.
_LIMIT = "SET transaction_timeout = '2min'"
_Message = tuple[
    bytes, bytes, int
]  # a vote's message; its key, the ballot id; -1, so that the key decides the partition


@dataclass(frozen=True)
class Taken:
    """A processed batch: the numbers of its ballots and of their votes, stored and published; its rejected records."""

    ballots: int
    votes: int
    refused: Refused


@dataclass(frozen=True)
class _Batch:
    """A batch between ``begin`` and ``end``. ``messages`` are published if all votes are new."""

    records: Sequence[Origin]
    votes: Sequence[Vote]
    refused: Refused
    messages: Sequence[_Message]
    storing: Storing | None
    transaction: ExitStack


class Intake:
    """Takes in ballots of one election. ``connection`` is in autocommit, for this object alone."""

    def __init__(self, platform: Platform, connection: Connection, poll: Election, *, again: bool = False) -> None:
        """``again``: the records were rejected before (see ``ExternalBallots`` and ``Decoding``)."""
        number = poll.election_no
        self._connection, self._poll = connection, poll
        external = poll.ballots == "external"
        self.source: Source = (ExternalBallots if external else SimulatedVoters)(connection, poll, again)
        self._ballot_id = ballot_ids(ballot_key(connection, number))
        self._encode = VoteEncoder(number, poll.series, choices(connection, number), places(connection, number))
        self._batch: _Batch | None = None
        # If the last batch held only new votes, the next one uses a plain INSERT. The first one may be a repetition.
        self._all_new = False
        # A batch's votes are sent in few large requests; the flush at its end sends the rest at once.
        self.producer = SafeProducer(platform.kafka, **{"linger.ms": 100})
        self.faults = FaultPoints(platform.settings.casting_fault)
        prepare(connection)
        connection.execute(_LIMIT)

    def take(self, records: Sequence[Origin]) -> Taken:
        """Stores the batch's ballots in one transaction, publishes the stored ones, and rejects unusable records.

        On return, all of them are on their topics. Raises StageFailed when the election is certified.
        """
        self.begin(records)
        return self.end()

    def begin(self, records: Sequence[Origin]) -> None:
        """The first half of ``take``: on return, Postgres works on the batch; ``end`` waits for it."""
        self.faults.reach("consumed")
        with ExitStack() as begun:
            begun.enter_context(self._connection.transaction())
            # The poll must not close between the check that a ballot is in time and its storing.
            poll = held(self._connection, self._poll.slug)
            votes, refused = self.source.votes(records, poll)
            if votes and poll.state == "certified":
                raise StageFailed(f"{poll.slug} is certified: no ballot is taken in any more.")
            cast_at = time.time_ns() // 1_000_000
            storing = None
            if votes:
                send(self._connection, votes)
                pipeline = begun.enter_context(self._connection.pipeline())
                storing = Storing(self._connection, pipeline, poll.election_no, votes, cast_at, all_new=self._all_new)
            # While Postgres works, encode the messages that are published if all votes are new.
            messages = self._messages(votes, cast_at)
            self.faults.reach("sent")
            self._batch = _Batch(records, votes, refused, messages, storing, begun.pop_all())

    def drop(self) -> None:
        """Rolls back the batch that was begun and not ended, if there is one."""
        batch, self._batch = self._batch, None
        if batch:
            with suppress(Rollback), batch.transaction:  # without its connection, a transaction lets Rollback through
                raise Rollback

    def end(self) -> Taken:
        """The second half of ``take``, for the batch that was begun."""
        batch, self._batch = self._batch, None
        assert batch
        with batch.transaction:
            stored = batch.storing.stored() if batch.storing else None
        self._all_new = stored is None
        self.faults.reach("stored")
        refused = batch.refused
        if stored is None:
            self.producer.produce_all(topics.VOTES, batch.messages)
        else:
            refused += self._publish_stored(batch.votes, stored)
        for position, why in refused:
            reject(self.producer, "casting", batch.records[position], why, self._poll.election_no)
        self.faults.reach("produced")
        self.producer.flush()
        self.faults.reach("flushed")
        # Every ballot has one vote at position 1.
        return Taken(sum(vote.position == 1 for vote in batch.votes), len(batch.votes), refused)

    def _messages(self, votes: Sequence[Vote], cast_at: int) -> list[_Message]:
        """The message of each vote, as if the vote were stored as it was offered."""
        encode, ids = self._encode, [self._ballot_id(vote.voter, vote.position) for vote in votes]
        return [
            (
                encode(own, v.district, v.contest, v.candidate, v.ranking, v.location, v.gender, v.age_group, cast_at),
                own,
                -1,
            )
            for own, v in zip(ids, votes, strict=True)
        ]

    def _publish_stored(self, votes: Sequence[Vote], stored: Mapping[tuple[int, int], Stored]) -> Refused:
        """Publishes ballots whose votes are all stored as they were offered; refuses the others as a whole."""
        second: Refused = []
        for record, ballot in groupby(votes, attrgetter("record")):
            kept = [(vote, stored[vote.voter, vote.position]) for vote in ballot]
            if not all(own.same(vote) for vote, own in kept):
                second.append((record, _SECOND))
                continue
            for vote, own in kept:
                self.producer.produce_all(topics.VOTES, self._messages([vote], own.cast_at))
        return second


_SECOND = Unusable("second_ballot", "the voter has a ballot with another choice")
