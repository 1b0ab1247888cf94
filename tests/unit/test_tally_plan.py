"""What a batch of the count does not do: passes of the optimizer that find nothing, and a process for every file."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from election.count.submission import conf
from election.settings import PROJECT, Settings
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


def test_no_process_is_started_for_a_file_of_the_checkpoint(tmp_path: Path) -> None:
    started, programs = tmp_path / "started", tmp_path / "bin"
    programs.mkdir()
    chmod = programs / "chmod"
    chmod.write_text(f'#!/bin/sh\necho "$@" >>{started}\nexec /bin/chmod "$@"\n')
    chmod.chmod(0o755)
    files = ("spark.hadoop.fs.", "spark.driver.extraClassPath", "spark.sql.streaming.checkpoint")
    options = [f"--conf={k}={v}" for k, v in conf(Settings(var=tmp_path / "var")).items() if k.startswith(files)]
    counted = subprocess.run(
        [Path(sys.prefix, "bin", "spark-submit"), "--master", "local[2]", *options,
         PROJECT / "spark_jobs" / "tally" / "rehearsal.py"],
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(PROJECT),
                          "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )  # fmt: skip
    assert counted.returncode == 0, counted.stderr
    assert not started.exists(), started.read_text()
