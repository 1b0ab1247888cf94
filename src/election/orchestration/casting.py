"""A casting worker as a task. On SIGTERM it stops after its batch, and the next try casts the rest."""

import signal
import threading
from dataclasses import asdict
from typing import Any

from election import casting
from election.errors import StageFailed
from election.platform import Platform


def cast(platform: Platform, slug: str, worker: int, rate: float) -> dict[str, Any]:
    """What the worker did, as ``casting.Cast``. For the process's main thread, which hears signals.

    Raises StageFailed after a SIGTERM, so that a task with voters left is not taken for done. Airflow's own answer to
    the signal ends nothing; it kills the process a few seconds later.
    """
    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        done = casting.cast(platform, slug, worker=worker, rate=rate, stop=stop)
    finally:
        signal.signal(signal.SIGTERM, before)
    if stop.is_set():
        raise StageFailed(
            f"Worker {worker} was asked to stop and ended after a batch; {done.ballots:,} ballots of {slug} are stored "
            "and published. The next try, or clearing the task, goes on from there."
        )
    return asdict(done)
