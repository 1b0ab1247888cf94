"""Stops the query after its batch, and requires that a stop was requested."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from pyspark.sql.streaming.query import StreamingQuery

from election.count.folder import Folder
from election.count.launching import IDENTITY
from election.errors import StageFailed
from spark_jobs.tally.reading import newest

FINISH = 60.0  # seconds a batch may take to finish when a stop was asked for


def forget_old_stop(folder: Folder) -> None:
    """Removes the stop marker of an earlier driver, unless ``election.count`` started this one.

    ``election.count`` removes the marker before the start, so a marker that is there now is meant for this driver. A
    cluster, or ``spark-submit`` by hand, does not remove it.
    """
    if IDENTITY not in os.environ:
        folder.stop.unlink(missing_ok=True)


def finish(query: StreamingQuery, checkpoint: Path, meanwhile: Callable[[], object]) -> None:
    """Waits for the end of the running batch, then stops the query. A batch that starts after it is repeated later.

    ``meanwhile`` is called repeatedly until then.
    """
    running = newest(checkpoint, "offsets")
    deadline = time.monotonic() + FINISH
    while newest(checkpoint, "commits") < running and time.monotonic() < deadline:
        if query.awaitTermination(0.02):  # type: ignore[arg-type]
            break
        meanwhile()
    query.stop()


def must_be_asked(folder: Folder) -> None:
    """Raises StageFailed when no stop was requested: a query may end without an error of its own."""
    if not folder.stop.exists():
        raise StageFailed(
            "The query ended without an error and without a requested stop: Spark ended the application, or a person "
            "stopped the query. Airflow starts the tally again; without it, `election tally start`."
        )
