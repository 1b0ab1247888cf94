"""The whole stack, driven as an operator drives it: Airflow's REST API and the command line."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from election.clients.airflow import Airflow
from election.clients.spark import master_state
from election.count import driver
from election.count.folder import tally_folder
from election.errors import NotReachable
from election.platform import Platform
from election.settings import Settings
from tests.browser import FLAGS, chromium

Command = Callable[..., Any]
PATIENCE = 120_000  # milliseconds
_POLL_SECONDS = 1.0


@pytest.fixture(scope="session")
def airflow(stack: Platform) -> Airflow:
    return Airflow(stack.settings)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Started for each module anew: while it is there, nothing else in this thread can use asyncio.

    What is expected of a page has as long as a busy machine may take.
    """
    with sync_playwright() as playwright, ExitStack() as closing:
        started = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        closing.callback(started.close)
        expect.set_options(timeout=PATIENCE)
        closing.callback(expect.set_options, timeout=5_000)  # what it is unless set
        yield started


@pytest.fixture(scope="session")
def command(stack: Platform) -> Command:
    """Runs ``election …`` and returns its process; with ``--json`` among the arguments, what it answered."""

    def run(*arguments: str, status: int = 0) -> Any:
        line = [sys.executable, "-m", "election.cli", *arguments]
        done = subprocess.run(line, capture_output=True, text=True, timeout=400, check=False)
        assert done.returncode == status, f"{arguments}: {done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if "--json" in arguments else done

    return run


def ended(airflow: Airflow, dag_id: str, run_id: str, seconds: float = 300) -> str:
    """Waits until the run has ended and returns its state."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = airflow.run(dag_id, run_id)["state"]
        if state in ("success", "failed"):
            return str(state)
        time.sleep(_POLL_SECONDS)  # Airflow has no event to wait for
    tasks = {task["task_id"]: (task["state"], task["try_number"]) for task in airflow.tasks(dag_id, run_id)}
    raise AssertionError(f"{run_id} is {state} after {seconds:.0f} s: {tasks}\n{_count(airflow)}")


def _count(airflow: Airflow) -> str:
    """How the count stands, for whoever has nothing but the report of a run that did not end."""
    settings = Settings()
    log = tally_folder(settings).log
    said = log.read_text(errors="replace").splitlines()[-30:] if log.exists() else []
    try:
        master = master_state(settings)  # at one moment, as the guard of Spark's services looks at it
        said.append(json.dumps({name: master[name] for name in ("status", "workers", "activeapps")}))
        stream = airflow._send("GET", "/api/v2/dags/tally_stream/dagRuns?order_by=-run_after&limit=1")["dag_runs"]
        said += [str(airflow.dags()), str(airflow.tasks("tally_stream", stream[0]["dag_run_id"]) if stream else [])]
    except NotReachable as error:
        said.append(str(error))
    return "\n".join([*said, str(driver.state(settings))])


def until(condition: Callable[[], bool], seconds: float, every: float = 0.5) -> None:
    """Waits for what comes by itself."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(every)  # Airflow has no event to wait for
