"""Equal rows become one within a task: what the count adds up stays, what it handles per row is less."""

import json
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from election.contracts.aggregates import AGGREGATES
from election.contracts.ballots import Choice, Place, VoteEncoder
from spark_jobs.tally.merging import merged
from spark_jobs.tally.transforms import tally


def rows(spark: SparkSession, partitions: int) -> DataFrame:
    """A hundred rows, 25 each of four sorts; some of a row's columns are null."""
    sort = fn.col("id") % 4
    names = fn.struct(fn.when(sort > 1, "name").alias("a"), fn.lit(None).cast("string").alias("b"))
    return spark.range(0, 100, numPartitions=partitions).select(sort.alias("sort"), names.alias("names"))


def test_a_task_merges_its_equal_rows_and_says_how_many(spark: SparkSession) -> None:
    left = merged(rows(spark, 1), "equal").collect()
    assert sorted((row.sort, row.names.a, row.names.b, row.equal) for row in left) == [
        (0, None, None, 25),
        (1, None, None, 25),
        (2, "name", None, 25),
        (3, "name", None, 25),
    ]
    assert len(merged(rows(spark, 2), "equal").collect()) == 8  # each of two tasks has its own


def test_rows_are_merged_and_their_sum_is_right_whatever_the_optimizer_does(spark: SparkSession) -> None:
    excluded = "spark.sql.optimizer.excludedRules"
    before = spark.conf.get(excluded) or ""
    for rules in (before, ""):
        spark.conf.set(excluded, rules)
        try:
            summed = merged(rows(spark, 2), "equal").groupBy("sort").agg(fn.sum("equal").alias("all"))
            assert {row.sort: row["all"] for row in summed.collect()} == dict.fromkeys(range(4), 25)
            assert "functions=[sum((coalesce(" in summed._jdf.queryExecution().executedPlan().toString()
        finally:
            spark.conf.set(excluded, before)


def test_a_column_of_numbers_that_is_renamed_merges_nothing_again(spark: SparkSession) -> None:
    renamed = merged(rows(spark, 1), "equal").sort("sort").select(fn.col("equal").alias("number"))
    assert [row.number for row in renamed.collect()] == [25] * 4


def test_rows_that_stand_for_several_are_merged_to_one_that_stands_for_all(spark: SparkSession) -> None:
    counted = rows(spark, 1).withColumn("each", fn.col("sort") + 1)
    left = merged(merged(counted, "seen").drop("each"), "equal", "seen").collect()
    assert sorted((row.sort, row.equal) for row in left) == [(sort, 25) for sort in range(4)]
    left = merged(counted, "equal", "each").collect()
    assert sorted((row.sort, row.equal) for row in left) == [(sort, 25 * (sort + 1)) for sort in range(4)]
    assert left[0].asDict().keys() == {"sort", "names", "equal"}


def test_the_count_merges_before_it_keeps_state(spark: SparkSession, tmp_path: Path) -> None:
    encode = VoteEncoder(1, "party", [Choice(1, "Contest", 1, "Candidate", "Party")], [Place(1, "", "", "Place")])
    keys = [number.to_bytes(16, "big") for number in range(50)]
    votes = [
        {"key": key.hex(), "value": encode(key, 1, 1, 1, None, 1, "female", "18-24", 0).decode(), "offset": offset}
        for offset, key in enumerate(keys)
    ]
    (tmp_path / "votes").mkdir()
    (tmp_path / "votes" / "0.json").write_text("\n".join(map(json.dumps, votes)))
    records = spark.readStream.schema("key STRING, value STRING, offset BIGINT").json(str(tmp_path / "votes"))
    records = records.select(
        fn.unhex("key").alias("key"), fn.col("value").cast("binary").alias("value"),
        fn.lit("votes_topic").alias("topic"), fn.lit(0).alias("partition"), "offset",
    )  # fmt: skip
    query = (
        tally(records, 1)
        .writeStream.format("noop")
        .outputMode("update")
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    of_totals = query.recentProgress[0]["stateOperators"][0]
    assert (of_totals["operatorName"], of_totals["numRowsUpdated"]) == (
        "stateStoreSave",
        len(AGGREGATES) - 1,
    )  # no ranking
    plan = query._jsq.explainInternal(False)
    # Equal ballots before they become rows of totals, and equal rows after it; a plan begins with what comes last.
    rows, ballots = plan.index(") HashAggregate(keys=[row#"), plan.index(") HashAggregate(keys=[election#")
    assert rows < plan.index("Generate explode") < ballots
