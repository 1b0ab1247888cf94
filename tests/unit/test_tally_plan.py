"""What a batch of the count does not do: passes of the optimizer that find nothing, settings that nobody needs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.tally.job import SESSION, forget_defaults
from spark_jobs.tally.transforms import tally

PASSES, LEFT_OUT = "spark.sql.optimizer.maxIterations", "spark.sql.optimizer.excludedRules"


def plan(counted: DataFrame) -> str:
    """The optimized plan, with the columns' numbers in the order in which they appear."""
    optimizer = counted.sparkSession._jsparkSession.sessionState().optimizer()
    numbers: dict[str, str] = {}
    return re.sub(
        r"#(\d+)",
        lambda found: f"#{numbers.setdefault(found[1], str(len(numbers)))}",
        optimizer.execute(counted._jdf.queryExecution().analyzed()).toString(),
    )


def test_the_plan_is_the_same_as_with_every_rule_and_pass(spark: SparkSession, tmp_path: Path) -> None:
    records = spark.readStream.schema("key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT")
    counted = tally(records.json(str(tmp_path)), 1)
    quick = plan(counted)
    spark.conf.unset(LEFT_OUT)
    spark.conf.set(PASSES, "100")
    try:
        assert plan(counted) == quick
    finally:
        for name in (PASSES, LEFT_OUT):
            spark.conf.set(name, SESSION[name])


def test_the_defaults_of_other_clusters_are_not_sent_with_each_batch(spark: SparkSession) -> None:
    def sent() -> dict[str, str]:
        hadoop = spark._jsparkSession.sessionState().newHadoopConf()
        return {entry.getKey(): entry.getValue() for entry in iter_java(hadoop.iterator())}

    before = sent()
    forget_defaults(spark, "yarn.", "mapreduce.")
    left = {name: value for name, value in before.items() if not name.startswith(("yarn.", "mapreduce."))}
    assert sent() == left
    assert len(left) < len(before) / 2


def iter_java(iterator: Any) -> Iterator[Any]:
    while iterator.hasNext():
        yield iterator.next()
