"""The count as a long-running job: ``spark-submit spark_jobs/tally/job.py``.

Takes the lock, checks that the checkpoint is its own, runs the one query and watches over it until it is asked to
stop. Exit status 0 after a stop, 1 after an error; either way ``ended.json`` says how it was. Settings come from the
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
from election.platform import Platform, native
from spark_jobs.tally.pages import refuse_thread_dumps
from spark_jobs.tally.reading import newest
from spark_jobs.tally.stopping import forget_old_stop
from spark_jobs.tally.transforms import tally
from spark_jobs.tally.watch import Watch

log = logging.getLogger("tally")
MAX_OFFSETS = 500_000
"""Votes in one batch at most: five to ten seconds of work on two cores, so that a stop or a restart costs no more."""

READING = {
    # Spark asks where the topic ends after each fetch, and is answered after the next one, which finds nothing yet.
    "kafka.fetch.max.wait.ms": "5",
    # With each handful of records that it takes over, 500 unless told, it asks where the topic begins and ends.
    "kafka.max.poll.records": "10000",
    # As everyone else reads it: what was aborted was never published.
    "kafka.isolation.level": "read_committed",
}

# The state depends on these: a checkpoint keeps the values it began with.
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
    # It refuses every sort of a stream; the one in `unseen` orders the rows of one batch within their partition.
    "spark.sql.streaming.unsupportedOperationCheck": "false",
    "spark.sql.session.timeZone": "UTC",
    # A count that waits for votes asks the broker twenty times a second, not a hundred: the others need the processor.
    "spark.sql.streaming.pollingDelay": "50ms",
    "spark.sql.adaptive.enabled": "false",
    # Else every file of the checkpoint has a second checksum file, beside Hadoop's hidden one. Its changes of state are
    # LZ4 blocks and its snapshots zip archives, which have checksums within as well.
    "spark.sql.streaming.checkpoint.fileChecksum.enabled": "false",
    # The plan is optimized three times a batch, twice of them for the text that Spark's UI shows. It is written so that
    # one pass is enough, and so that these, which cost most of those that find nothing in it, are not needed.
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
    # Ballot ids are hexadecimal; ICU's lower() costs a fifteenth of the count.
    "spark.sql.icu.caseMappings.enabled": "false",
    # Totals of one batch, and records that it rejects: above the 128 at which Spark by default begins to sort instead,
    # and few enough for the executor's memory.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "100000",
}


def main() -> int:
    platform = native()
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
        end(folder, identity, error)  # whatever it is, whoever looks for the reason finds it
        raise
    end(folder, identity, None)
    return 0


def run(platform: Platform, generation: int, checkpoint: str, issued: Mapping[str, Any]) -> StreamingQuery:
    """Starts the query; totals appear on the aggregated topics until it is stopped.

    ``issued`` says what the generation leaves out: ``quarantined``, offsets by partition of messages; ``removed``,
    numbers of elections.
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
        # Votes that are gone from the topic end the count; it never goes on without them.
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
        # A batch's totals go in few large requests; the end of each task sends what is left at once.
        .option("kafka.linger.ms", 10)
        .option("kafka.batch.size", 262_144)
        .option("kafka.max.request.size", MAX_REJECTED_BYTES)
        .start()
    )


def forget_defaults(session: SparkSession, *prefixes: str) -> None:
    """Takes settings out of Hadoop's.

    Each batch sends all of them to the executor three times, once for each part of its state. Two thirds are the
    defaults of clusters that are not there.
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
    """Returns when there is a topic to count: before the first election there is none. False: asked to stop.

    A topic that was there once and is gone is nothing to wait for: the checkpoint is refused.
    """
    bound = read_json(folder.checkpoint(watch.generation) / "binding.json")
    patience = time.monotonic() + 30  # a broker that has just come back may not know its topics yet
    while votes_topic_id(platform.kafka) is None and not (bound and time.monotonic() > patience):
        if folder.stop.exists():
            return False
        watch.beat()
        time.sleep(0.5)
    return True


def take_lock(folder: Folder) -> JavaObject | None:
    """Locks for the life of this JVM, the process that writes. None when another one has the lock."""
    SparkContext._ensure_initialized()
    jvm = SparkContext._jvm
    assert jvm is not None
    return jvm.java.io.RandomAccessFile(str(folder.lock), "rw").getChannel().tryLock()


def end(folder: Folder, identity: str, error: Exception | None) -> None:
    """Says how it was. What no other try can mend is refused, with what to do in place of it."""
    said = None if error is None else str(error)
    refused = isinstance(error, CheckpointRefused)
    if error is not None and java_is_gone(error):
        said = f"Its Java process is gone: killed, or out of memory ({said})."
    elif said and not refused:
        remedy, refused = diagnosis(said)
        said = f"{remedy}\n{said}".strip()
    write_json(folder.ended, {"identity": identity, "clean": error is None, "error": said, "refused": refused})


def java_is_gone(error: Exception) -> bool:
    """Whether no answer came from Java, as opposed to Java's own errors.

    A connection that was reset while the answer was due is to Py4J an error of the call like any other, but without its
    trace.
    """
    said = str(error)
    failed = type(error) is Py4JError and said.startswith("An error occurred while calling")
    return (failed and "Trace:" not in said) or isinstance(error, (Py4JNetworkError, ConnectionError))


if __name__ == "__main__":
    sys.exit(main())
