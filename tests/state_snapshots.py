"""Changes a state with the count's settings until Spark has put it down whole and removed the changes before.

    spark-submit --master local[2] state_snapshots.py CHECKPOINT

Without these a driver that starts reads every change since the election's first ballot. Spark does it beside the
batches, and only logs that it cannot. Exit status 1 when it did not in a minute.
"""

import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession

from spark_jobs.tally.job import STATE

SOON = {"spark.sql.streaming.stateStore.maintenanceInterval": "1s", "spark.sql.streaming.minBatchesToRetain": "2"}


def main(checkpoint: Path) -> int:
    builder = SparkSession.builder.appName("snapshots").config("spark.ui.port", "0")
    for key, value in {**STATE, **SOON}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    rows = session.readStream.format("rate-micro-batch").option("rowsPerBatch", 10).load()
    query = (
        rows.select("value")
        .dropDuplicates(["value"])
        .writeStream.format("noop")
        .outputMode("update")
        .option("checkpointLocation", str(checkpoint))
        .trigger(processingTime="100 milliseconds")
        .start()
    )
    deadline = time.monotonic() + 60
    while query.isActive and time.monotonic() < deadline:
        state = checkpoint / "state" / "0" / "0"
        if list(state.glob("*.zip")) and not (state / "1.changelog").exists():
            break
        time.sleep(0.2)
    else:
        print(sorted(file.name for file in state.iterdir()), query.exception())  # noqa: T201
        return 1
    query.stop()
    session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
