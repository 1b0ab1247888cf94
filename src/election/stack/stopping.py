"""`election down`: stops cleanly, readers first, and leaves no process behind."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from election.count import driver
from election.errors import ElectionError
from election.settings import Settings
from election.stack.airflow import pause_stream
from election.stack.orphans import end, orphans
from election.stack.services import STOPPING
from election.stack.starting import exclusively
from election.stack.supervision import Supervisor


def stop(settings: Settings) -> list[str]:
    """Stops every process of this platform, and returns warnings.

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
        end(orphans(settings))
        return [trouble] if trouble else []


def remove(settings: Settings) -> None:
    """Removes all that runs left behind: `make clean`. The empty folder stays where its parent is not this user's."""
    stop(settings)
    shutil.rmtree(settings.var, ignore_errors=True)


def end_streaming(settings: Settings) -> str | None:
    """Ends the streaming driver while Spark and Kafka still answer, so that it finishes its batch."""
    with suppress(ElectionError):  # no Airflow that answers: then nothing submits the stream again either
        pause_stream(settings)
    try:
        driver.stop(settings, seconds=60)
    except ElectionError as error:
        return f"The tally did not stop by itself and is killed now; it resumes where it was. ({error})"
    return None
