"""Which records on ``voters_topic`` are an election's, and how many of them its consumer group has done."""

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from election.contracts import topics
from election.errors import StageFailed
from election.messaging.clients import consumer
from election.messaging.reading import Offsets
from election.storage.elections import Election


@dataclass(frozen=True)
class VotersRange:
    """Offsets by partition from ``begin`` up to, without, ``end``, and the group that reads them."""

    group: str
    begin: Offsets
    end: Offsets

    @classmethod
    def of(cls, poll: Election) -> "VotersRange":
        """The range that publication recorded. Raises StageFailed when it has not finished."""
        if poll.voters_from is None or poll.voters_to is None:
            raise StageFailed(f"The voters of {poll.slug} are not published yet: run `election publish {poll.slug}`.")
        end = {int(partition): offset for partition, offset in poll.voters_to.items()}
        begin = {int(partition): offset for partition, offset in poll.voters_from.items()}
        filled = {partition: offset for partition, offset in end.items() if offset > begin.get(partition, 0)}
        # The number keeps a new election apart from one of the same name on a database that is gone.
        group = f"election-casting-{poll.slug}-{poll.registered_at:%Y%m%d%H%M%S}"
        return cls(group, {p: begin.get(p, 0) for p in filled}, filled)

    def start(self, committed: TopicPartition) -> TopicPartition:
        """Where the group goes on in a partition: at its committed offset, else at the beginning of the range."""
        begin = self.begin.get(committed.partition, self.end.get(committed.partition))
        if begin is None:
            # A partition without a record of this election: stand at its end, nothing there is read.
            return TopicPartition(committed.topic, committed.partition, -1)
        return TopicPartition(committed.topic, committed.partition, max(begin, committed.offset))

    def progress(self, kafka: Mapping[str, str]) -> tuple[int, int]:
        """(records done, records in all) of the whole group, from its committed offsets."""
        reader = consumer(kafka, self.group)
        try:
            return self.done(reader)
        finally:
            reader.close()

    def done(self, reader: Consumer) -> tuple[int, int]:
        """Like ``progress``, through a consumer of the group that is at hand."""
        total = sum(self.end[p] - self.begin[p] for p in self.end)
        if not total:
            return 0, 0
        committed = reader.committed([TopicPartition(topics.VOTERS, p) for p in self.end], timeout=30)
        done = sum(
            min(self.end[c.partition], max(self.begin[c.partition], c.offset)) - self.begin[c.partition]
            for c in committed
        )
        return done, total
