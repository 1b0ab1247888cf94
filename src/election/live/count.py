"""Follows the aggregated topics from their beginning in a thread of its own, and folds them.

No consumer group and no commit: a restart reads again, which the fold makes harmless.
"""

import gc
import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from election.contracts import topics
from election.contracts.messages import UNREADABLE, TallyProgress
from election.live.reach import Pulse
from election.live.register import Counted, Register, register_from_topic
from election.messaging.aggregates import FOLDED
from election.messaging.clients import RESTFUL, consume, consumer
from election.tallied import rankings_of
from election.totals import Totals

log = logging.getLogger(__name__)
FOLLOWED = (*FOLDED, topics.REJECTED)
_CHECK_SECONDS = 2.0
_TICK_SECONDS = 0.2


class _Reject(msgspec.Struct, frozen=True, gc=False):
    """As much of a rejected record as a count by reason needs: never its bytes."""

    stage: str
    election: int | None
    reason: str


@dataclass(frozen=True)
class Reading:
    """One election's totals at a moment. ``by_topic`` holds the topic's messages, one a key."""

    version: int
    counted: Counted
    by_topic: Mapping[str, list[Any]]
    rejected: Mapping[tuple[str, str], int]
    changed_at: datetime | None


@dataclass(frozen=True)
class Live:
    """The current state of the tally, the same for all elections. Times are UTC; None before the first one.

    ``progress`` is the tally's latest progress message, ``batch_at`` the end of the batch that it names, ``ballots_at``
    the last arrival of ballots on ``votes_topic``. ``unusable`` messages have no known form, the first of them since
    ``unusable_since``.
    """

    progress: TallyProgress | None = None
    batch_at: datetime | None = None
    ballots_at: datetime | None = None
    unusable: int = 0
    unusable_since: datetime | None = None


def counted_of(by_topic: Mapping[str, list[Any]]) -> Counted:
    """The sums of an election's totals over its districts."""
    votes: Counter[int] = Counter()
    ballots: dict[str, Counter[int]] = {"valid": Counter(), "invalid": Counter()}
    divided: dict[int, dict[int, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for total in by_topic[topics.BALLOTS_PER_CONTEST]:
        ballots[total.validity][total.contest] += total.votes
    for total in by_topic[topics.VOTES_PER_CANDIDATE]:
        votes[total.candidate] += total.votes
        divided[total.contest][total.district][total.candidate] = total.votes
    return Counted(
        votes, ballots["valid"], ballots["invalid"], rankings_of(by_topic[topics.VOTES_PER_RANKING]), divided
    )


class CountReader:
    """The fold of all elections, kept up to date by one daemon thread."""

    def __init__(self, kafka: Mapping[str, str], followed: tuple[str, ...] = FOLLOWED) -> None:
        self._kafka = kafka
        self._topics = followed
        self._lock = threading.Lock()
        self._totals = Totals()
        self._versions: Counter[int] = Counter()
        self._changed_at: dict[int, datetime] = {}
        self._rejects: dict[int, Counter[tuple[str, str]]] = defaultdict(Counter)
        self._rejected: dict[bytes, _Reject] = {}
        self._reject = msgspec.json.Decoder(_Reject).decode
        self._votes_end: int | None = None
        self.live = Live()
        self._stop = threading.Event()
        self.caught_up = threading.Event()
        self.pulse = Pulse("Kafka")

    def start(self) -> None:
        threading.Thread(target=self._run, name="count-reader", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def version(self, election: int) -> int:
        """Changes whenever a record of the election arrived."""
        return self._versions[election]

    def read(self, election: int) -> Reading:
        with self._lock:
            by_topic = self._totals.election(election)
            version = self._versions[election]
            rejected: dict[tuple[str, str], int] = dict(+self._rejects.get(election, Counter()))
        counted = counted_of(by_topic)
        changed_at = self._changed_at.get(election)
        return Reading(version, counted, by_topic, rejected, changed_at)

    def registers(self) -> dict[str, Register]:
        """What the topics alone tell of each election, by slug."""
        with self._lock:
            records = [list(candidates.values()) for candidates in self._totals.candidates.values()]
        found = (register_from_topic(candidates) for candidates in records)
        return {register.election.slug: register for register in found if register is not None}

    def _run(self) -> None:
        # A lost position (a recreated topic) starts at the first record there is.
        config = {**RESTFUL, "auto.offset.reset": "earliest", "enable.partition.eof": False, "log_level": 2}
        reader = consumer(self._kafka, None, **config)
        followed: dict[tuple[str, int], int] = {}
        try:
            while not self._stop.is_set():
                try:
                    self._follow_new(reader, followed)
                    self._read_until_check(reader, followed)
                except KafkaException as error:
                    self.pulse.failed(error.args[0].str())
                    self._stop.wait(1)
                except Exception as error:
                    log.exception("the topics cannot be read; they are read again from their beginning")
                    self.pulse.failed(f"{type(error).__name__}: {error}")
                    # The records read together with the unreadable one are not folded yet.
                    reader.unassign()
                    followed.clear()
                    self._stop.wait(1)
        finally:
            reader.close()

    def _follow_new(self, reader: Consumer, followed: dict[tuple[str, int], int]) -> None:
        """Starts on partitions that have appeared; ``followed`` keeps each one's end as it was then."""
        known = reader.list_topics(timeout=_CHECK_SECONDS).topics
        new = {}
        for name in self._topics:
            for partition in known[name].partitions if name in known else ():
                if (name, partition) not in followed:
                    place = TopicPartition(name, partition)
                    _, new[name, partition] = reader.get_watermark_offsets(place, timeout=_CHECK_SECONDS)
        if new:
            reader.incremental_assign([TopicPartition(*place, OFFSET_BEGINNING) for place in new])
            followed |= new  # not before: Kafka may have failed at any of them, and then all are asked for again
        if topics.VOTES in known:
            self._watch_arrivals(reader, list(known[topics.VOTES].partitions))
        self.pulse.answered(tuple(name for name in self._topics if name not in known))

    def _watch_arrivals(self, reader: Consumer, partitions: list[int]) -> None:
        """Notes when ballots arrive on the topic that is counted, by its end alone: no ballot is read here."""
        places = [TopicPartition(topics.VOTES, partition) for partition in partitions]
        end = sum(reader.get_watermark_offsets(place, timeout=_CHECK_SECONDS)[1] for place in places)
        if self._votes_end is not None and end > self._votes_end:
            self.live = replace(self.live, ballots_at=datetime.now(UTC))
        self._votes_end = end

    def _read_until_check(self, reader: Consumer, followed: dict[tuple[str, int], int]) -> None:
        for _ in range(int(_CHECK_SECONDS / _TICK_SECONDS)):
            records = consume(reader, 10_000, _TICK_SECONDS)
            if records:
                with self._lock:
                    now = datetime.now(UTC)
                    for election in {self._apply(record) for record in records}:
                        self._changed_at[election] = now
                self._note_progress(now)
            if not self.caught_up.is_set() and followed:
                places = reader.position([TopicPartition(*place) for place in followed])
                if all(
                    p.offset >= followed[p.topic, p.partition] or not followed[p.topic, p.partition] for p in places
                ):
                    self._settle()
            if self._stop.is_set():
                return

    def _note_progress(self, now: datetime) -> None:
        told, before = self._totals.progress, self.live
        if told is not None and told is not before.progress:
            finished = told.at if told.batch_at is None else told.batch_at
            self.live = replace(self.live, progress=told, batch_at=datetime.fromtimestamp(finished / 1000, UTC))
        if self._totals.unusable > before.unusable:
            since = before.unusable_since or now
            self.live = replace(self.live, unusable=self._totals.unusable, unusable_since=since)

    def _settle(self) -> None:
        """What was read so far stays for good: the collector, which Streamlit runs after every refresh, may skip it."""
        gc.collect()
        gc.freeze()
        self.caught_up.set()

    def _apply(self, record: Message) -> int:
        """Takes in one record; returns its election, 0 for one that belongs to none."""
        topic, key = record.topic() or "", record.key()
        election = 0
        try:
            if topic == topics.REJECTED:
                election = self._count_reject(key, record.value())
            else:
                self._totals.apply(topic, key, record.value())
                if topic != topics.TALLY_PROGRESS:
                    election = int((key or b"").split(b"/", 1)[0])
        except (ValueError, *UNREADABLE) as error:  # a foreign record must not end the reading
            log.warning("record %s/%s@%s cannot be used: %s", topic, record.partition(), record.offset(), error)
        self._versions[election] += 1
        return election

    def _count_reject(self, key: bytes | None, value: bytes | None) -> int:
        """Counts a rejected record once, however often it is read; one without a value takes its rejection back."""
        if key is None:
            return 0
        before = self._rejected.pop(key, None)
        if before is not None:
            self._rejects[before.election or 0][before.stage, before.reason] -= 1
        if value is None:
            return before.election or 0 if before else 0
        reject = self._rejected[key] = self._reject(value)
        self._rejects[reject.election or 0][reject.stage, reject.reason] += 1
        return reject.election or 0
