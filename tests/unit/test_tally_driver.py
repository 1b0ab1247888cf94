"""The driver as its folder shows it: who ran last, how it ended, whether one is about to start."""

import fcntl
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from election.count import driver
from election.count.folder import Folder, write_json
from election.count.launching import empty
from election.errors import StageFailed
from election.settings import Settings
from tests.stand_in import stand_in

STARTED = 1_000_000.0  # seconds since 1970


def started(folder: Folder, identity: str, at: float = STARTED) -> None:
    write_json(folder.starting, {"identity": identity, "at": at, "failures": 0})


def beat(folder: Folder, identity: str, at: float) -> None:
    write_json(folder.heartbeat, {"identity": identity, "at": at, "batch": 7})


def ended(folder: Folder, identity: str, error: str | None = None, refused: bool = False) -> None:
    write_json(folder.ended, {"identity": identity, "clean": error is None, "error": error, "refused": refused})


def test_a_driver_that_was_quicker_than_the_one_started_last_ends_in_its_own_words(settings, folder) -> None:
    started(folder, "second")
    beat(folder, "first", STARTED + 100)
    ended(folder, "first")
    assert driver.state(settings).phase == "stopped"
    ended(folder, "first", "The checkpoint is another topic's.", refused=True)
    state = driver.state(settings)
    assert (state.phase, state.error, state.refused) == ("failed", "The checkpoint is another topic's.", True)
    assert driver.patience(settings) == 0, "it had run for a while"


def test_a_driver_that_is_killed_before_it_has_the_lock_is_not_taken_for_the_one_before(settings, folder) -> None:
    beat(folder, "first", STARTED - 1)
    ended(folder, "first")
    started(folder, "second")
    state = driver.state(settings)
    assert state.phase == "failed"
    assert "was killed" in (state.error or "")
    assert driver.patience(settings) > 0


@pytest.mark.parametrize(("progressed", "waits"), [(True, False), (False, True)])
def test_the_next_start_waits_only_after_a_young_driver_that_finished_no_batch(
    settings, folder, progressed: bool, waits: bool
) -> None:
    started(folder, "first")
    write_json(folder.heartbeat, {"identity": "first", "at": STARTED + 20, "progressed": progressed})
    assert (driver.patience(settings) > 0) == waits


def test_progress_of_the_driver_before_does_not_count_for_one_that_gave_no_heartbeat(settings, folder) -> None:
    write_json(folder.heartbeat, {"identity": "first", "at": STARTED - 1, "progressed": True})
    started(folder, "second")
    assert driver.patience(settings) > 0


def test_a_driver_that_is_killed_at_work_did_not_say_why(settings, folder) -> None:
    ended(folder, "first")
    started(folder, "second")
    beat(folder, "second", STARTED + 100)
    assert "was killed" in (driver.state(settings).error or "")


@pytest.mark.parametrize(
    ("phase", "beat"),
    [
        ("starting", {"at": 1000, "counting": False}),
        ("starting", {"at": 941, "counting": False}),  # Spark may take a minute to start
        ("stalled", {"at": 939, "counting": False}),
        ("counting", {"at": 986, "counting": True}),
        ("stalled", {"at": 984, "counting": True}),  # fifteen seconds without a sign of life
        ("counting", {"at": 1000, "counting": True, "waiting_since": None}),
        ("counting", {"at": 1000, "counting": True, "waiting_since": 976}),
        ("stalled", {"at": 1000, "counting": True, "waiting_since": 974}),  # alive, but votes wait
        ("stalled", {}),
    ],
)
def test_a_driver_is_stalled_when_it_is_silent_or_finishes_no_batch(phase: str, beat: dict[str, object]) -> None:
    assert driver._phase(beat, now=1000) == phase


@pytest.mark.parametrize(
    ("before", "lived", "wait"),
    [
        (0, 5, 4),  # the first that fails soon
        (1, 5, 8),
        (3, 5, 32),
        (4, 5, 60),  # 64 would be more than anybody waits
        (5000, 5, 60),  # days of failures, at the end of which it must start again
        (0, 59, 4),
        (0, 61, 0),  # it had worked
        (7, 61, 0),  # and those before it are forgiven
    ],
)
def test_the_next_start_waits_longer_with_each_driver_that_failed_soon(
    settings, folder, before: int, lived: float, wait: float
) -> None:
    write_json(folder.starting, {"identity": "mine", "at": STARTED, "failures": before})
    beat(folder, "mine", STARTED + lived)
    ended(folder, "mine", "Spark is away.")
    assert driver.patience(settings) == wait


def test_a_driver_that_never_beat_failed_at_once_whatever_the_one_before_had_beaten(settings, folder) -> None:
    write_json(folder.starting, {"identity": "mine", "at": STARTED, "failures": 1})
    beat(folder, "another", STARTED - 3)
    assert driver.patience(settings) == 8


def test_nobody_waits_after_a_clean_stop_nor_before_the_first_start(settings, folder) -> None:
    assert driver.patience(settings) == 0
    write_json(folder.starting, {"identity": "mine", "at": STARTED, "failures": 3})
    beat(folder, "mine", STARTED + 5)
    ended(folder, "mine")
    assert driver.patience(settings) == 0


def test_two_that_look_at_once_see_no_driver_starting(settings, folder) -> None:
    started(folder, "first")
    beat(folder, "first", STARTED + 100)
    ended(folder, "first")
    with folder.starting.open("r") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # as one who looks does
        assert driver.state(settings).phase == "stopped"
    with folder.starting.open("r") as starter:
        fcntl.flock(starter, fcntl.LOCK_EX)
        assert driver.state(settings).phase == "starting"


def test_what_a_killed_driver_left_goes_and_one_that_begins_meanwhile_keeps_its_files(folder, monkeypatch) -> None:
    (folder.scratch / "blockmgr-old").mkdir(parents=True)
    delete = shutil.rmtree

    def delete_while_another_begins(path: Path, ignore_errors: bool) -> None:
        (folder.scratch / "blockmgr-new").mkdir(parents=True)
        delete(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", delete_while_another_begins)
    empty(folder.scratch)
    assert sorted(path.name for path in folder.scratch.iterdir()) == ["blockmgr-new", "tmp"]
    assert list(folder.root.iterdir()) == [folder.scratch]


def test_what_an_interrupted_start_did_not_delete_the_next_one_deletes(folder) -> None:
    aside = folder.root / "scratch.0123"
    (aside / "tmp").mkdir(parents=True)
    empty(folder.scratch)
    assert list(folder.root.iterdir()) == [folder.scratch]


SUBMIT = """
import os, subprocess, sys
wait = "import os, sys\\nwhile os.getppid() == int(sys.argv[1]): pass\\nos.execv(sys.argv[2], sys.argv[2:])"
subprocess.Popen([sys.executable, "-c", wait, str(os.getpid()), *sys.argv[3:]], start_new_session=True)
"""


def submitting(*command: str) -> list[str]:
    """A command line that starts another one and has ended by then, as ``spark-submit`` does for a cluster."""
    return [sys.executable, "-c", SUBMIT, "--deploy-mode", "cluster", *command]


@pytest.fixture
def stopped_afterwards(settings: Settings) -> Iterator[None]:
    yield
    driver.stop(settings, seconds=30)


@pytest.mark.usefixtures("stopped_afterwards")
def test_a_driver_in_a_cluster_is_found_although_its_submission_has_ended(monkeypatch, settings, folder) -> None:
    monkeypatch.setattr(driver, "_POLL", 0.001)  # so that the end of the submission is noticed before the driver's lock
    known = driver.start(settings, submitting(*stand_in()), seconds=30)
    assert known.phase == "counting"
    assert known.identity == driver.start(settings, ["never", "run"]).identity


def test_a_submission_that_fails_is_no_start(settings, folder) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such cluster')", "--deploy-mode", "cluster"]
    with pytest.raises(StageFailed, match="no such cluster"):
        driver.start(settings, command, seconds=30)


@pytest.mark.usefixtures("stopped_afterwards")
def test_a_driver_that_a_cluster_was_asked_for_before_may_be_quicker(settings, folder) -> None:
    other = stand_in()
    other[2] = other[2].replace('os.environ["ELECTION_TALLY_IDENTITY"]', '"before"')
    assert driver.start(settings, submitting(*other), seconds=30).identity == "before"
