"""A Spark of the test's own process, with the count's settings: no cluster, no Kafka."""

import logging
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from spark_jobs.tally.job import SESSION, STATE


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.local.dir", str(tmp_path_factory.mktemp("spark")))
    for key, value in {**STATE, **SESSION}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    # At the very end it would tell of closing to a log that is closed by then.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    yield session
    session.stop()
