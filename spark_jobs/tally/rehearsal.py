"""Counts a few votes in one process, so that the set-up can archive the classes that Java loads for it.

    spark-submit --master local[2] --conf spark.driver.extraJavaOptions=-XX:ArchiveClassesAtExit=FILE rehearsal.py

Loading, linking and verifying classes takes most of Spark's start; from an archive it takes a third of that time.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from election.contracts.ballots import Choice, Place, VoteEncoder
from spark_jobs.tally.job import SESSION, STATE
from spark_jobs.tally.transforms import tally

VOTES = 1_000


def main() -> None:
    builder = SparkSession.builder.appName("rehearsal").config("spark.ui.port", "0")
    for key, value in {**STATE, **SESSION}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    with TemporaryDirectory() as folder:
        votes = Path(folder, "votes")
        votes.mkdir()
        for file in range(3):  # one batch per file: the second batch loads the state of the first
            (votes / str(file)).write_text(_lines(file))
        line = fn.split("value", "\t")
        records = (
            session.readStream.option("maxFilesPerTrigger", 1)
            .text(str(votes))
            .select(
                fn.unhex(line[0]).alias("key"),
                line[1].cast("binary").alias("value"),
                fn.lit("votes").alias("topic"),
                fn.lit(0).alias("partition"),
                fn.lit(0).cast("bigint").alias("offset"),
            )
        )
        query = (
            tally(records, 1)
            .writeStream.format("noop")
            .outputMode("update")
            .option("checkpointLocation", str(Path(folder, "checkpoint")))
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination()
        counted = sum(batch["numInputRows"] for batch in query.recentProgress)
    if counted != 3 * VOTES:
        raise SystemExit(f"{counted} of {3 * VOTES} votes were counted.")
    session.stop()


def _lines(file: int) -> str:
    """One vote per line: its key in hexadecimal, a tab, the message."""
    encode = VoteEncoder(1, "party", [Choice(1, "Contest", 1, "Candidate", "Party")], [Place(1, "", "", "Place")])
    keys = (number.to_bytes(16, "big") for number in range(file * VOTES, (file + 1) * VOTES))
    return "".join(f"{key.hex()}\t{encode(key, 1, 1, 1, None, 1, 'female', '18-24', 0).decode()}\n" for key in keys)


if __name__ == "__main__":
    main()
