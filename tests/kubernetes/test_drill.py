"""An election on Kubernetes is exact, whichever pod is killed in the middle, and uninstalling leaves nothing.

The tests are one story in one cluster, in this order. `make drill-kubernetes` runs them.
"""

import json
import logging
import time
from collections.abc import Callable

import pytest

from tests.kubernetes.conftest import NAMESPACE, Cluster

pytestmark = pytest.mark.timeout(3600)
log = logging.getLogger("kubernetes")
VOTERS, RATE = 6_000, 100
STRUCK = {
    "the tally's driver": "app.kubernetes.io/name=tally-driver",
    "its executor": "app.kubernetes.io/name=tally-executor",
    "a casting pod": "app.kubernetes.io/name=task",
    "Kafka": "app.kubernetes.io/name=kafka",
    "Postgres": "app.kubernetes.io/name=postgres",
    "the scheduler": "app.kubernetes.io/name=airflow-scheduler",
    "the triggerer": "app.kubernetes.io/name=airflow-triggerer",
    "the DAG processor": "app.kubernetes.io/name=airflow-dag-processor",
    "the API server": "app.kubernetes.io/name=airflow-api-server",
    "the dashboard": "app.kubernetes.io/name=dashboard",
    "the results feed": "app.kubernetes.io/name=results-feed",
}


@pytest.fixture(scope="module")
def up(cluster: Cluster) -> Cluster:
    begun = time.monotonic()
    cluster.install()
    log.info("installed after %.0f s", time.monotonic() - begun)
    return cluster


def test_an_election_ends_as_on_the_other_stacks(up: Cluster) -> None:
    begun = time.monotonic()
    up.election("run", "--follow", "--scenario", "single-race", "--voters", "3000", "--slug", "first")
    log.info("an election of 3,000 voters after %.0f s", time.monotonic() - begun)
    assert json.loads(up.election("tally", "status", "--json"))["phase"] == "counting"


@pytest.mark.parametrize("what", STRUCK)
def test_the_election_is_exact_although_this_was_killed(up: Cluster, what: str) -> None:
    slug = what.removeprefix("the ").replace("'s", "").replace(" ", "-").lower()
    options = ("--scenario", "single-race", "--voters", str(VOTERS), "--rate", str(RATE), "--slug", slug)
    up.election("run", "--no-follow", *options)
    until(lambda: _stored(up, slug) > 5 * RATE, 300, "ballots are cast")
    struck = up.pods(STRUCK[what])
    assert struck, f"{what} runs"
    up.kubectl("delete", "pod", struck[0]["metadata"]["name"], "--grace-period=0", "--force")
    assert _stored(up, slug) < 0.8 * VOTERS, "in the middle of the poll"
    begun = time.monotonic()
    until(lambda: _exact(up, slug), 900, f"{slug} is exact")
    log.info("%s was killed: exact %.0f s after it", what, time.monotonic() - begun)


def test_uninstalling_leaves_nothing(up: Cluster) -> None:
    begun = time.monotonic()
    up.kubectl("delete", "namespace", NAMESPACE)
    log.info("removed after %.0f s", time.monotonic() - begun)
    for kind in ("pods", "configmaps", "services", "persistentvolumeclaims", "secrets"):
        assert up.kubectl("get", kind, "--output", "name") == ""


def _stored(up: Cluster, slug: str) -> int:
    """Ballots in the table; -1 while nothing answers."""
    answer = up.election("reconcile", slug, "--json", check=False)
    return int(json.loads(answer)["stored"]) if answer.startswith("{") else -1


def _exact(up: Cluster, slug: str) -> bool:
    """The result is certified, which the database allows for what reconciles alone; and it still does."""
    answer = up.election("reconcile", slug, "--json", check=False)
    if not answer.startswith("{"):
        return False
    verdict = json.loads(answer)
    certified = json.loads(up.election("results", slug, "--json"))["status"] == "certified"
    return certified and verdict["ok"] and verdict["stored"] == verdict["counted"] == verdict["published"] > 0


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)
