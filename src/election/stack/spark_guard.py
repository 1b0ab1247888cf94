"""Runs Spark's master or worker and ends it when the two are at odds, so that whoever runs this starts it anew.

Neither notices by itself, and the count would wait for an executor for ever:

- A worker that starts while its master recovers takes the master's word to its predecessor, which had the same address,
  for its own, and never registers. Killing both within seconds is enough. The worker starts anew.
- A master that recovers and hears from its worker twice, first that it is there and then what it runs, may start a
  second executor in between, under the same number. It then holds the cores of one of them for taken when both are
  gone: by the worker, or by the application, which is given no other. The master starts anew: it recovers what the
  worker says by then.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import httpx

from election.errors import NotReachable
from election.settings import Settings
from election.stack.pages import pages
from election.stack.spark import has_worker, master_ready, master_state

LOOK = 5.0  # seconds between looks at the other one
AT_ODDS = 30.0  # seconds for which both may be at work and at odds


def main(role: str, command: list[str]) -> int:
    """Runs ``command``, the "master" or "worker", until it ends, is ended or at odds; returns its exit status."""
    settings, (agrees, why) = Settings(), _ROLES[role]
    # Killed with this process, however that dies: its successor needs the port at once.
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command])

    def end(_signal: int, _frame: FrameType | None) -> None:
        process.terminate()

    signal.signal(signal.SIGTERM, end)
    agreed = time.monotonic()
    while (status := _ended(process)) is None:
        if agrees(settings):
            agreed = time.monotonic()
        elif time.monotonic() - agreed > AT_ODDS:
            print(f"For {AT_ODDS:.0f} s {why}; it starts anew.", flush=True)  # noqa: T201
            process.terminate()
            return process.wait(30) or 1
    return status


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    """Its exit status; None while it runs."""
    try:
        return process.wait(LOOK)
    except subprocess.TimeoutExpired:
        return None


def _known(settings: Settings) -> bool:
    """False only when both are at work and the master does not have the worker; else the worker is not to blame."""
    try:
        master_ready(settings, 0)
        _worker(settings, settings.node)
        return has_worker(settings, settings.node)
    except (NotReachable, httpx.HTTPError):
        return True


def _counts(settings: Settings) -> bool:
    """False only when the master, which leads, is wrong about what is taken.

    It says that applications hold a different number of cores than its workers have given, or that a worker at work has
    given more or less memory than its executors have. The worker's own sums are no help: one that was told to launch an
    executor under a number that it runs already ends that one, and never subtracts it.
    """
    try:
        master = master_state(settings)
        if master["status"] != "ALIVE":
            return True
        workers = [worker for worker in master["workers"] if worker["state"] == "ALIVE"]
        pairs = [(told, _worker(settings, told["host"])) for told in workers]
    except (NotReachable, httpx.HTTPError):
        return True
    had = sum(application["cores"] for application in master["activeapps"])
    return had == sum(worker["coresused"] for worker in workers) and all(
        told["id"] != own["id"] or told["memoryused"] == sum(executor["memory"] for executor in own["executors"])
        for told, own in pairs
    )


def _worker(settings: Settings, host: str) -> dict[str, Any]:
    """The worker's own account of itself. Raises httpx.HTTPError."""
    answer = pages().get(f"http://{host}:{settings.spark_worker_ui_port}/json/", timeout=3)
    return dict(answer.raise_for_status().json())


_ROLES: dict[str, tuple[Callable[[Settings], bool], str]] = {
    "master": (_counts, "the Spark master has had cores or memory for taken that are not, or for free"),
    "worker": (_known, "the Spark master has not known this worker"),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
