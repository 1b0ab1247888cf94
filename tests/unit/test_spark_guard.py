"""Spark's master and worker start anew when they are at odds. What each says of itself is served here: of Spark's own
it takes the right moment of a recovery to bring them apart."""

import signal
from collections.abc import Iterator
from threading import Timer
from typing import Any

import pytest

from election.settings import Settings
from election.stack import spark_guard

pytestmark = pytest.mark.slow

Told = dict[str, Any]


@pytest.fixture
def told(spark_says: dict[str, Told], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Told]]:
    """What master and worker say of themselves, to a guard that has no patience."""
    monkeypatch.setattr(spark_guard, "LOOK", 0.05)
    monkeypatch.setattr(spark_guard, "AT_ODDS", 0.5)
    before = signal.getsignal(signal.SIGTERM)
    yield spark_says
    signal.signal(signal.SIGTERM, before)


def worker(own: str = "worker-1", cores: int = 0, executors: int | None = None) -> Told:
    """As it tells of itself and its master of it; ``executors`` of two cores are what it runs, whatever it sums up."""
    runs = cores // 2 if executors is None else executors
    return {"id": own, "coresused": cores, "memoryused": cores * 1024, "executors": [{"memory": 2048}] * runs}


def master(*workers: Told, status: str = "ALIVE", state: str = "ALIVE", had: int | None = None) -> Told:
    """``had``: cores that it says an application has; by default those that the living workers give."""
    known = [{"host": Settings().node, "state": state, **worker} for worker in workers]
    given = sum(worker["coresused"] for worker in known if worker["state"] == "ALIVE")
    return {"status": status, "workers": known, "activeapps": [{"cores": given if had is None else had}]}


def ends(role: str, capfd: pytest.CaptureFixture[str], seconds: float) -> str:
    """What the guard says when it ends a process that would run for so long; nothing when it came to its own end."""
    ended = spark_guard.main(role, ["sleep", str(seconds)])
    said = capfd.readouterr().out
    assert (ended == 0) == (said == "")
    return said


@pytest.mark.parametrize(
    ("of_master", "of_worker"),
    [
        (master(worker(cores=2)), worker(cores=2)),
        (master(worker(cores=2), status="RECOVERING"), worker()),
        (master(worker(), status="RECOVERING", had=2), worker()),
        (master(worker(cores=2), state="DEAD"), worker()),
        (master(worker("worker-0", cores=2)), worker("worker-1")),
        (master(worker(cores=2)), None),
        (None, worker()),
        (master(worker(cores=2)), worker(cores=4, executors=1)),
    ],
    ids=[
        "agree",
        "recovering",
        "recovering an application",
        "dead",
        "predecessor",
        "worker away",
        "master away",
        "a worker's wrong sum",
    ],
)
def test_a_master_is_left_alone(
    told: dict[str, Told], capfd: pytest.CaptureFixture[str], of_master: Told | None, of_worker: Told | None
) -> None:
    told.update({name: says for name, says in (("master", of_master), ("worker", of_worker)) if says})
    assert ends("master", capfd, 2) == ""


@pytest.mark.parametrize(
    ("held", "of_worker"), [(2, worker()), (0, worker(cores=2)), (2, worker(cores=2, executors=0))]
)
def test_a_master_that_miscounts_what_a_worker_runs_starts_anew(
    told: dict[str, Told], capfd: pytest.CaptureFixture[str], held: int, of_worker: Told
) -> None:
    told.update(master=master(worker(cores=held)), worker=of_worker)
    assert "do not match the worker's; it restarts" in ends("master", capfd, 60)


@pytest.mark.parametrize(("had", "given"), [(2, 0), (4, 2), (0, 2)])
def test_a_master_that_miscounts_an_applications_cores_starts_anew(
    told: dict[str, Told], capfd: pytest.CaptureFixture[str], had: int, given: int
) -> None:
    told.update(master=master(worker(cores=given), had=had), worker=worker(cores=given))
    assert "do not match the worker's; it restarts" in ends("master", capfd, 60)


def test_a_moment_at_odds_is_no_reason_however_long_both_agreed(
    told: dict[str, Told], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_guard, "AT_ODDS", 2.0)
    told.update(master=master(worker(cores=2)), worker=worker(cores=2))
    changes = [Timer(2.5, told.update, kwargs={"worker": worker()}), Timer(2.7, told.update, kwargs=dict(told))]
    for change in changes:
        change.start()
    assert ends("master", capfd, 5.5) == ""


def test_a_worker_that_its_master_does_not_know_starts_anew(
    told: dict[str, Told], capfd: pytest.CaptureFixture[str]
) -> None:
    told.update(master=master(), worker=worker())
    assert "has not known this worker; it restarts" in ends("worker", capfd, 60)


def test_a_worker_whose_master_is_away_goes_on(told: dict[str, Told], capfd: pytest.CaptureFixture[str]) -> None:
    told.update(worker=worker())
    assert ends("worker", capfd, 2) == ""
