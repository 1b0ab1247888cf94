"""A task of the stream that is marked while it still starts the driver: the stream stops all the same."""

import signal
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from election.count import driver
from election.count.folder import Folder, tally_folder
from election.settings import Settings
from tests.stand_in import stand_in

TASK: Any = SimpleNamespace(dag_id="tally_stream", task_id="count", run_id="now", map_index=-1)


@pytest.fixture
def folder(settings: Settings) -> Iterator[Folder]:
    """No driver outlives its test."""
    yield tally_folder(settings)
    driver.stop(settings, seconds=30)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, folder: Folder) -> Callable[..., None]:
    """Runs the task up to where it defers. ``state`` is what the API server says; ``killed`` on the way."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    from election.orchestration.tally import TallyOperator

    def run(state: str, killed: bool = False) -> None:
        def states(**asked: Any) -> dict[str, dict[str, str]]:
            return {run_id: dict.fromkeys(asked["task_ids"], state) for run_id in asked["run_ids"]}

        monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(states))
        task = TallyOperator(task_id="count")
        monkeypatch.setattr(task, "command", lambda settings: stand_in(kills_its_starter=killed))
        before = signal.signal(signal.SIGTERM, lambda number, frame: task.on_kill())
        try:
            task.start({"ti": TASK})
        finally:
            signal.signal(signal.SIGTERM, before)

    return run


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_mark_that_airflow_has_not_told_yet_stops_the_stream(settings, folder, start, state: str) -> None:
    start(state)
    assert driver.wait_for(lambda: driver.state(settings).phase == "stopped", 30)


def test_a_mark_for_which_airflow_kills_the_task_stops_the_stream_that_it_was_starting(settings, folder, start) -> None:
    from airflow.sdk.exceptions import AirflowTaskTerminated

    with pytest.raises(AirflowTaskTerminated):
        start("success", killed=True)
    assert driver.wait_for(lambda: driver.state(settings).phase == "stopped", 30)


@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "worker is shut down"])
def test_a_task_that_nobody_marked_leaves_its_driver_to_the_trigger(settings, folder, start, killed: bool) -> None:
    from airflow.sdk.exceptions import TaskDeferred

    with pytest.raises(TaskDeferred):
        start("running", killed=killed)
    assert not folder.stop.exists()
    assert driver.state(settings).phase == "counting"


@pytest.mark.parametrize(("runtime", "conn_id"), [("native", "election_spark"), ("containers", None)])
def test_the_trigger_starts_the_next_driver_where_one_outlives_it(
    monkeypatch: pytest.MonkeyPatch, folder, start, runtime: str, conn_id: str | None
) -> None:
    from airflow.sdk.exceptions import TaskDeferred

    from election.orchestration.tally import TallyTrigger

    monkeypatch.setenv("ELECTION_RUNTIME", runtime)
    with pytest.raises(TaskDeferred) as deferred:
        start("running")
    name, known = deferred.value.trigger.serialize()
    assert name == f"{TallyTrigger.__module__}.{TallyTrigger.__name__}"
    assert TallyTrigger(**known).serialize() == (name, {"conn_id": conn_id})
