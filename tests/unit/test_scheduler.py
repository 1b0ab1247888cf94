"""Airflow's scheduler as the platform starts it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from airflow.executors.workloads import BundleInfo, ExecuteTask
from airflow.executors.workloads.task import TaskInstanceDTO

from election.count import driver
from election.orchestration.executor import TrackingLocalExecutor

pytestmark = pytest.mark.slow

LISTENS = """
import atexit, runpy, sys
names = ("great_expectations", "election.orchestration.certification", "polars", "election.orchestration.form")
atexit.register(lambda: print([name for name in names if name in sys.modules]))
sys.argv = ["-m", "/somewhere/bin/airflow", "version"]
runpy.run_module("election.orchestration.scheduler", run_name="__main__")
"""


def test_it_is_airflows_own_and_its_tasks_find_imported_what_may_be(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTENS],
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    version, found = done.stdout.strip().splitlines()[-2:]
    assert version.startswith("3.")
    # Polars' threads would be missing in the tasks; the form would list the scenarios of an hour ago.
    assert found == "['great_expectations', 'election.orchestration.certification']"


@pytest.fixture
def executor() -> Iterator[TrackingLocalExecutor]:
    one = TrackingLocalExecutor(parallelism=1)
    one.start()
    yield one
    one.end()


def a_task() -> TaskInstanceDTO:
    names = {"dag_id": "tally_stream", "run_id": "a run", "task_id": "count"}
    return TaskInstanceDTO(id=uuid4(), dag_version_id=uuid4(), try_number=1, pool_slots=1, priority_weight=1, **names)


def work(task: TaskInstanceDTO, folder: Path) -> ExecuteTask:
    """A runner cannot do it, as its log would be a folder, and says so."""
    none = BundleInfo(name="none")
    return ExecuteTask(ti=task, token="", dag_rel_path=Path("a.py"), log_path=str(folder), bundle_info=none)


def test_a_deferred_task_that_is_resumed_before_its_deferral_is_heard_of_is_still_the_executors(
    executor: TrackingLocalExecutor, tmp_path: Path
) -> None:
    task = a_task()
    assert not executor.has_task(task)
    executor.queued_tasks[task.key] = work(task, tmp_path)
    executor.trigger_tasks(1)
    assert driver.wait_for(lambda: not executor.result_queue.empty(), 60), "the runner said nothing"
    (runner,) = executor.workers
    psutil.Process(runner).suspend()
    try:
        executor.queued_tasks[task.key] = work(task, tmp_path)
        executor.trigger_tasks(1)
        executor.sync()
        assert executor.get_event_buffer(), "the first one's end"
        assert executor.has_task(task), "the second one is with the runner"
    finally:
        psutil.Process(runner).resume()
    assert driver.wait_for(lambda: not executor.result_queue.empty(), 60), "the runner said nothing"
    executor.sync()
    assert not executor.has_task(task)


def test_no_more_tasks_are_taken_than_there_are_runners_and_a_killed_one_costs_none(
    executor: TrackingLocalExecutor, tmp_path: Path
) -> None:
    assert (executor.slots_available, executor.slots_occupied) == (1, 0)
    task = a_task()
    log = tmp_path / "log"
    os.mkfifo(log)  # the runner waits for somebody who reads it
    executor.queued_tasks[task.key] = work(task, log)
    (runner,) = executor.workers
    try:
        psutil.Process(runner).suspend()
        executor.trigger_tasks(1)
        assert executor.slots_available <= 0, "nobody has taken it"
        psutil.Process(runner).resume()
        assert driver.wait_for(lambda: executor._unread_messages.value == 0, 60), "the runner takes it"
        # From then on the runner alone tells that it works: what was handed over counts for a second of its own.
        assert driver.wait_for(lambda: executor.slots_occupied == 1 and not executor._handed, 10)
        assert (executor.slots_available, executor.slots_occupied) == (0, 1)
    finally:
        psutil.Process(runner).kill()  # nobody will ever read
    assert driver.wait_for(lambda: executor.slots_available == 1, 10)


def test_a_task_that_nobody_took_can_be_queued_again(executor: TrackingLocalExecutor, tmp_path: Path) -> None:
    task = a_task()
    executor.queued_tasks[task.key] = work(task, tmp_path)
    executor.revoke_task(ti=task)
    assert not executor.queued_tasks
    executor.revoke_task(ti=task)  # one that it does not know is no error
