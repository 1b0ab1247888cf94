"""Watches the running query: heartbeat, progress, stop marker.

The driver's folder gets a heartbeat every second, ``tally_progress_topic`` a message after each batch and every few
seconds between batches, ``batches.log`` one JSON object per batch. Times are in seconds since 1970 unless noted
otherwise.
"""

import json
import logging
import time
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION, TallyProgress, encode
from election.count.checkpoint import check_topic, newest_batch, note, read_offsets, votes_topic_id
from election.count.folder import Folder, write_json
from election.errors import NotReachable
from election.messaging.clients import SafeProducer
from election.platform import Platform
from spark_jobs.tally.application import Application
from spark_jobs.tally.reading import Counted, Lag, ended_at, finished_since, newest
from spark_jobs.tally.stopping import finish, must_be_asked
from spark_jobs.tally.transforms import OBSERVED

POLL = 0.1  # seconds between checks of the query
BEAT = 1.0  # seconds between heartbeats
SAME = 10.0  # seconds between checks that the topic was not recreated
IDLE = 5.0  # seconds after which progress is reported again although no vote came


class Watch:
    """Reports the state and progress of one driver."""

    def __init__(self, platform: Platform, folder: Folder, identity: str) -> None:
        self.generation = folder.generation
        self._platform = platform
        self._folder = folder
        self._beat: dict[str, Any] = {"identity": identity, "generation": self.generation, "counting": False}
        self._beaten = self._told = self._compared = 0.0
        self._duplicates = self._rejected = self._lag = 0
        self._seen = self._before = -1
        self._last: dict[str, Any] = {}

    def over(self, query: StreamingQuery, checkpoint: Path, before: int) -> None:
        """Watches until the query has stopped as requested; raises the error that ended it otherwise.

        ``before`` is the newest batch that was finished before the query started; -1 without one.
        """
        context = SparkSession.active().sparkContext
        self._beat |= {"counting": True, "application_id": context.applicationId, "ui_url": context.uiWebUrl}
        self._producer = SafeProducer(self._platform.kafka, **{"delivery.timeout.ms": 10_000})
        self._application = Application(self._platform.settings, context)
        self._counted, self._waiting = Counted(self._platform, self.generation), Lag(self._platform)
        self._log = _batch_log(self._folder)
        self._seen = self._before = before
        while not query.awaitTermination(POLL):  # type: ignore[arg-type]
            self._follow(query, checkpoint)
            if time.time() - self._told > IDLE:
                self._tell(checkpoint)
            self.beat(checkpoint)
            if self._folder.stop.exists():
                finish(query, checkpoint, lambda: self.beat(checkpoint))
                break
        self._last_round(query, checkpoint)
        must_be_asked(self._folder)

    def beat(self, checkpoint: Path | None = None) -> None:
        """Writes the heartbeat when it is due."""
        now = time.time()
        if now - self._beaten < BEAT:
            return
        self._beaten = now
        if checkpoint is not None:
            self._application.check(now)
            self._look(checkpoint, now)
        write_json(self._folder.heartbeat, {**self._beat, "at": now})

    def _look(self, checkpoint: Path, now: float) -> None:
        """Records the tally's position, and since when votes wait without a finished batch.

        Raises CheckpointRefused when the topic was recreated. No other check notices that once the new topic is longer
        than the old one was.
        """
        if now - self._compared > SAME:
            self._compared = now
            self._compare(checkpoint)
        batch = newest_batch(checkpoint, "commits")
        with suppress(KafkaException):  # the query itself reports errors of Kafka; the last known lag stays
            self._lag = self._waiting.after(read_offsets(checkpoint, batch))
        if self._lag == 0:
            self._beat["waiting_since"] = None
        elif batch != self._beat.get("batch") or self._beat.get("waiting_since") is None:
            self._beat["waiting_since"] = now
        self._beat |= {"batch": batch, "lag": self._lag, "progressed": batch is not None and batch > self._before}

    def _compare(self, checkpoint: Path) -> None:
        with suppress(NotReachable):  # the query itself reports errors of Kafka
            # A broker that has just restarted may not know its topics yet.
            if (topic_id := votes_topic_id(self._platform.kafka, 2)) is not None:
                check_topic(checkpoint, topic_id)

    def _follow(self, query: StreamingQuery, checkpoint: Path) -> None:
        """Reports the batches that were finished since the last call."""
        # Reading the folder is cheap; asking Java for a report is not.
        for batch in self._new(query) if newest(checkpoint, "commits") > self._seen else ():
            self._take(batch, checkpoint)
            self._tell(checkpoint)
            self._log.info(json.dumps(self._line(batch)))

    def _last_round(self, query: StreamingQuery, checkpoint: Path) -> None:
        """Reports the last batch, for which the stop waited."""
        self._follow(query, checkpoint)
        if (done := newest(checkpoint, "commits")) > self._seen:  # Spark was stopped before it could report
            note(checkpoint, done)
        self._beaten = 0.0
        self.beat(checkpoint)
        self._tell(checkpoint)

    def _new(self, query: StreamingQuery) -> list[dict[str, Any]]:
        done = finished_since(query, self._seen)
        self._seen = max((batch["batchId"] for batch in done), default=self._seen)
        return done

    def _take(self, batch: dict[str, Any], checkpoint: Path) -> None:
        note(checkpoint, batch["batchId"])
        self._last = batch
        self._duplicates += _operator(batch, "dedupe").get("customMetrics", {}).get("numDroppedDuplicateRows", 0)
        self._rejected += batch["observedMetrics"][OBSERVED]["rejected"]

    def _tell(self, checkpoint: Path) -> None:
        self._told = time.time()
        batch, newest = self._last, newest_batch(checkpoint, "commits")
        ballots = self._counted.ballots()
        progress = TallyProgress(
            schema_version=SCHEMA_VERSION,
            generation=self.generation,
            batch=newest or 0,
            votes=ballots,
            duplicates=self._duplicates,
            rejected=self._rejected,
            lag=self._lag,
            input_rate=round(batch.get("inputRowsPerSecond", 0.0), 1),
            processed_rate=round(batch.get("processedRowsPerSecond", 0.0), 1),
            batch_ms=batch.get("batchDuration", 0),
            state_rows=ballots,  # Spark reports 0, because trackTotalNumberOfRows is off: it costs a lookup per ballot
            state_bytes=sum(state["memoryUsedBytes"] for state in batch.get("stateOperators", [])),
            application_id=str(self._beat["application_id"]),
            ui_url=str(self._beat["ui_url"]),
            at=int(self._told * 1000),
            batch_at=None if newest is None else ended_at(checkpoint, newest),
        )
        try:
            self._producer.produce(topics.TALLY_PROGRESS, encode(progress), b"%d" % self.generation)
            self._producer.flush(2)
        except NotReachable as error:
            logging.getLogger("tally").warning("Progress was not reported: %s", error)

    def _line(self, batch: dict[str, Any]) -> dict[str, Any]:
        took = batch["durationMs"]
        return {
            "at": batch["timestamp"],
            "generation": self.generation,
            "batch": batch["batchId"],
            "messages": batch["numInputRows"],
            "input_rate": round(batch.get("inputRowsPerSecond", 0.0), 1),
            "processed_rate": round(batch.get("processedRowsPerSecond", 0.0), 1),
            "ms": took["triggerExecution"],
            "parts_ms": took,
            "state_bytes": sum(state["memoryUsedBytes"] for state in batch["stateOperators"]),
            "rejected": self._rejected,
            "duplicates": self._duplicates,
        }


def _operator(batch: dict[str, Any], name: str) -> dict[str, Any]:
    return next((s for s in batch["stateOperators"] if s["operatorName"] == name), {})


def _batch_log(folder: Folder) -> logging.Logger:
    log = logging.getLogger("tally.batches")
    log.setLevel(logging.INFO)
    log.propagate = False
    handler = RotatingFileHandler(folder.batches, maxBytes=10_000_000, backupCount=2)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    return log
