"""Runs the Spark worker and ends it when the master no longer knows it, so that whoever runs this starts it anew.

A worker that starts while its master recovers takes the master's word to its predecessor, which had the same address,
for its own, and never registers: Spark asks such a worker for nothing and it stays idle for ever. Killing both within
seconds is enough.
"""

import signal
import subprocess
import sys
import time
from types import FrameType

import httpx

from election.errors import NotReachable
from election.settings import Settings
from election.stack.spark import has_worker, master_ready

LOOK = 5.0  # seconds between looks at the master
FORGOTTEN = 30.0
"""Seconds for which master and worker may both be at work and the master not know the worker."""


def main(command: list[str]) -> int:
    """Runs ``command`` until it ends, is ended, or is forgotten; returns its exit status."""
    settings = Settings()
    # Killed with this process, however that dies: its successor needs the port at once.
    worker = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command])

    def end(_signal: int, _frame: FrameType | None) -> None:
        worker.terminate()

    signal.signal(signal.SIGTERM, end)
    known = time.monotonic()
    while (status := _ended(worker)) is None:
        if _known(settings):
            known = time.monotonic()
        elif time.monotonic() - known > FORGOTTEN:
            print(f"The Spark master has not known this worker for {FORGOTTEN:.0f} s; it starts anew.", flush=True)  # noqa: T201
            worker.terminate()
            return worker.wait(30) or 1
    return status


def _ended(worker: subprocess.Popen[bytes]) -> int | None:
    """Its exit status; None while it runs."""
    try:
        return worker.wait(LOOK)
    except subprocess.TimeoutExpired:
        return None


def _known(settings: Settings) -> bool:
    """False only when both are at work and the master does not have the worker; else the worker is not to blame."""
    try:
        master_ready(settings, 0)
        httpx.get(f"http://{settings.node}:{settings.spark_worker_ui_port}/json/", timeout=3, trust_env=False)
        return has_worker(settings, settings.node)
    except (NotReachable, httpx.HTTPError):
        return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
