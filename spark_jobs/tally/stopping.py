"""How the query ends: after its batch, and only when somebody asked for it."""

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
    """Takes away what stopped a driver before this one. Whoever starts through ``election.count`` has done it already,
    and a stop that is there since is meant; a cluster, or a ``spark-submit`` by hand, has not."""
    if IDENTITY not in os.environ:
        folder.stop.unlink(missing_ok=True)


def finish(query: StreamingQuery, checkpoint: Path, meanwhile: Callable[[], object]) -> None:
    """Lets the running batch come to its end, then stops the query. A batch begun after that is begun again later.

    ``meanwhile`` is called again and again until then.
    """
    running = newest(checkpoint, "offsets")
    deadline = time.monotonic() + FINISH
    while newest(checkpoint, "commits") < running and time.monotonic() < deadline:
        if query.awaitTermination(0.02):  # type: ignore[arg-type]
            break
        meanwhile()
    query.stop()


def must_be_asked(folder: Folder) -> None:
    """Raises StageFailed when nobody asked the count to stop: a query may end without an error of its own."""
    if not folder.stop.exists():
        raise StageFailed(
            "The query ended without an error, and nobody asked it to: Spark ended the application, or somebody "
            "stopped the query. Airflow starts the count again; without it, `election tally start`."
        )
