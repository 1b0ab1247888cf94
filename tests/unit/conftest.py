"""What unit tests share: settings of a platform that is not there, the folder of its count, and a Spark of the test's
own process with the count's settings, without a cluster or Kafka.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from election.count.folder import Folder, tally_folder
from election.settings import Settings
from spark_jobs.tally.job import SESSION, STATE


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """What ``Settings()`` gives in the test as well, also where Airflow is imported."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("ELECTION_VAR", str(tmp_path))
    return Settings()


@pytest.fixture
def folder(settings: Settings) -> Folder:
    return tally_folder(settings)


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
