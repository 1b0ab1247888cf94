"""The trigger of a task whose driver has died: the next driver runs before the task has failed."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from election.clients.airflow import Airflow
from election.count import driver
from election.count.folder import Folder, tally_folder, write_json
from election.errors import NotReachable
from election.settings import Settings
from tests.stand_in import stand_in

Fires = Callable[..., dict[str, Any]]


@pytest.fixture
def died(settings: Settings) -> Iterator[Folder]:
    """A driver that counted for an hour and was killed. The one that follows it does not outlive its test."""
    folder = tally_folder(settings)
    write_json(folder.starting, {"identity": "first", "at": time.time() - 3600, "failures": 0})
    write_json(folder.heartbeat, {"identity": "first", "at": time.time() - 1, "batch": 7})
    yield folder
    driver.stop(settings, seconds=30)


@pytest.fixture
def fires(monkeypatch: pytest.MonkeyPatch, died: Folder) -> Fires:
    """Runs the trigger until it fires, and returns what the task is told."""
    from election.orchestration import tally

    monkeypatch.setattr(tally, "SETTLE", 0)

    def run(command: list[str], paused: bool = False, conn_id: str | None = "election_spark") -> dict[str, Any]:
        monkeypatch.setattr(Airflow, "dags", lambda _self: {"tally_stream": paused})
        monkeypatch.setattr(tally.TallyOperator, "command", lambda _self, _settings: command)

        async def first() -> Any:
            return await anext(tally.TallyTrigger(conn_id).run())

        return dict(asyncio.run(first()).payload)

    return run


def test_the_next_driver_runs_when_the_task_is_told_of_the_last_ones_end(settings, fires: Fires) -> None:
    told = fires(stand_in())
    assert (told["phase"], told["batch"]) == ("failed", 7)
    assert "killed" in told["error"]
    known = driver.state(settings)
    assert known.phase == "counting"
    assert known.identity != "first"


def test_one_that_ends_at_once_leaves_the_next_to_the_task(settings, fires: Fires) -> None:
    told = fires(["false"])
    assert "killed" in told["error"], "of the driver that counted"
    assert driver.state(settings).phase == "failed"
    assert driver.patience(settings) > 0


def test_a_refusal_of_the_next_driver_is_what_the_task_is_told(settings, fires: Fires) -> None:
    told = fires(stand_in(refuses=True))
    assert (told["refused"], told["error"]) == (True, "refused, and why")


@pytest.mark.parametrize(
    "why",
    [
        "in a container",
        "no program",
        "paused",
        "asked to stop",
        "refused",
        "stopped",
        "young",
        "no answer",
    ],
)
def test_what_is_for_airflow_to_decide_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch, settings, died: Folder, fires: Fires, why: str
) -> None:
    if why == "asked to stop":
        died.stop.touch()
    if why in ("refused", "stopped"):
        clean, refused = why == "stopped", why == "refused"
        write_json(died.ended, {"identity": "first", "clean": clean, "error": "It says why.", "refused": refused})
    if why == "young":
        write_json(died.starting, {"identity": "first", "at": time.time() - 10, "failures": 0})
    if why == "no answer":

        def silent(_settings: Settings) -> None:
            raise NotReachable("Airflow does not answer.")

        monkeypatch.setattr("election.orchestration.tally.Airflow", silent)
    command = ["/nowhere/spark-submit"] if why == "no program" else stand_in()
    told = fires(command, why == "paused", None if why == "in a container" else "election_spark")
    assert (told["phase"], told["batch"]) == ("stopped" if why == "stopped" else "failed", 7)
    if why == "no program":
        return  # it was tried
    assert driver.state(settings).identity == "first"
    died.stop.unlink(missing_ok=True)


async def on_a_task(trigger: Any) -> Any:
    trigger.task_instance = SimpleNamespace(task_id="count", dag_id="tally_stream", map_index=-1)
    return await anext(trigger.run())


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch, fires: Fires) -> Any:
    """The trigger of a task that Airflow says was marked."""
    from election.orchestration import tally

    monkeypatch.setattr(tally, "ended_by_hand", lambda _task: True)
    monkeypatch.setattr(tally.TallyOperator, "command", lambda _self, _settings: stand_in())
    monkeypatch.setattr(Airflow, "dags", lambda _self: {"tally_stream": False})
    return tally.TallyTrigger("election_spark")


def test_a_mark_that_comes_to_light_after_the_start_stops_the_next_driver(settings, marked: Any) -> None:
    asyncio.run(on_a_task(marked))
    assert driver.wait_for(lambda: driver.state(settings).phase == "stopped", 30)
    assert driver.state(settings).identity != "first"


def test_a_mark_while_the_next_driver_is_started_stops_it(monkeypatch, settings, marked: Any) -> None:
    asked, answered = threading.Event(), threading.Event()

    def slow(_airflow: Airflow) -> dict[str, bool]:
        asked.set()
        assert answered.wait(30)
        return {"tally_stream": False}

    monkeypatch.setattr(Airflow, "dags", slow)

    async def on_the_way() -> None:
        fired = asyncio.ensure_future(on_a_task(marked))
        assert await asyncio.to_thread(asked.wait, 30)
        fired.cancel()
        told = asyncio.ensure_future(marked.on_kill())
        await asyncio.wait([told], timeout=0.5)  # it has had the time to ask for the stop too early
        answered.set()
        await told

    asyncio.run(on_the_way())
    assert driver.wait_for(lambda: driver.state(settings).phase == "stopped", 30)
    assert driver.state(settings).identity != "first"
