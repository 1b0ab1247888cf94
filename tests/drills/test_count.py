"""The count under fire on the whole stack: whatever dies at whatever moment, every total is exact, and none went down.

`make drill-count`; DRILL_KILLS rounds (10), DRILL_SEED repeats a drill's moments. Airflow alone keeps the count
running: nobody helps. Every strike hits an election of its own while it is cast and counted, and is over when every
total on the topics equals ``GROUP BY`` in Postgres, key by key.
"""

import logging
import os
import time
from collections.abc import Iterator

import pytest

from election.clients.airflow import Airflow
from election.count import driver
from election.count.rebuilding import rebuild
from election.platform import Platform
from tests import count_faults
from tests.drills.drill import COUNT_AGAIN, Drill, Strike
from tests.integration.conftest import Published

log = logging.getLogger(__name__)
KILLS = int(os.environ.get("DRILL_KILLS", "10"))
API_AWAY = 60.0  # seconds
PAUSED = 130.0  # seconds: beyond Spark's network timeout of 120, its heartbeats and Kafka's sessions

OUTLIVED: dict[str, Strike] = {
    "executor": count_faults.kill_executor,
    "worker": count_faults.kill_service("spark-worker"),
    "master": count_faults.kill_service("spark-master"),
    "worker and master": count_faults.kill_service("spark-worker", "spark-master"),
    "kafka": count_faults.restart_service("kafka"),
    "pause": lambda platform: count_faults.freeze_driver(platform, seconds=PAUSED),
}
"""The same driver counts on after these."""

pytestmark = pytest.mark.timeout(KILLS * 1500)


@pytest.fixture
def drill(stack: Platform, tables: Platform, published: Published, request: pytest.FixtureRequest) -> Iterator[Drill]:
    drill = Drill(stack, published, request.node.name.removeprefix("test_").split("_")[0])
    drill.wait_until_it_counts()
    yield drill
    Airflow(stack.settings).pause("tally_stream", False)


def test_spark_kafka_and_the_task_runner_die(drill: Drill) -> None:
    for _ in range(KILLS):
        # Airflow misses a killed runner's task only after a while; meanwhile the driver is on its own.
        seconds = drill.draw.uniform(0, 5)
        drill.strike("task runner", lambda platform, seconds=seconds: count_faults.kill_task_runner(platform, seconds))  # type: ignore[misc]
        for what in drill.draw.sample(sorted(OUTLIVED), len(OUTLIVED)):
            drill.strike(what, OUTLIVED[what], outlived=True)
        drill.strike("pause while master recovers", count_faults.freeze_driver_while_master_recovers)
        drill.strike("worker of hung executor", count_faults.kill_worker_of_hung_executor)


def test_airflow_dies_and_its_api_is_away(drill: Drill) -> None:
    for _ in range(KILLS):
        with count_faults.away(drill.platform, "airflow-api-server"):
            back = time.monotonic() + API_AWAY
            for service in ("airflow-triggerer", "airflow-scheduler"):
                drill.strike(f"API server away, {service}", count_faults.kill_service(service), outlived=True)
            time.sleep(max(0.0, back - time.monotonic()))
        for service in ("airflow-triggerer", "airflow-scheduler"):
            drill.strike(service, count_faults.kill_service(service), outlived=True)
        drill.strike("driver", count_faults.kill_driver_within_batch)
        drill.strike("driver, triggerer", count_faults.kill_starting_triggerer)


def test_files_of_the_checkpoint_are_removed(drill: Drill) -> None:
    settings = drill.platform.settings

    def removed_and_rebuilt(platform: Platform) -> None:
        count_faults.remove_newest_files(platform)
        assert driver.wait_for(lambda: driver.state(settings).refused, COUNT_AGAIN), "the count refuses to go on"
        assert "election tally rebuild" in (driver.state(settings).error or "")
        rebuild(platform, log.warning)
        Airflow(settings).pause("tally_stream", False)  # after three refusals it has paused itself

    for _ in range(KILLS):
        drill.strike("removed files", removed_and_rebuilt)
