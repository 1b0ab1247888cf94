"""A stop by hand, against those who would start the count meanwhile."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from election.count import driver
from election.count.folder import Folder, tally_folder
from election.count.launching import IDENTITY
from election.settings import Settings
from spark_jobs.tally.stopping import finish, forget_old_stop
from tests.stand_in import stand_in


@pytest.fixture
def folder(settings: Settings) -> Iterator[Folder]:
    """No driver outlives its test."""
    yield tally_folder(settings)
    driver.stop(settings, seconds=30)


def test_a_stop_holds_although_a_start_was_waiting_for_the_driver_to_end(settings, folder) -> None:
    driver.start(settings, stand_in(ends_with=("batch-done",)))
    driver.request_stop(settings)  # as marking the task does; the next run's task waits meanwhile
    waiting = threading.Thread(target=driver.start, args=(settings, stand_in()))
    waiting.start()
    assert driver.wait_for(lambda: driver._is_starting(folder), 30)
    end = threading.Timer(0.3, (folder.root / "batch-done").touch)
    end.start()
    assert driver.stop(settings, seconds=10)
    waiting.join()
    assert driver.state(settings).phase == "stopped"


def test_a_driver_that_a_cluster_starts_is_not_ended_by_the_stop_of_the_one_before(folder, monkeypatch) -> None:
    monkeypatch.delenv(IDENTITY, raising=False)
    folder.stop.touch()
    forget_old_stop(folder)
    assert not folder.stop.exists()
    forget_old_stop(folder)  # nor troubled when there was none


def test_a_stop_that_is_asked_for_while_the_driver_starts_is_kept(folder, monkeypatch) -> None:
    monkeypatch.setenv(IDENTITY, "of this start")
    folder.stop.touch()
    forget_old_stop(folder)
    assert folder.stop.exists()


class Query:
    """Stands in for Spark's: it is at work until somebody stops it."""

    def __init__(self) -> None:
        self.stopped = False

    def awaitTermination(self, _seconds: float) -> bool:  # noqa: N802
        return self.stopped

    def stop(self) -> None:
        self.stopped = True


def test_a_driver_that_finishes_a_long_batch_gives_heartbeats_until_the_batch_is_done(tmp_path: Path) -> None:
    for log, batch in (("offsets", 0), ("offsets", 1), ("commits", 0)):
        (tmp_path / log).mkdir(exist_ok=True)
        (tmp_path / log / str(batch)).touch()
    query, beats = Query(), iter(range(3))

    def beat() -> None:
        assert not query.stopped, "the batch is not done yet"
        if next(beats) == 2:
            (tmp_path / "commits" / "1").touch()

    finish(query, tmp_path, beat)  # type: ignore[arg-type]
    assert query.stopped
    assert next(beats, None) is None, "three times"
