"""Logs as JSON: one object a line, with election and stage, and without the rows that Postgres quotes."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pyspark
import pytest
import structlog
from py4j.java_gateway import JavaGateway

from election import logs
from election.settings import PROJECT, Settings

ROW = (
    "duplicate key value\nDETAIL:  Key (election_no, voter_no)=(1, 4711) already exists.\nCONTEXT:  COPY votes, line 3"
)


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    """The root logger as it was."""
    before = logging.root.handlers
    structlog.contextvars.clear_contextvars()
    yield
    logging.root.handlers = before
    structlog.contextvars.clear_contextvars()


def written(settings: Settings, capsys: pytest.CaptureFixture[str], form: str, text: Any, **extra: Any) -> str:
    logs.set_up(settings.model_copy(update={"log_format": form}), "metrics")
    logging.getLogger("election.test").warning(text, **extra)
    return capsys.readouterr().err


def test_an_object_says_when_who_and_about_which_election(settings, capsys):
    logs.about("demo", "casting")
    said = json.loads(written(settings, capsys, "json", "Worker 3 waits\nfor Kafka"))
    assert said.pop("timestamp").endswith("Z")
    assert said == {
        "level": "warning",
        "logger": "election.test",
        "service": "metrics",
        "election": "demo",
        "stage": "casting",
        "event": "Worker 3 waits\nfor Kafka",
    }


def test_text_stays_text(settings, capsys):
    assert written(settings, capsys, "text", "It waits") == "It waits\n"


def test_no_row_that_postgres_quotes_gets_into_an_object(settings, capsys):
    try:
        raise psycopg.errors.UniqueViolation(ROW)
    except psycopg.Error as error:
        line = written(settings, capsys, "json", error, exc_info=True)
    said = json.loads(line)
    assert "4711" not in line and "COPY" not in line
    assert said["event"] == "duplicate key value" and "UniqueViolation" in said["exception"]


def test_a_library_with_a_handler_of_its_own_writes_objects_too(settings, capsys):
    library = logging.getLogger("library")
    library.addHandler(logging.StreamHandler(sys.stderr))
    library.propagate = False
    logs.set_up(settings.model_copy(update={"log_format": "json"}), "dashboard")
    library.error("once")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["once"]


@pytest.mark.parametrize(
    ("task", "dag", "stage"),
    [("casting.cast", "election_run", "casting"), ("count_again", "recount", "recount")],
)
def test_a_task_logs_its_election_and_stage(monkeypatch, task, dag, stage):
    from election.orchestration import runs

    class Connection:
        def __enter__(self) -> "Connection":
            return self

        def __exit__(self, *_: object) -> None: ...

    context = {"dag_run": SimpleNamespace(dag_id=dag, run_id="r"), "ti": SimpleNamespace(task_id=task)}
    monkeypatch.setattr(runs, "platform", lambda: SimpleNamespace(connect=lambda _: Connection()))
    monkeypatch.setattr(runs, "get_current_context", lambda: context)
    monkeypatch.setattr(runs, "election_of_run", lambda *_: SimpleNamespace(slug="demo"))
    runs.this_election()
    assert structlog.contextvars.get_contextvars() == {"election": "demo", "stage": stage}


@pytest.mark.parametrize("form", ["text", "json"])
def test_sparks_processes_write_the_same_form(monkeypatch, tmp_path, form):
    monkeypatch.setenv("ELECTION_LOG_FORMAT", form)
    jars = Path(pyspark.__file__).parent / "jars"
    log = tmp_path / "log"
    java = JavaGateway.launch_gateway(
        classpath=os.pathsep.join(map(str, [*jars.glob("log4j-*.jar"), *jars.glob("py4j*.jar")])),
        javaopts=[f"-Dlog4j2.configurationFile={PROJECT / 'stack' / 'spark-log4j2.properties'}", "-Xmx64m"],
        redirect_stderr=log.open("w"),
        die_on_exit=True,
    )
    java.jvm.org.apache.logging.log4j.LogManager.getLogger("org.apache.Part").warn('It said "no"')
    java.shutdown()
    java.java_process.stdin.close()  # it then ends
    java.java_process.wait(30)
    if form == "text":
        assert 'WARN Part: It said "no"' in log.read_text()
    else:
        said = json.loads(log.read_text())
        assert (said["level"], said["logger"], said["event"]) == ("WARN", "org.apache.Part", 'It said "no"')
