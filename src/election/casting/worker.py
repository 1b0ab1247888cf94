"""A casting worker: takes its share of an election's records through the loop until no record is left."""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from election.casting.intake import Intake
from election.casting.night import Night
from election.casting.pace import Pace, Rate
from election.casting.patience import Patience
from election.casting.progress_log import Log
from election.casting.range import Range
from election.contracts import topics
from election.errors import StageFailed
from election.messaging.clients import consumer
from election.messaging.reading import Offsets
from election.platform import Connection, Platform
from election.storage.elections import Election, election

_LOOK_SECONDS = 1.0
# More than the number of objects in the two batches in memory.
_COLLECT_AFTER = 200_000


@dataclass
class Cast:
    """The work of one worker: records read, ballots stored and published (also redelivered ones), records rejected."""

    records: int = 0
    ballots: int = 0
    rejected: int = 0
    seconds: float = 0.0


def cast(
    platform: Platform,
    slug: str,
    *,
    worker: int = 0,
    rate: float = 0,
    log: Callable[[str], None] = print,
    stop: threading.Event | None = None,
) -> Cast:
    """Casts until every voter of the election was offered the ballot, by this worker or another of the group.

    With ballots from a feed, it casts until the poll is closed and every ballot is stored or rejected.
    ``rate`` is ballots per second across all workers (0 = unlimited). ``stop`` ends the worker after its batch.
    Any number of workers may run, join late or die; Postgres and Kafka may be down for a while, also at the start.
    Raises StageFailed when the poll never opened, or when its source topic was recreated (``Range.lost``).
    """
    stop, done, started, name = stop or threading.Event(), Cast(), time.monotonic(), f"Worker {worker}"
    patience = Patience(name, log, stop)
    for attempt in patience.attempts():
        with attempt, _collected_seldom(), platform.connect("app") as connection:
            connection.autocommit = True
            poll = election(connection, slug)
            if poll.state == "registered":
                raise StageFailed(f"The poll of {slug} is not open: `election cast {slug}` opens it after publication.")
            if poll.state != "open" and poll.ballots == "simulated":
                log(f"The poll of {slug} is closed ({poll.state}); there is nothing to cast.")
            elif (source := Range.of(poll)).lost(platform.kafka):
                if poll.state == "open":
                    raise StageFailed(
                        f"{source.topic} was recreated since {slug} was published: its records and the position of "
                        "its poll are lost. Ballots stored so far stay in the database. This poll cannot continue: "
                        "register the election again under another slug."
                    )
                # After a restore, it is unknown where on the new topic this poll was closed.
                log(f"{source.topic} was recreated since {slug} was registered: nothing on it is this election's.")
            else:
                _Worker(platform, connection, poll, rate, Log(name, log), patience, stop, done).run()
    done.seconds = time.monotonic() - started
    return done


@contextmanager
def _collected_seldom() -> Iterator[None]:
    """Makes Python's collector of reference cycles run rarely. Records and ballots have no cycles, but the collector
    ran dozens of times a batch, which took a sixth of a worker's time."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Worker:
    def __init__(
        self,
        platform: Platform,
        connection: Connection,
        poll: Election,
        rate: float,
        log: Log,
        patience: Patience,
        stop: threading.Event,
        done: Cast,
    ) -> None:
        self._connection, self._poll, self._log, self._stop, self._done = connection, poll, log, stop, done
        self._patience = patience
        self._largest = platform.settings.casting_batch
        self._range = Range.of(poll)
        self._intake = Intake(platform, connection, poll)
        self._consumer = consumer(
            platform.kafka,
            self._range.group,
            **{
                "session.timeout.ms": 6_000,
                # The time until a worker learns of a rebalance; until then, no worker gets a record.
                "heartbeat.interval.ms": 500,
                "max.poll.interval.ms": 300_000,
                "queued.max.messages.kbytes": 32_768,
                # librdkafka limits only the size of values. A feed's keys and headers must not fill memory either, so
                # it fetches only when its queue is nearly empty; a fetch brings a megabyte per partition.
                **({"queued.min.messages": 10, "fetch.queue.backoff.ms": 10} if poll.ballots == "external" else {}),
            },
        )
        night = poll.parameters.get("night")
        self._pace: Pace = Night(self._consumer, poll) if night else Rate(self._consumer, rate, stop)
        self._looked = 0.0
        # The batch in hand: the offsets that follow it, by partition, and its number of records.
        self._following: Offsets | None = None
        self._records = 0

    def run(self) -> None:
        """Returns when the whole group is done, or this worker is stopped."""
        self._consumer.subscribe([self._range.topic], on_assign=self._assigned, on_revoke=self._revoked)
        try:
            while not self._stop.is_set():
                messages = self._pace.batch(self._largest)
                if messages:
                    self._take(messages)
                if (not messages or time.monotonic() - self._looked > _LOOK_SECONDS) and self._ended():
                    break
        finally:
            self._following = None
            try:
                self._intake.drop()
            finally:
                self._consumer.close()

    def _assigned(self, reader: Consumer, partitions: list[TopicPartition]) -> None:
        reader.assign(self._range.start(reader, partitions))
        self._pace.assigned(partitions)
        self._looked = 0.0

    def _revoked(self, _reader: Consumer, _partitions: list[TopicPartition]) -> None:
        """The next owner of the partitions continues after the batch in hand."""
        self._finish()
        self._pace.assigned([])

    def _take(self, messages: Sequence[Message]) -> None:
        """Takes one batch through the loop, and fetches the next while Postgres works on it."""
        following = {m.partition() or 0: (m.offset() or 0) + 1 for m in messages}
        mine = messages if self._range.holds_all(following) else [m for m in messages if self._range.holds(m)]
        self._intake.begin(mine)
        self._following, self._records = following, len(mine)
        self._pace.fetch_ahead(self._largest)
        self._finish()

    def _finish(self) -> None:
        """Ends and commits the batch in hand, unless a rebalance has done it already."""
        following, self._following = self._following, None
        if following is None:
            return
        taken = self._intake.end()
        self._commit(following)
        self._intake.faults.reach("committed")
        self._patience.worked()
        self._done.records += self._records
        self._done.ballots += taken.ballots
        self._done.rejected += len(taken.refused)
        self._pace.offered(taken.votes)

    def _pass_over_marks(self) -> None:
        """Commits the position behind the control records after the last record. A feed's transactions end with such a
        record, and the poll would wait for it to be cast."""
        in_hand = self._pace.in_hand()
        places = self._consumer.position([own for own in self._consumer.assignment() if own.partition not in in_hand])
        self._commit({place.partition: place.offset for place in places if place.offset >= 0})

    def _commit(self, following: Offsets) -> None:
        # The broker accepts offsets for a partition that another worker has now; one could overwrite a later offset.
        own = {place.partition for place in self._consumer.assignment()} & self._range.begin.keys()
        places = [
            TopicPartition(self._range.topic, partition, self._range.within(partition, offset))
            for partition, offset in following.items()
            if partition in own
        ]
        try:
            if places:
                self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            # Another worker has the partition now and offers the batch again, which changes nothing.
            if error.args[0].code() not in _MOVED_ON:
                raise
            self._log.say("The group was rebalanced during a batch; its records are offered again.")

    def _ended(self) -> bool:
        """Whether the whole group is done. Updates this worker's share of the remaining records, and logs progress."""
        self._looked = time.monotonic()
        if self._range.end is None:
            poll = election(self._connection, self._poll.slug)
            if poll.state != "open":
                # Records after this moment are late.
                self._range = self._range.ended(self._consumer, poll.ballots_to)
        left, total = self._range.left(self._consumer)
        done = total - sum(left.values())
        own = sum(left.get(place.partition, 0) for place in self._consumer.assignment())
        self._pace.share(own, total - done)
        if done == total:
            self._patience.worked()
        elif own and self._range.topic == topics.BALLOTS:
            self._pass_over_marks()
        ended = done == total and self._range.end is not None
        self._log.tell(done, total, self._done.ballots, self._pace.slow, last=ended)
        return ended


_MOVED_ON = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError._NO_OFFSET,
    KafkaError._ASSIGNMENT_LOST,
}
