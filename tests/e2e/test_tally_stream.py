"""The count under Airflow: one driver, found again by whoever looks for it, stopped and started by its operator."""

import pytest

from election.count import driver
from election.count.folder import read_json, tally_folder
from election.messaging.topics import create_topics
from tests import count_faults

DAG, TASK = "tally_stream", "count"
SECONDS = 200  # on a busy machine


@pytest.fixture
def counting(stack, airflow):
    """The stack with the stream at work, its task deferred."""
    create_topics(stack)  # without them there is nothing to count yet
    airflow.pause(DAG, False)
    assert driver.wait_for(lambda: at_work(stack, airflow), SECONDS)
    yield stack
    airflow.pause(DAG, False)


def at_work(stack, airflow) -> bool:
    return driver.state(stack.settings).phase == "counting" and task(airflow)["state"] == "deferred"


def task(airflow):
    """The stream's latest task instance; its state is None while there is none."""
    runs = airflow._send("GET", f"/api/v2/dags/{DAG}/dagRuns?order_by=-run_after&limit=1")["dag_runs"]
    found = airflow.tasks(DAG, runs[0]["dag_run_id"]) if runs else []
    return found[0] if found else {"state": None}


def test_a_cleared_task_finds_the_running_driver(counting, airflow):
    before, cleared = driver.state(counting.settings), task(airflow)
    airflow.clear(DAG, cleared["dag_run_id"], [TASK])
    assert driver.wait_for(lambda: task(airflow).get("try_number", 0) > cleared["try_number"], SECONDS)
    assert driver.wait_for(lambda: at_work(counting, airflow), SECONDS)
    assert driver.state(counting.settings).identity == before.identity
    assert task(airflow)["dag_run_id"] == cleared["dag_run_id"]


def test_a_killed_driver_is_told_in_the_log_and_replaced(counting, airflow):
    before, failed = driver.state(counting.settings), task(airflow)
    count_faults.kill_driver(counting)
    assert driver.wait_for(lambda: task(airflow).get("try_number", 0) > failed["try_number"], SECONDS)
    assert driver.wait_for(lambda: at_work(counting, airflow), SECONDS)
    assert driver.state(counting.settings).identity != before.identity
    said = "\n".join(airflow.log_tail(DAG, failed["dag_run_id"], failed))
    assert "The count's driver ended: Its Java process is gone: killed, or out of memory" in said


def test_a_stop_by_hand_lasts_until_the_start_by_hand(counting, airflow, command):
    said = command("tally", "stop").stdout
    assert "The DAG tally_stream is paused" in said
    assert "The tally has stopped." in said
    assert driver.state(counting.settings).phase == "stopped"
    assert airflow.dags()[DAG]
    command("tally", "start")
    assert not airflow.dags()[DAG]
    assert driver.wait_for(lambda: at_work(counting, airflow), SECONDS)


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_task_that_is_marked_stops_the_stream_cleanly(counting, airflow, state):
    before, marked = driver.state(counting.settings), task(airflow)
    airflow.pause(DAG, True)
    airflow.mark(DAG, marked["dag_run_id"], TASK, state)
    assert driver.wait_for(lambda: not driver.state(counting.settings).alive, SECONDS)
    ended = read_json(tally_folder(counting.settings).ended)
    assert (ended["identity"], ended["clean"]) == (before.identity, True)
