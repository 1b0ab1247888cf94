"""A casting worker: takes its share of an election's voters through the ballot."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from election import behaviour
from election.casting.faults import FaultPoints
from election.casting.offering import Offering
from election.casting.pace import Pace
from election.casting.range import VotersRange
from election.casting.storing import Ballot, Stored, prepare, store
from election.contracts import topics
from election.contracts.ballots import VoteEncoder, ballot_ids
from election.contracts.messages import Unusable
from election.errors import StageFailed
from election.messaging.clients import SafeProducer, consume, consumer
from election.messaging.rejected import reject
from election.platform import Connection, Platform
from election.storage.ballots import ballot_key, choices, places
from election.storage.elections import Election, election

_LOG_SECONDS = 2.0
_POLL_SECONDS = 0.2


@dataclass
class Cast:
    """What one worker did: records read, ballots stored and published (again, when redelivered), records rejected."""

    records: int = 0
    ballots: int = 0
    rejected: int = 0
    seconds: float = 0.0


def cast(
    platform: Platform,
    slug: str,
    *,
    worker: int = 0,
    workers: int = 1,
    rate: float = 0,
    log: Callable[[str], None] = print,
    stop: threading.Event | None = None,
) -> Cast:
    """Casts until every voter of the election was offered the ballot, by this worker or another of the group.

    ``rate`` is ballots a second over all ``workers`` (0: as fast as it goes). ``stop`` ends the worker after its
    batch. Any number of workers may run, join late or die. Raises StageFailed when the poll never opened.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        if poll.state not in ("registered", "open"):
            log(f"The poll of {slug} is closed ({poll.state}); there is nothing to cast.")
            return Cast()
        if poll.state == "registered":
            raise StageFailed(f"The poll of {slug} is not open: `election cast {slug}` opens it after publication.")
        prepare(connection)
        stop = stop or threading.Event()
        return _Worker(platform, connection, poll, Pace(rate / workers, stop), log, stop).run(worker)


class _Worker:
    def __init__(
        self,
        platform: Platform,
        connection: Connection,
        poll: Election,
        pace: Pace,
        log: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        self._connection, self._poll, self._pace, self._log, self._stop = connection, poll, pace, log, stop
        self._batch = pace.batch(platform.settings.casting_batch)
        self._range = VotersRange.of(poll)
        self._offering = Offering(connection, poll, behaviour.load(connection, poll.election_no))
        self._ballot_id = ballot_ids(ballot_key(connection, poll.election_no))
        self._encode = VoteEncoder(
            poll.election_no, poll.series, choices(connection, poll.election_no), places(connection, poll.election_no)
        )
        connection.commit()
        self._producer = SafeProducer(platform.kafka)
        self._faults = FaultPoints(platform.settings.casting_fault)
        self._consumer = consumer(
            platform.kafka,
            self._range.group,
            **{"session.timeout.ms": 6_000, "max.poll.interval.ms": 300_000, "queued.max.messages.kbytes": 32_768},
        )
        self._done = Cast()

    def run(self, worker: int) -> Cast:
        started = told = time.monotonic()
        self._consumer.subscribe([topics.VOTERS], on_assign=self._assigned)
        try:
            while not self._stop.is_set():
                messages = list(consume(self._consumer, self._batch, _POLL_SECONDS))
                if messages:
                    self._pace.wait(self._take(messages))
                now = time.monotonic()
                if not messages or now - told >= _LOG_SECONDS:
                    done, total = self._range.done(self._consumer)
                    if now - told >= _LOG_SECONDS or done == total:
                        self._tell(worker, done, total, now - started)
                        told = now
                    if done == total:
                        break
        finally:
            self._consumer.close()
        self._done.seconds = time.monotonic() - started
        return self._done

    def _assigned(self, reader: Consumer, partitions: list[TopicPartition]) -> None:
        committed = reader.committed(partitions, timeout=30)
        reader.assign([self._range.start(place) for place in committed])

    def _take(self, messages: list[Message]) -> int:
        """One batch through the loop; returns how many ballots it held."""
        self._faults.reach("consumed")
        mine = [m for m in messages if m.offset() < self._range.end.get(m.partition(), 0)]
        ballots, refused = self._offering.ballots(mine)
        cast_at = time.time_ns() // 1_000_000
        stored = store(self._connection, self._poll.election_no, ballots, cast_at) if ballots else None
        self._faults.reach("stored")
        for ballot in ballots:
            kept = stored[ballot.voter] if stored is not None else Stored(ballot.contest, ballot.candidate, cast_at)
            if (kept.contest, kept.candidate) != (ballot.contest, ballot.candidate):
                refused.append(
                    (ballot.position, Unusable("second_ballot", "the voter has a ballot with another choice"))
                )
            else:
                self._publish(ballot, kept)
        for position, why in refused:
            reject(self._producer, "casting", mine[position], why, self._poll.election_no)
        self._faults.reach("produced")
        self._producer.flush()
        self._faults.reach("flushed")
        self._commit(messages)
        self._faults.reach("committed")
        self._done.records += len(mine)
        self._done.ballots += len(ballots)
        self._done.rejected += len(refused)
        return len(ballots)

    def _publish(self, ballot: Ballot, kept: Stored) -> None:
        ballot_id = self._ballot_id(ballot.voter)
        vote = self._encode(
            ballot_id, kept.contest, kept.candidate, ballot.location, ballot.gender, ballot.age_group, kept.cast_at
        )
        self._producer.produce(topics.VOTES, vote, ballot_id)

    def _commit(self, messages: Iterable[Message]) -> None:
        following = {m.partition(): m.offset() + 1 for m in messages}
        places = [
            TopicPartition(topics.VOTERS, p, min(offset, self._range.end[p]))
            for p, offset in following.items()
            if p in self._range.end
        ]
        try:
            if places:
                self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            # Another worker has the partition by now and offers the batch again, which changes nothing.
            if error.args[0].code() not in _MOVED_ON:
                raise
            self._log("The group was rebalanced during a batch; its records are offered again.")

    def _tell(self, worker: int, done: int, total: int, seconds: float) -> None:
        rate = self._done.records / seconds if seconds else 0
        left = f", {(total - done) / rate:,.0f} s left at this worker's rate" if rate and done < total else ""
        self._log(
            f"Worker {worker}: {self._done.ballots:,} ballots, {self._done.ballots / max(seconds, 1e-9):,.0f} a second; "
            f"all workers: {done:,} of {total:,} voters ({done / max(total, 1):.0%}){left}."
        )


_MOVED_ON = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError._NO_OFFSET,
    KafkaError._ASSIGNMENT_LOST,
}
