"""The range of an election's records on its source topic, and the progress of its consumer group."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from confluent_kafka import Consumer, TopicPartition
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from election.contracts import topics
from election.errors import StageFailed
from election.messaging.clients import consumer, is_transient
from election.messaging.reading import Offsets, bounds
from election.messaging.rejected import Origin
from election.storage.elections import Election

_CLIENTS = 8  # that ask at the same time


@dataclass(frozen=True)
class Range:
    """Offsets of ``topic`` by partition, from ``begin`` (included) to ``end`` (excluded), and the group reading them.

    ``end`` is None while the poll takes ballots from a feed; the end is then the topic's current end.
    """

    topic: str
    group: str
    begin: Offsets
    end: Offsets | None

    @classmethod
    def of(cls, poll: Election) -> "Range":
        """The range of voters that publication recorded, or all external ballots since the registration.

        Raises StageFailed when publication has not finished.
        """
        if poll.voters_from is None or poll.voters_to is None:
            raise StageFailed(f"The voters of {poll.slug} are not published yet: run `election publish {poll.slug}`.")
        # The time tells the election from one with the same slug in an earlier database.
        group = f"election-casting-{poll.slug}-{poll.registered_at:%Y%m%d%H%M%S}"
        if poll.ballots == "external":
            return cls(topics.BALLOTS, group, _offsets(poll.ballots_from), None)
        begin, end = _offsets(poll.voters_from), _offsets(poll.voters_to)
        filled = {partition: offset for partition, offset in end.items() if offset > begin.get(partition, 0)}
        return cls(topics.VOTERS, group, {p: begin.get(p, 0) for p in filled}, filled)

    def lost(self, kafka: Mapping[str, str]) -> bool:
        """Whether the topic was recreated since publication or, for a feed, since the registration.

        A recreated topic ends before the range's end or, for an open feed, before its end at the registration. One that
        has grown past that point again is not recognised here; the gates after casting notice it.
        """
        _, end = bounds(kafka, self.topic)
        return any(end.get(partition, 0) < offset for partition, offset in (self.end or self.begin).items())

    def start(self, reader: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Where the group continues: at its committed offsets, or at the beginning of the range."""
        return [self._start(committed) for committed in _committed(reader, partitions)]

    def _start(self, committed: TopicPartition) -> TopicPartition:
        begin = self.begin.get(committed.partition)
        if begin is None:
            # The partition has no record of this election. Start at its end, so that nothing is read.
            return TopicPartition(committed.topic, committed.partition, -1)
        return TopicPartition(committed.topic, committed.partition, max(begin, committed.offset))

    def holds(self, record: Origin) -> bool:
        """Whether a record that was read from the beginning of the range on is before its end."""
        return self._last is None or (record.offset() or 0) < self._last.get(record.partition() or 0, 0)

    def holds_all(self, following: Offsets) -> bool:
        """``holds`` for a whole batch, given the next offset of each of its partitions."""
        return self._last is None or all(offset <= self._last.get(p, 0) for p, offset in following.items())

    def within(self, partition: int, offset: int) -> int:
        """The offset, or the end of the range if that comes first."""
        return offset if self._last is None else min(offset, self._last.get(partition, 0))

    @property
    def _last(self) -> Offsets | None:
        """The end after which no record is taken; None for a feed.

        A feed's records after the end are late and must be rejected. Another worker may also have seen the close of the
        poll a moment later, and have a later end.
        """
        return None if self.topic == topics.BALLOTS else self.end

    def ended(self, reader: Consumer, close: Mapping[str, int] | None = None) -> "Range":
        """The same range with the topic's current readable end.

        For a closed poll the end is at least ``close``, the topic's end at the close. Records before it are in time,
        and can be read once the transactions that were open have ended.
        """
        end = self._end(reader)
        return replace(self, end={p: max(offset, (close or {}).get(str(p), 0)) for p, offset in end.items()})

    def left(self, reader: Consumer) -> tuple[Offsets, int]:
        """The numbers of records that the group has not done, by partition, and of all records."""
        if self.end is None:
            return self.ended(reader).left(reader)
        if not self.end:
            return {}, 0
        committed = _committed(reader, [TopicPartition(self.topic, p) for p in self.end])
        done = {c.partition: min(self.end[c.partition], max(self.begin[c.partition], c.offset)) for c in committed}
        total = sum(self.end[p] - self.begin[p] for p in self.end)
        return {p: self.end[p] - done[p] for p in self.end}, total

    def _end(self, reader: Consumer) -> Offsets:
        # Not cached: what the consumer knows may be outdated.
        return {
            p: reader.get_watermark_offsets(TopicPartition(self.topic, p), timeout=30, cached=False)[1]
            for p in self.begin
        }


def progress(kafka: Mapping[str, str], ranges: Sequence[Range]) -> list[tuple[int, int]]:
    """(records done, all records) of each range's whole group, from its committed offsets.

    A client asks for one group and logs in first, so several ask at the same time. (One admin client could ask for all
    groups; librdkafka 2.16 ends the process if Kafka goes away meanwhile.)
    """
    with ThreadPoolExecutor(_CLIENTS) as pool:
        return list(pool.map(partial(_progress, kafka), ranges))


def _progress(kafka: Mapping[str, str], one: Range) -> tuple[int, int]:
    reader = consumer(kafka, one.group)
    try:
        left, total = one.left(reader)
    finally:
        reader.close()
    return total - sum(left.values()), total


@retry(retry=retry_if_exception(is_transient), wait=wait_fixed(0.2), stop=stop_after_delay(10), reraise=True)
def _committed(reader: Consumer, places: list[TopicPartition]) -> list[TopicPartition]:
    """The group's committed offsets. Retries, because a broker that has just started must find the group first."""
    return reader.committed(places, timeout=10)


def _offsets(recorded: dict[str, int] | None) -> Offsets:
    return {int(partition): offset for partition, offset in (recorded or {}).items()}
