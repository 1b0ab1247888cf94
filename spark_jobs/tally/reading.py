"""What the driver reads: the number of waiting votes, the votes in its totals, and the finished batches."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, TopicPartition
from pyspark.sql.streaming.query import StreamingQuery

from election.contracts import topics
from election.contracts.aggregates import ContestTotal
from election.contracts.messages import Decoder, Unusable
from election.count.checkpoint import newest_batch
from election.messaging.clients import RESTFUL, consume, consumer
from election.messaging.reading import partitions
from election.platform import Platform


class Lag:
    """Messages on ``votes_topic`` that no finished batch has read."""

    def __init__(self, platform: Platform) -> None:
        self._reader = consumer(platform.kafka)
        self._partitions = partitions(platform.kafka, topics.VOTES)

    def after(self, read: Mapping[int, int]) -> int:
        """``read`` is the next offset to read, by partition. Raises KafkaException when Kafka does not answer."""
        waiting = 0
        for partition in self._partitions:
            begin, end = self._reader.get_watermark_offsets(TopicPartition(topics.VOTES, partition), timeout=2)
            waiting += end - max(begin, read.get(partition, 0))
        return waiting


class Counted:
    """Votes that one generation has counted, valid and invalid, as readers see them on the topic."""

    def __init__(self, platform: Platform, generation: int) -> None:
        self._totals: dict[bytes, int] = {}
        self._generation = generation
        self._decode = Decoder(ContestTotal)
        self._reader = consumer(platform.kafka, None, **RESTFUL)
        topic = topics.BALLOTS_PER_CONTEST
        self._reader.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions(platform.kafka, topic)])

    def ballots(self) -> int:
        """The number of votes, after reading the records that have arrived since the last call."""
        while records := list(consume(self._reader, 10_000, 0.01)):
            for record in records:
                self._fold(record.key() or b"", record.value())
        return sum(self._totals.values())

    def _fold(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._totals.pop(key, None)
            return
        try:
            total = self._decode(value)
        except Unusable:
            return  # this job did not write it
        if total.generation == self._generation:
            self._totals[key] = max(self._totals.get(key, 0), total.votes)


def newest(checkpoint: Path, log: str) -> int:
    """The newest batch in Spark's log ``offsets`` (started) or ``commits`` (finished); -1 before the first."""
    found = newest_batch(checkpoint, log)
    return -1 if found is None else found


def ended_at(checkpoint: Path, batch: int) -> int:
    """The end of the batch, in milliseconds since 1970, even if an earlier driver counted it."""
    return (checkpoint / "commits" / str(batch)).stat().st_mtime_ns // 1_000_000


def finished_since(query: StreamingQuery, seen: int) -> list[dict[str, Any]]:
    """Spark's progress reports of the batches after ``seen`` that read records, oldest first.

    Reads their JSON: pyspark's own ``recentProgress`` fetches each field of a hundred reports from Java, one by one,
    and takes more of a core than the tally itself.
    """
    java = query._jsq
    latest = java.lastProgress()
    if latest is None or latest.batchId() <= seen:
        return []
    reports, found = java.recentProgress(), list[dict[str, Any]]()
    for place in range(len(reports) - 1, -1, -1):
        if reports[place].batchId() <= seen:
            break
        found.insert(0, json.loads(reports[place].json()))
    return [report for report in found if "addBatch" in report["durationMs"]]
