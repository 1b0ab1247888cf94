"""Runs Spark's master or worker and ends it when the two disagree, so that supervisor or the engine restarts it.

Neither notices by itself, and the tally would wait for an executor for ever:

- A worker that starts while its master recovers takes the master's message to its predecessor, which had the same
  address, for its own, and never registers. Killing both within seconds is enough. The worker restarts.
- A recovering master hears from its worker twice: that it exists, then what it runs. In between it may start a second
  executor under the same number. When both are gone, it still counts the cores of one as allocated to the worker or
  to the application, which gets no other. The master restarts and recovers what the worker then reports.

No issue at Spark is known for either. Review at pyspark 4.2: kill both within seconds, without this module.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

from election.clients.spark import has_worker, master_state, worker_state
from election.errors import NotReachable
from election.settings import Settings
from election.stack.spark import master_ready

LOOK = 5.0  # seconds between checks of the other one
AT_ODDS = 30.0  # seconds for which both may run and disagree


def main(role: str, command: list[str]) -> int:
    """Runs ``command``, the "master" or "worker", until it ends or both disagree; returns its exit status."""
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
            print(f"For {AT_ODDS:.0f} s {why}; it restarts.", flush=True)  # noqa: T201
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
    """False only if both run and the master does not list the worker; otherwise the worker is not at fault."""
    try:
        master_ready(settings, 0)
        worker_state(settings, settings.node)
        return has_worker(settings, settings.node)
    except NotReachable:
        return True


def _counts(settings: Settings) -> bool:
    """False only if the active master's allocation is wrong.

    It counts other cores for applications than for workers, or other memory for a live worker than its executors use.
    The worker's own sums do not help: a worker that gets a second executor under the same number ends the first one
    and never subtracts it.
    """
    try:
        master = master_state(settings)
        if master["status"] != "ALIVE":
            return True
        workers = [worker for worker in master["workers"] if worker["state"] == "ALIVE"]
        pairs = [(told, worker_state(settings, told["host"])) for told in workers]
    except NotReachable:
        return True
    had = sum(application["cores"] for application in master["activeapps"])
    return had == sum(worker["coresused"] for worker in workers) and all(
        told["id"] != own["id"] or told["memoryused"] == sum(executor["memory"] for executor in own["executors"])
        for told, own in pairs
    )


_ROLES: dict[str, tuple[Callable[[Settings], bool], str]] = {
    "master": (_counts, "the Spark master's allocated cores or memory do not match the worker's"),
    "worker": (_known, "the Spark master has not known this worker"),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
