"""The whole native stack: up, asked, attacked, down."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from election.platform import Platform
from election.settings import Settings
from election.stack.secrets import SECRETS
from election.stack.services import SERVICES
from election.stack.starting import start
from election.stack.status import status
from election.stack.supervision import Supervisor

NAMES = [service.name for service in SERVICES]


def election(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, as a person types it."""
    return subprocess.run(
        [Path(sys.prefix, "bin", "election"), *arguments], capture_output=True, text=True, check=False
    )


def test_status_says_where_everything_is(stack: Platform) -> None:
    await_true(lambda: json.loads(election("status", "--json").stdout)["ready"], 60)
    answer = json.loads(election("status", "--json").stdout)
    assert [service["name"] for service in answer["services"]] == NAMES
    for service in answer["services"]:
        assert set(service) == {"name", "state", "ready", "pid", "url"}
        assert psutil.pid_exists(service["pid"])
    assert answer["kafka"] == {"bootstrap": stack.settings.kafka_bootstrap}
    assert answer["dashboard"] == {"url": stack.settings.dashboard_url}
    assert answer["results_feed"] == {"url": stack.settings.feed_url}
    assert set(answer["spark"]) == {"master", "url"}
    for login in (answer["postgres"], answer["airflow"]):
        assert len(Path(login["password_file"]).read_text()) >= 32
    assert Path(answer["postgres"]["password_file"]).read_text() not in answer["postgres"]["dsn"]


def test_a_second_up_changes_nothing_and_is_quick(stack: Platform) -> None:
    before = {name: info["pid"] for name, info in Supervisor(stack.settings).processes().items()}
    begun = time.monotonic()
    answer = election("up")
    assert answer.returncode == 0
    assert "up already" in answer.stdout
    assert time.monotonic() - begun < 60, "a start takes longer"
    assert {name: info["pid"] for name, info in Supervisor(stack.settings).processes().items()} == before


def test_nothing_listens_to_other_machines(stack: Platform) -> None:
    pids = {process.pid for process in of_the_stack(stack.settings)}
    listening = [c for c in psutil.net_connections("tcp") if c.pid in pids and c.status == psutil.CONN_LISTEN]
    assert len(listening) > len(NAMES)
    assert [c for c in listening if c.laddr.ip not in ("127.0.0.1", "::1", "::ffff:127.0.0.1")] == []


def test_no_secret_is_in_a_command_line_or_a_log(stack: Platform) -> None:
    secrets = [stack.settings.secret(name) for name in SECRETS]
    shown = []
    for process in of_the_stack(stack.settings):
        with suppress(psutil.NoSuchProcess):  # Airflow's short-lived ones end while they are looked at
            shown.append(" ".join(process.cmdline()))
    assert len(shown) > len(NAMES)
    shown += [log.read_text(errors="replace") for log in (stack.settings.var / "logs").iterdir()]
    assert [text[:200] for text in shown if any(secret in text for secret in secrets)] == []


def test_files_with_secrets_are_private(stack: Platform) -> None:
    secrets = [stack.settings.secret(name).encode() for name in SECRETS]
    for folder in ("secrets", "supervisor", "airflow"):
        for file in (stack.settings.var / folder).rglob("*"):
            if file.is_file() and any(secret in file.read_bytes() for secret in secrets):
                assert file.stat().st_mode & 0o077 == 0, file


def test_airflow_has_the_connections_that_dags_use(stack: Platform) -> None:
    answer = api(stack.settings, "admin").get("/api/v2/connections").json()
    names = {connection["connection_id"] for connection in answer["connections"]}
    roles = {f"election_{role}" for role in ("owner", "app", "auditor", "box", "reader")}
    assert names == {*roles, "election_kafka_app", "election_kafka_owner", "election_spark"}


def test_airflow_reads_every_dag(stack: Platform) -> None:
    assert api(stack.settings, "admin").get("/api/v2/importErrors").json()["import_errors"] == []


def test_a_viewer_sees_elections_but_starts_none(stack: Platform) -> None:
    viewer = api(stack.settings, "viewer")
    assert viewer.get("/api/v2/dags").status_code == 200
    body = {"logical_date": None}
    assert viewer.post("/api/v2/dags/election_run/dagRuns", json=body).status_code == 403
    assert viewer.patch("/api/v2/dags/tally_stream", json={"is_paused": True}).status_code == 403
    assert viewer.get("/api/v2/connections").status_code == 403


def test_a_stranger_sees_nothing_of_airflow(stack: Platform) -> None:
    assert httpx.get(f"{stack.settings.airflow_url}/api/v2/dags", trust_env=False, timeout=30).status_code == 401


def test_doctor_finds_nothing_wrong(stack: Platform) -> None:
    answer = election("doctor", "--json")
    assert answer.returncode == 0, answer.stdout
    assert {finding["subject"] for finding in json.loads(answer.stdout)} > {"Java", "disk", "secrets", *NAMES}


def test_up_starts_again_what_was_stopped_by_hand(stack: Platform) -> None:
    supervisor = Supervisor(stack.settings)
    supervisor.stop_program("dashboard")
    assert not status(stack.settings)["ready"]
    assert start(stack.settings) == ["dashboard"]
    assert status(stack.settings)["ready"]


def of_the_stack(settings: Settings) -> list[psutil.Process]:
    """supervisor and every process below it."""
    daemon = Supervisor(settings).daemon()
    assert daemon is not None
    return [daemon, *daemon.children(recursive=True)]


def api(settings: Settings, user: str) -> httpx.Client:
    client = httpx.Client(base_url=settings.airflow_url, trust_env=False, timeout=30)
    login = {"username": user, "password": settings.secret(f"airflow_{user}")}
    client.headers["Authorization"] = f"Bearer {client.post('/auth/token', json=login).json()['access_token']}"
    return client


def await_true(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)
