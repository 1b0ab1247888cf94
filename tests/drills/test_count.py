"""The count under fire on the whole stack: whatever dies at whatever moment, every total is exact, and none went down.

`make drill-count`; DRILL_KILLS rounds (10), DRILL_SEED repeats a drill's moments. Airflow alone keeps the count
running: nobody helps. Every strike hits an election of its own while it is cast and counted, and is over when every
total on the topics equals ``GROUP BY`` in Postgres, key by key.
"""

import logging
import os
import random
import time
from collections.abc import Callable, Iterator

import pytest

from election.count import driver, wait_until_counted
from election.count.rebuilding import rebuild
from election.orchestration.api import Airflow
from election.platform import Platform
from election.reconciliation.verdict import reconcile
from tests import count_faults
from tests.ballots import once_votes_are_stored, worker
from tests.integration.conftest import Published

log = logging.getLogger(__name__)
KILLS = int(os.environ.get("DRILL_KILLS", "10"))
SEED = os.environ.get("DRILL_SEED", str(time.time_ns() % 1_000_000))
VOTERS, RATE = 4_000, 400  # some six seconds of casting
STRIKE_WITHIN = 3.0  # seconds after the first vote was stored
API_AWAY = 60.0  # seconds
PAUSED = 130.0  # seconds: beyond Spark's network timeout of 120, its heartbeats and Kafka's sessions
COUNT_AGAIN = 400.0  # seconds, on a busy machine; a task whose runner was killed is missed by Airflow after 120

Strike = Callable[[Platform], None]

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


class Drill:
    """Strikes elections and asks afterwards whether all is exact. ``draw`` gives the moments."""

    def __init__(self, platform: Platform, published: Published, name: str) -> None:
        log.warning("drill %s: DRILL_SEED=%s", name, SEED)
        self.platform, self.draw = platform, random.Random(f"{SEED} {name}")
        self._published, self._name, self._elections = published, name, 0
        self._emitted = count_faults.Emitted(platform)

    def strike(self, what: str, fault: Strike, *, outlived: bool = False) -> None:
        """An election is cast, struck at a random moment, counted to its end and compared.

        ``outlived``: by the driver, which is the same one afterwards.
        """
        self._elections += 1
        poll = self._published(f"drill-{self._name}-{self._elections}", voters=VOTERS)
        self.wait_until_it_counts()
        before = driver.state(self.platform.settings).identity
        casting = worker(poll.slug, "--rate", str(RATE))
        moment = self.draw.uniform(0, STRIKE_WITHIN)
        once_votes_are_stored(self.platform, poll, lambda: time.sleep(moment))
        fault(self.platform)
        struck = time.monotonic()
        if casting.wait(COUNT_AGAIN):  # a worker that begins while Kafka is away fails, and its task is tried again
            assert casting.stdout
            log.warning("a casting worker failed, and is tried again: %s", casting.stdout.read().decode().strip())
            assert worker(poll.slug).wait(COUNT_AGAIN) == 0
        self.assert_exact(poll.slug)
        assert not outlived or driver.state(self.platform.settings).identity == before, "the same driver counts on"
        log.warning("%s: %s exact %.0f s after the strike", what, poll.slug, time.monotonic() - struck)

    def wait_until_it_counts(self) -> None:
        assert driver.wait_for(lambda: driver.state(self.platform.settings).phase == "counting", COUNT_AGAIN)

    def assert_exact(self, slug: str) -> None:
        wait_until_counted(self.platform, slug, timeout_stalled_s=COUNT_AGAIN)
        assert reconcile(self.platform, slug).differences == ()
        assert self._emitted.went_down() == []


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
