"""The tally as a long-running job: ``spark-submit spark_jobs/tally/job.py``.

Takes the lock, checks that the checkpoint belongs to it, runs the query and watches it until a stop is requested. Exit
status 0 after a stop, 1 after an error; in both cases ``ended.json`` says how it ended. Settings come from the
environment and the started stack's file, as everywhere.
"""

import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from election.contracts import topics
from election.contracts.topics import MAX_REJECTED_BYTES
from election.count.checkpoint import CheckpointRefused, claim, diagnosis, votes_topic_id
from election.count.folder import Folder, read_json, tally_folder, write_json
from election.count.launching import IDENTITY
from election.count.rebuilding import emitted
from election.logs import set_up
from election.platform import Platform, native
from spark_jobs.tally.pages import refuse_thread_dumps
from spark_jobs.tally.reading import newest
from spark_jobs.tally.stopping import forget_old_stop
from spark_jobs.tally.transforms import tally
from spark_jobs.tally.watch import Watch

log = logging.getLogger("tally")
MAX_OFFSETS = 500_000
"""The most votes in one batch: five to ten seconds of work on two cores, so that a stop or restart takes no longer."""

READING = {
    # After each fetch Spark asks for the topic's end. The answer comes only after the next fetch, which is still empty.
    "kafka.fetch.max.wait.ms": "5",
    # For every so many records (500 by default) Spark asks for the topic's first and end offsets.
    "kafka.max.poll.records": "10000",
    # As all readers of the topic: an aborted record was never published.
    "kafka.isolation.level": "read_committed",
}

# The state depends on these settings: a checkpoint keeps its first values.
STATE = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
    "spark.sql.streaming.stateStore.rocksdb.boundedMemoryUsage": "true",
    "spark.sql.streaming.stateStore.rocksdb.maxMemoryUsageMB": "600",
}
SESSION = {
    # The check refuses every sort of a stream; the sort in `unseen` only orders rows of a batch within a partition.
    "spark.sql.streaming.unsupportedOperationCheck": "false",
    "spark.sql.session.timeZone": "UTC",
    # A waiting tally asks the broker 20 times a second, not 100: other processes need the processor.
    "spark.sql.streaming.pollingDelay": "50ms",
    "spark.sql.adaptive.enabled": "false",
    # Otherwise every file of the checkpoint gets a second checksum file, beside Hadoop's hidden one. Changes of state
    # are LZ4 blocks and snapshots are zip archives; both have checksums already.
    "spark.sql.streaming.checkpoint.fileChecksum.enabled": "false",
    # Spark optimizes the plan three times a batch, twice of them for the text in its UI. The query is written so that
    # one pass is enough. It does not need the excluded rules, which cost the most of those that change nothing in it.
    "spark.sql.optimizer.maxIterations": "1",
    "spark.sql.optimizer.excludedRules": ",".join(
        f"org.apache.spark.sql.catalyst.{rule}"
        for rule in (
            "analysis.UpdateAttributeNullability",
            "optimizer.FoldablePropagation",
            "optimizer.RemoveRedundantAliases",
            "optimizer.SimplifyConditionals",
        )
    ),
    # Ballot ids are hexadecimal and do not need ICU's lower(), which takes a fifteenth of the tally's time.
    "spark.sql.icu.caseMappings.enabled": "false",
    # For the totals and the rejected records of one batch. By default Spark sorts from 128 on; this many fit into the
    # executor's memory.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "100000",
}


def main() -> int:
    platform = native()
    set_up(platform.settings, "tally")
    folder = tally_folder(platform.settings)
    identity = os.environ.get(IDENTITY) or uuid4().hex
    lock = take_lock(folder)
    if lock is None:
        log.error("Another driver counts already; this one ends.")
        return 1
    forget_old_stop(folder)
    watch = Watch(platform, folder, identity)
    watch.beat()
    try:
        if not wait_for_votes(platform, folder, watch):
            end(folder, identity, None)
            return 0
        generation = watch.generation
        checkpoint = claim(folder, generation, votes_topic_id(platform.kafka), lambda: emitted(platform))
        before = newest(checkpoint, "commits")
        watch.over(run(platform, generation, str(checkpoint), read_json(folder.issued(generation))), checkpoint, before)
    except Exception as error:
        end(folder, identity, error)  # records the reason of every error
        raise
    end(folder, identity, None)
    return 0


def run(platform: Platform, generation: int, checkpoint: str, issued: Mapping[str, Any]) -> StreamingQuery:
    """Starts the query; totals appear on the aggregated topics until it is stopped.

    ``issued`` says what the generation skips: ``quarantined`` has offsets of messages by partition, ``removed`` numbers
    of elections.
    """
    builder = SparkSession.builder.appName("tally")
    for key, value in {**STATE, **SESSION}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    refuse_thread_dumps(session)
    if not str(session.sparkContext.master).startswith("yarn"):
        forget_defaults(session, "yarn.", "mapreduce.")
    kafka = kafka_options(platform.kafka)
    votes = (
        session.readStream.format("kafka")
        .options(**kafka)
        .option("subscribe", topics.VOTES)
        .options(**READING)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", MAX_OFFSETS)
        # If votes are gone from the topic, the tally ends; it never goes on without them.
        .option("failOnDataLoss", "true")
        .load()
    )
    return (
        tally(votes, generation, issued.get("quarantined"), issued.get("removed"))
        .writeStream.format("kafka")
        .outputMode("update")
        .queryName("tally")
        .option("checkpointLocation", checkpoint)
        .options(**kafka)
        .option("kafka.compression.type", "lz4")
        # A batch's totals are sent in few large requests; the end of each task sends the rest at once.
        .option("kafka.linger.ms", 10)
        .option("kafka.batch.size", 262_144)
        .option("kafka.max.request.size", MAX_REJECTED_BYTES)
        .start()
    )


def forget_defaults(session: SparkSession, *prefixes: str) -> None:
    """Removes settings from Hadoop's configuration.

    Each batch sends the configuration to the executor three times, once for each part of its state. Two thirds of it
    are defaults of cluster managers that are not in use.
    """
    hadoop = session._jsc.hadoopConfiguration()
    for prefix in prefixes:
        names = hadoop.getPropsWithPrefix(prefix).keySet().toString()  # one call to Java in place of hundreds
        for name in names.strip("[]").split(", "):
            hadoop.unset(prefix + name)


def kafka_options(client: Mapping[str, str]) -> dict[str, str]:
    """Spark's options for its Java client, from librdkafka's configuration."""
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    login = f'username="{client["sasl.username"]}" password="{client["sasl.password"]}"'
    options = {
        "kafka.bootstrap.servers": client["bootstrap.servers"],
        "kafka.security.protocol": client["security.protocol"],
        "kafka.sasl.mechanism": client["sasl.mechanism"],
        "kafka.sasl.jaas.config": f"{module} required {login};",
    }
    if "ssl.ca.location" in client:
        options |= {
            "kafka.ssl.truststore.type": "PEM",
            "kafka.ssl.truststore.location": client["ssl.ca.location"],
        }
    return options


def wait_for_votes(platform: Platform, folder: Folder, watch: Watch) -> bool:
    """Waits until ``votes_topic`` exists, which the first election creates. False when a stop is requested.

    It does not wait for a topic that was deleted; the checkpoint is then refused.
    """
    bound = read_json(folder.checkpoint(watch.generation) / "binding.json")
    patience = time.monotonic() + 30  # a broker that has just restarted may not know its topics yet
    while votes_topic_id(platform.kafka) is None and not (bound and time.monotonic() > patience):
        if folder.stop.exists():
            return False
        watch.beat()
        time.sleep(0.5)
    return True


def take_lock(folder: Folder) -> JavaObject | None:
    """Takes the lock for the life of this JVM, the process that writes. None when another process has the lock."""
    SparkContext._ensure_initialized()
    jvm = SparkContext._jvm
    assert jvm is not None
    return jvm.java.io.RandomAccessFile(str(folder.lock), "rw").getChannel().tryLock()


def end(folder: Folder, identity: str, error: Exception | None) -> None:
    """Writes ``ended.json``. An error that a retry cannot fix is marked as refused and gets a remedy."""
    said = None if error is None else str(error)
    refused = isinstance(error, CheckpointRefused)
    if error is not None and java_is_gone(error):
        said = f"Its Java process is gone: killed, or out of memory ({said})."
    elif said and not refused:
        remedy, refused = diagnosis(said)
        said = f"{remedy}\n{said}".strip()
    write_json(folder.ended, {"identity": identity, "clean": error is None, "error": said, "refused": refused})


def java_is_gone(error: Exception) -> bool:
    """Whether Java did not answer, as opposed to answering with an error.

    If the connection is reset before the answer, Py4J reports an error of the call, but without Java's trace.
    """
    said = str(error)
    failed = type(error) is Py4JError and said.startswith("An error occurred while calling")
    return (failed and "Trace:" not in said) or isinstance(error, (Py4JNetworkError, ConnectionError))


if __name__ == "__main__":
    sys.exit(main())
