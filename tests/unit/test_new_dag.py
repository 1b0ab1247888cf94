"""A new DAG file needs no other change: `election up` waits until Airflow has read it, and unpauses its DAG."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from election.errors import NotReachable
from election.settings import Settings
from election.stack import airflow

BEAT = "2026-01-01T00:00:00+00:00"


class Server:
    """Airflow's API, as far as `election up` asks it: what it knows of DAGs, and what was done to them."""

    def __init__(self) -> None:
        self.paused: dict[str, bool] = {}
        self.errors: list[dict[str, str]] = []

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        match method, path.split("?", maxsplit=1)[0].removeprefix("/api/v2/").split("/"):
            case "GET", ["monitor", "health"]:
                return {"dag_processor": {"status": "healthy", "latest_dag_processor_heartbeat": BEAT}}
            case "GET", ["dags"]:
                known = self.paused.items()
                return {"dags": [{"dag_id": n, "is_paused": p, "relative_fileloc": f"{n}.py"} for n, p in known]}
            case "GET", ["importErrors"]:
                return {"import_errors": self.errors}
            case "PATCH", ["connections"]:
                return {"create": {"errors": []}}
            case "PATCH", ["dags", name]:
                self.paused[name] = body["is_paused"]
        return {"access_token": "token"}


@pytest.fixture
def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    stand_in = Server()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = json.dumps(stand_in.answer(self.command, self.path, json.loads(body or b"null"))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = handle_one  # noqa: N815  (names of http.server)

        def log_message(self, *_: object) -> None:
            """Not into the test's output."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=http.serve_forever, daemon=True).start()
    monkeypatch.setenv("ELECTION_AIRFLOW_PORT", str(http.server_port))
    yield stand_in
    http.shutdown()
    http.server_close()


@pytest.fixture
def project(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A project with one DAG more than this one has."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "turnout_report.py").touch()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "airflow_admin").write_text("password")
    monkeypatch.setattr(airflow, "connections", lambda _settings: [])
    return Settings(root=tmp_path)


def test_up_waits_for_a_new_dag(project: Settings, server: Server) -> None:
    with pytest.raises(NotReachable, match=r"has not found a DAG in turnout_report.py yet"):
        airflow.dags_known(project, 0)
    server.paused = {"turnout_report": True}
    airflow.dags_known(project, 0)


def test_up_shows_why_a_new_dag_cannot_be_read(project: Settings, server: Server) -> None:
    server.errors = [{"filename": "turnout_report.py", "stack_trace": "Traceback\nNameError: name 'dags'"}]
    with pytest.raises(NotReachable, match="NameError: name 'dags'"):
        airflow.dags_known(project, 0)


def test_up_unpauses_a_new_dag(project: Settings, server: Server) -> None:
    server.paused = {"turnout_report": True}
    airflow.go_to_work(project)
    assert server.paused == {"turnout_report": False}
