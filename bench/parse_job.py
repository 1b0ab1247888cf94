"""What the count is measured against: reads and parses ``votes_topic`` with the same executor, and keeps nothing.

It reads as Spark does unless told; with the argument ``tuned`` as the count does. Prints one JSON object a batch.
"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from election.contracts import topics
from election.contracts.messages import VoteMessage
from election.contracts.schemas import spark_ddl
from election.platform import native
from spark_jobs.tally.job import MAX_OFFSETS, READING, kafka_options

session = SparkSession.builder.appName("parse").getOrCreate()
records = (
    session.readStream.format("kafka")
    .options(**kafka_options(native().kafka))
    .option("subscribe", topics.VOTES)
    .options(**(READING if "tuned" in sys.argv else {}))
    .option("startingOffsets", "earliest")
    .option("maxOffsetsPerTrigger", MAX_OFFSETS)
    .load()
)
parsed = records.select(fn.from_json(fn.col("value").cast("string"), spark_ddl(VoteMessage)).alias("vote")).select(
    "vote.*"
)
query = parsed.writeStream.format("noop").trigger(availableNow=True).start()
query.awaitTermination()
for batch in query.recentProgress:
    print(json.dumps({"messages": batch["numInputRows"], "ms": batch["durationMs"]["triggerExecution"]}))  # noqa: T201
