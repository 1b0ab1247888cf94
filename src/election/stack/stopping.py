"""`election down`: stop cleanly, whoever reads first, and leave no process behind."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil

from election.settings import Settings
from election.stack.service import MARK
from election.stack.services import STOPPING
from election.stack.starting import exclusively
from election.stack.supervision import Supervisor, identity

PATIENCE = 20
"""Seconds that a process which supervisor does not know has to end by itself."""


def stop(settings: Settings) -> list[str]:
    """Stops everything of this platform, whatever of it still lives, and returns what had to be said about it.

    State (databases, topics, checkpoints) stays. Stopping what is stopped does nothing.
    """
    if not settings.var.exists():
        return []
    with exclusively(settings):
        said = list(_quietly_end_streaming(settings))
        supervisor = Supervisor(settings)
        processes = supervisor.processes()
        for together in STOPPING:
            with ThreadPoolExecutor(len(together)) as pool:
                list(pool.map(supervisor.stop_program, [name for name in together if name in processes]))
        supervisor.stop()
        _end(leftovers(settings))
        return said


def remove(settings: Settings) -> None:
    """Removes all that runs left behind: `make clean`."""
    stop(settings)
    shutil.rmtree(settings.var, ignore_errors=True)


def _quietly_end_streaming(settings: Settings) -> Iterator[str]:
    """The streaming driver first: it finishes its batch while Spark and Kafka still answer."""
    return iter(())


def leftovers(settings: Settings) -> list[psutil.Process]:
    """Processes of this platform that outlived the one that started them, by the mark in their environment."""
    mark, found = identity(settings), []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                found.append(process)
        except psutil.Error:  # it has just ended, or belongs to somebody else
            continue
    return found


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, PATIENCE)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, PATIENCE)
