"""What unit tests share: settings of a platform that is not there, the folder of its count, and a Spark of the test's
own process with the count's settings, without a cluster or Kafka.
"""

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

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


@pytest.fixture
def spark_says(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, Any] | None]]:
    """What Spark's ``master`` and ``worker`` say of themselves; those not in it do not answer."""
    says: dict[str, dict[str, Any] | None] = {}
    servers = []
    for role in ("master", "worker"):

        class Page(BaseHTTPRequestHandler):
            name = role

            def do_GET(self) -> None:
                self.send_response(200 if says.get(self.name) else 503)
                self.end_headers()
                self.wfile.write(json.dumps(says.get(self.name)).encode())

            def log_message(self, *_: object) -> None:
                """Not into the test's output."""

        servers.append(server := ThreadingHTTPServer(("127.0.0.1", 0), Page))
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(f"ELECTION_SPARK_{role.upper()}_UI_PORT", str(server.server_port))
    yield says
    for server in servers:
        server.shutdown()
        server.server_close()
