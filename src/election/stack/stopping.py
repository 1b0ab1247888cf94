"""`election down`: stop cleanly, whoever reads first, and leave no process behind."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil

from election.count import driver
from election.errors import ElectionError
from election.settings import Settings
from election.stack.airflow import pause_stream
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
        trouble = end_streaming(settings)
        supervisor = Supervisor(settings)
        processes = supervisor.processes()
        for together in STOPPING:
            with ThreadPoolExecutor(len(together)) as pool:
                list(pool.map(supervisor.stop_program, [name for name in together if name in processes]))
        supervisor.stop()
        _end(leftovers(settings))
        return [trouble] if trouble else []


def remove(settings: Settings) -> None:
    """Removes all that runs left behind: `make clean`."""
    stop(settings)
    shutil.rmtree(settings.var, ignore_errors=True)


def end_streaming(settings: Settings) -> str | None:
    """Ends the streaming driver while Spark and Kafka still answer, so that it finishes its batch."""
    with suppress(ElectionError):  # no Airflow that answers: then nothing submits the stream again either
        pause_stream(settings)
    try:
        driver.stop(settings, seconds=60)
    except ElectionError as error:
        return f"The count did not end by itself and is ended now; it goes on where it was. ({error})"
    return None


def leftovers(settings: Settings) -> list[psutil.Process]:
    """Processes of this platform that outlived the one that started them, by the marks in their environment: the
    stack's, or that of a streaming driver which somebody started by hand."""
    mark, found = identity(settings), []
    for process in psutil.process_iter():
        try:
            environ = process.environ()
            by_hand = driver.IDENTITY in environ and environ.get("ELECTION_VAR") == str(settings.var)
            if by_hand or environ.get(MARK) == mark:
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
