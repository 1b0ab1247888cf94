"""Airflow 3: API server, scheduler, DAG processor and triggerer, with their metadata in this stack's Postgres."""

import json
import os
import subprocess
import sys
import threading
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from election.clients.airflow import Airflow
from election.clients.pages import page
from election.errors import NotReachable, StackError
from election.settings import Settings
from election.stack.airflow_configuration import USERS, home, merged, options, secret_options, written
from election.stack.airflow_connections import connections
from election.stack.secrets import private_file
from election.stack.service import Program, Service, end_predecessor
from election.toolchain import java, spark_home, venv_program

_preparing = threading.Lock()


def prepare(settings: Settings) -> None:
    """Writes the configuration and upgrades the metadata tables; the first of the four processes does."""
    with _preparing:
        _prepare(settings)


def _prepare(settings: Settings) -> None:
    configure(settings)
    if settings.runtime == "native":
        migrate(settings)
    elif settings.runtime == "kubernetes":  # `init` runs beside it; in containers it has ended
        await_tables(settings)


def configure(settings: Settings) -> None:
    """Writes the configuration and the logins, readable by this user alone."""
    file = _made_home(settings) / "airflow.cfg"
    if settings.lineage:
        settings.lineage_folder.mkdir(mode=0o700, exist_ok=True)
    private_file(file, written(merged(options(settings), secret_options(settings))))
    passwords = {user: settings.secret(f"airflow_{user}") for user in USERS}
    private_file(file.with_name("passwords.json"), json.dumps(passwords))


def configure_task(settings: Settings) -> None:
    """Writes the configuration of a pod that runs one task: it gets connections from the API server, no secret."""
    private_file(_made_home(settings) / "airflow.cfg", written(options(settings)))


def migrate(settings: Settings) -> None:
    """Upgrades the metadata tables; costs nothing if they are up to date."""
    migrated = home(settings) / "migrated"
    if not migrated.exists() or migrated.read_text() != _revision(settings):
        _airflow(settings, "db", "migrate")
        migrated.write_text(_revision(settings))


def await_tables(settings: Settings) -> None:
    """Waits for the tables that `init` makes. Raises NotReachable after five minutes."""
    Retrying(stop=stop_after_delay(300), wait=wait_fixed(1), retry=retry_if_exception_type(NotReachable), reraise=True)(
        _require_tables, settings
    )


def _require_tables(settings: Settings) -> None:
    try:
        if _revision(settings) != "empty":
            return
    except psycopg.OperationalError as error:
        raise NotReachable(f"Airflow's database does not answer: {error}") from error
    raise NotReachable("Airflow's database has no tables yet: the job `init` makes them.")


def api_ready(settings: Settings, _since: float) -> None:
    """The API server answers, and so does the metadata database."""
    if _health(settings)["metadatabase"]["status"] != "healthy":
        raise NotReachable("Airflow does not reach its metadata database.")


def part_ready(part: str, settings: Settings, since: float) -> None:
    """Airflow reports the part as healthy, by a heartbeat of this process and not of its predecessor."""
    health = _health(settings)[part]
    beat = health[f"latest_{part}_heartbeat"]
    if health["status"] != "healthy" or beat is None or datetime.fromisoformat(beat).timestamp() < since:
        raise NotReachable(f"Airflow's {part} gave no sign of life yet.")


def dags_known(settings: Settings, since: float) -> None:
    """The DAG processor is healthy, and Airflow has found a DAG in every file of the DAGs folder."""
    part_ready("dag_processor", settings, since)
    client = Airflow(settings)
    missing = {file.name for file in (settings.root / "dags").glob("*.py")} - client.dag_files()
    if missing:
        why = "; ".join(client.import_errors()) or "`election logs airflow-dag-processor` shows more"
        raise NotReachable(f"Airflow has not found a DAG in {', '.join(sorted(missing))} yet: {why}.")


def go_to_work(settings: Settings) -> None:
    """Gives Airflow its connections, then unpauses every DAG."""
    client = Airflow(settings)
    client.set_connections(connections(settings))
    for name in client.dags():
        client.pause(name, False)


def import_connections(settings: Settings) -> None:
    """Writes Airflow's connections without its API server, which is not up yet."""
    file = home(settings) / "connections.json"
    described = {
        str(c["connection_id"]): {name: value for name, value in c.items() if name != "connection_id"}
        for c in connections(settings)
    }
    private_file(file, json.dumps(described))
    try:
        _airflow(settings, "connections", "import", str(file), "--overwrite")
    finally:
        file.unlink()


def pause_stream(settings: Settings) -> None:
    """Keeps Airflow from submitting the stream again while the stack stops."""
    Airflow(settings).pause("tally_stream", True)


def _health(settings: Settings) -> dict[str, Any]:
    url = f"{settings.airflow_url}/api/v2/monitor/health"
    try:
        return dict(page(url, seconds=5).json())
    except (requests.RequestException, ValueError) as error:
        raise NotReachable(f"Airflow does not answer at {settings.airflow_url}: {error}") from error


def _revision(settings: Settings) -> str:
    """Airflow's version and the state its tables are in."""
    with psycopg.connect(settings.dsn("airflow")) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return "empty"
        rows = connection.execute("SELECT version_num FROM alembic_version ORDER BY 1").fetchall()
    return f"{version('apache-airflow-core')} {rows}"


def _airflow(settings: Settings, *arguments: str) -> None:
    answer = subprocess.run(
        [venv_program("airflow"), *arguments],
        capture_output=True, text=True, check=False, env=os.environ | environment(settings), cwd=settings.root,
    )  # fmt: skip
    if answer.returncode:
        last = "\n".join((answer.stderr or answer.stdout).strip().splitlines()[-8:])
        raise StackError(f"`airflow {' '.join(arguments)}` failed:\n{last}")


def environment(settings: Settings) -> dict[str, str]:
    """The environment of Airflow's processes, and so of every task."""
    return (
        settings.environment
        | _telemetry(settings)
        | {
            "AIRFLOW_HOME": str(home(settings)),
            # Tasks start spark-submit and python by name.
            "PATH": os.pathsep.join([str(Path(sys.prefix, "bin")), str(java().parent), os.environ["PATH"]]),
            "JAVA_HOME": str(java().parents[1]),
            "SPARK_HOME": str(spark_home()),
            "SPARK_LOCAL_IP": settings.node,
            "SPARK_PUBLIC_DNS": settings.public_host,
            "PYTHONUNBUFFERED": "1",
        }
    )


def _telemetry(settings: Settings) -> dict[str, str]:
    """Where the exporter of Airflow's own metrics sends them, and who gives it the login; empty without it."""
    if not settings.otlp_url:
        return {}
    return {
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": settings.otlp_url,
        "OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_CREDENTIAL_PROVIDER": "election",
        "OTEL_METRIC_EXPORT_INTERVAL": "15000",
    }


def program(part: str, settings: Settings) -> Program:
    # The logs of tasks are on this machine's disk: servers that hand them out are not needed.
    quiet = ["--skip-serve-logs"] if part in ("scheduler", "triggerer") else []
    # Its tasks are forked from it, and find there what takes long to import.
    ahead = (sys.executable, "-m", "election.orchestration.scheduler") if part == "scheduler" else ()
    return Program(
        (*end_predecessor(settings, f"airflow-{part}"), *ahead, venv_program("airflow"), part, *quiet),
        environment(settings),
        # A scheduler waits for its tasks, however long; they are started again instead.
        stop_seconds=15,
        stop_group=True,
    )


def _made_home(settings: Settings) -> Path:
    folder = home(settings)
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)
    return folder


SERVICES = (
    Service(
        name="airflow-api-server",
        purpose="Airflow's pages and its API",
        ports=("airflow_port",),
        needs=("postgres",),
        prepare=prepare,
        program=partial(program, "api-server"),
        ready=api_ready,
        url=lambda settings: settings.airflow_page,
    ),
    *(
        Service(
            name=f"airflow-{part}",
            purpose=purpose,
            ports=(),
            needs=("postgres",),
            prepare=prepare,
            program=partial(program, part),
            ready=partial(part_ready, part),
        )
        for part, purpose in (("scheduler", "starts the tasks of runs"), ("triggerer", "watches what tasks wait for"))
    ),
    Service(
        name="airflow-dag-processor",
        purpose="reads the DAGs",
        ports=(),
        needs=("postgres",),
        prepare=prepare,
        program=partial(program, "dag-processor"),
        accepts=dags_known,
        settle=go_to_work,
        ready=dags_known,
    ),
)
