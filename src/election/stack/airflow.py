"""Airflow 3: API server, scheduler, DAG processor and triggerer, with their metadata in this stack's Postgres."""

import json
import os
import subprocess
import sys
import threading
from configparser import ConfigParser
from datetime import datetime
from functools import partial
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import requests

from election.clients.airflow import Airflow
from election.clients.pages import page
from election.errors import NotReachable, StackError
from election.settings import KafkaUser, Role, Settings
from election.stack.secrets import private_file
from election.stack.service import Program, Service, end_predecessor
from election.toolchain import java, spark_home, venv_program

USERS = {"admin": "admin", "operator": "user", "viewer": "viewer"}
"""Logins and their roles in Airflow."""

MAY = {
    "viewer": "look",
    "user": "look, start, stop and decide, and see rejected records",
    "admin": "do everything, also change connections and settings",
}
"""What the roles may do."""

KAFKA: tuple[KafkaUser, ...] = ("app", "owner")
"""Kafka users that tasks log in as; the count logs in as itself."""

RUNNERS = 16
"""Tasks that run at the same time; `election_run` lets casting have twelve of them."""


_preparing = threading.Lock()


def prepare(settings: Settings) -> None:
    """Writes the configuration and upgrades the metadata tables; the first of the four processes does."""
    with _preparing:
        _prepare(settings)


def _prepare(settings: Settings) -> None:
    configure(settings)
    if settings.runtime == "native":  # in containers `init` has done it
        migrate(settings)


def configure(settings: Settings) -> None:
    """Writes the configuration and the logins, readable by this user alone."""
    home = _home(settings)
    home.mkdir(parents=True, exist_ok=True)
    if home.stat().st_uid == os.geteuid():
        home.chmod(0o700)
    private_file(home / "airflow.cfg", configuration(settings))
    passwords = {user: settings.secret(f"airflow_{user}") for user in USERS}
    private_file(home / "passwords.json", json.dumps(passwords))


def migrate(settings: Settings) -> None:
    """Upgrades the metadata tables; costs nothing if they are up to date."""
    migrated = _home(settings) / "migrated"
    if not migrated.exists() or migrated.read_text() != _revision(settings):
        _airflow(settings, "db", "migrate")
        migrated.write_text(_revision(settings))


def configuration(settings: Settings) -> str:
    """airflow.cfg: what differs from Airflow's defaults. Holds secrets."""
    home = _home(settings)
    metadata = settings.dsn("airflow").replace("postgresql://", "postgresql+psycopg://")
    sections: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": settings.root / "dags",
            "plugins_folder": settings.root / "plugins",
            "load_examples": False,
            "executor": "election.orchestration.executor.TrackingLocalExecutor",
            "parallelism": RUNNERS,
            # On the native stack `election up` lets them run, once Airflow has read them all.
            "dags_are_paused_at_creation": settings.runtime == "native",
            "hostname_callable": "election.stack.hostname.hostname",
            "fernet_key": settings.secret("airflow_fernet"),
            "execution_api_server_url": f"{settings.airflow_url}/execution/",
            "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "simple_auth_manager_passwords_file": home / "passwords.json",
            "min_serialized_dag_update_interval": 5,
            # Only folders of this project are parsed, so that nothing hides behind the heuristic of file contents.
            "dag_discovery_safe_mode": False,
        },
        "database": {"sql_alchemy_conn": metadata},
        "logging": {
            "base_log_folder": home / "logs",
            "dag_processor_child_process_log_directory": home / "logs" / "dag_processor",
            "uvicorn_logging_level": "WARNING",
            "colored_console_log": False,
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
            "worker_log_server_port": settings.airflow_log_port,
            "trigger_log_server_port": settings.airflow_trigger_log_port,
        },
        "api": {
            "host": settings.host,
            "port": settings.airflow_port,
            "base_url": settings.airflow_page,
            "secret_key": settings.secret("airflow_api"),
            "workers": 1,
            "enable_swagger_ui": False,
        },
        "api_auth": {
            "jwt_secret": settings.secret("airflow_jwt"),
            "jwt_expiration_time": settings.session_hours * 3600,
        },
        # An API server that is away for some minutes must not cost a task that works without it.
        "workers": {"max_failed_heartbeats": 36, "execution_api_retries": 10, "execution_api_retry_wait_max": 10},
        "scheduler": {
            # Short waits between tasks; an idle scheduler still takes less than a tenth of a core.
            "scheduler_idle_sleep_time": 0.5,
            # A task whose process died with its scheduler is noticed after this many seconds, or when it is orphaned.
            "task_instance_heartbeat_timeout": 120,
            "orphaned_tasks_check_interval": 20,
            # So is one whose runner died before it said that it runs it. No other waits as long: our executor takes no
            # more tasks than it has runners.
            "task_queued_timeout": 120,
            "task_queued_timeout_check_interval": 20,
        },
        # New and changed files are found within seconds. One that has not changed is read again for a new scenario in
        # its form alone; each such round takes more than a second of a core.
        "dag_processor": {"refresh_interval": 10, "min_file_process_interval": 60, "parsing_processes": 1},
    }
    parser = ConfigParser(interpolation=None)
    parser.read_dict({name: {key: str(value) for key, value in options.items()} for name, options in sections.items()})
    text = StringIO()
    # Airflow expands %(name)s itself.
    for section in parser.sections():
        for key, value in parser[section].items():
            parser[section][key] = value.replace("%", "%%")
    parser.write(text)
    return text.getvalue()


def connections(settings: Settings) -> list[dict[str, Any]]:
    """The platform's addresses and logins, as Airflow connections for the DAGs."""

    def postgres(role: Role) -> dict[str, Any]:
        return {
            "connection_id": f"election_{role}",
            "conn_type": "postgres",
            "description": f"Elections, as the database role {settings.role_name(role)}",
            "host": settings.postgres_host,
            "port": settings.postgres_port,
            "schema": settings.postgres_database,
            "login": settings.role_name(role),
            "password": settings.secret(f"postgres_{role}"),
            "extra": json.dumps({"application_name": f"airflow-{role}"} | settings.postgres_tls),
        }

    return [
        *(postgres(role) for role in ("owner", "app", "auditor", "box", "reader")),
        *(
            {
                "connection_id": f"election_kafka_{user}",
                "conn_type": "kafka",
                "description": f"Kafka, as the user {user}; the extra is librdkafka's configuration",
                "extra": json.dumps(settings.kafka_login(user) | {"group.id": "airflow"}),
            }
            for user in KAFKA
        ),
        {
            "connection_id": "election_spark",
            "conn_type": "spark",
            "description": "The cluster that counts",
            "host": f"spark://{settings.spark_host}",
            "port": settings.spark_master_port,
            "extra": json.dumps({"deploy-mode": "client"}),
        },
    ]


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
    file = _home(settings) / "connections.json"
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
    return settings.environment | {
        "AIRFLOW_HOME": str(_home(settings)),
        # Tasks start spark-submit and python by name.
        "PATH": os.pathsep.join([str(Path(sys.prefix, "bin")), str(java().parent), os.environ["PATH"]]),
        "JAVA_HOME": str(java().parents[1]),
        "SPARK_HOME": str(spark_home()),
        "SPARK_LOCAL_IP": settings.node,
        "SPARK_PUBLIC_DNS": settings.public_host,
        "PYTHONUNBUFFERED": "1",
    }


def program(part: str, settings: Settings) -> Program:
    # The logs of tasks are on this machine's disk: servers that hand them out are not needed.
    options = ["--skip-serve-logs"] if part in ("scheduler", "triggerer") else []
    # Its tasks are forked from it, and find there what takes long to import.
    ahead = (sys.executable, "-m", "election.orchestration.scheduler") if part == "scheduler" else ()
    return Program(
        (*end_predecessor(settings, f"airflow-{part}"), *ahead, venv_program("airflow"), part, *options),
        environment(settings),
        # A scheduler waits for its tasks, however long; they are started again instead.
        stop_seconds=15,
        stop_group=True,
    )


def _home(settings: Settings) -> Path:
    return settings.var / "airflow"


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
