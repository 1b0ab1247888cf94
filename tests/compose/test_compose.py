"""An election in containers is exact whatever is killed, restarted or taken down, and leaves nothing when removed."""

import json
import time
from functools import partial

import pytest

from election.reconciliation import reconcile
from election.storage.elections import elections
from tests.compose.conftest import Deployment
from tests.compose.driving import CONTEST, await_polling, begin, bring_up, exact, healthy, kill, log, told, until

pytestmark = pytest.mark.timeout(900)

SERVICES = (
    "postgres",
    "kafka",
    "spark-master",
    "spark-worker",
    "airflow-scheduler",
    "airflow-triggerer",
    "airflow-dag-processor",
    "airflow-api-server",
    "dashboard",
)


@pytest.fixture(scope="module")
def up(deployment: Deployment) -> Deployment:
    return bring_up(deployment)


def test_the_demonstration_ends_as_on_the_native_stack(up):
    with told("demonstration"):
        said = up.compose("run", "--rm", "election", "run", "--contests", CONTEST, "--slug", "demo")
    assert "everything agrees" in said
    assert str(up.platform.settings.secret_file("airflow_admin")) in said.replace("\n", "")  # as found on this machine
    found = json.loads(up.compose("run", "--rm", "election", "results", "demo", "--json"))
    assert [contest["contest"] for contest in found["contests"]] == [CONTEST]
    status = json.loads(up.compose("run", "--rm", "election", "status", "--json"))
    assert status["ready"] and {s["name"] for s in status["services"]} == set(SERVICES)


def test_every_container_may_die_during_an_election(up):
    begin(up, "killed", rate=150)
    killed = {}
    for service in SERVICES:
        await_polling(up, "killed")
        kill(up, service)
        killed[service] = time.monotonic()
        for other in [name for name in killed if healthy(up, name)]:
            log.info("%s is healthy, killed %.0f s ago", other, time.monotonic() - killed.pop(other))
    for service, at in killed.items():
        until(partial(healthy, up, service), 180, f"{service} is healthy again")
        log.info("%s is healthy, killed %.0f s ago", service, time.monotonic() - at)
    exact(up, "killed")


def test_restart_of_everything_during_an_election(up):
    begin(up, "restarted", rate=300)
    await_polling(up, "restarted")
    with told("restarted"):
        up.compose("restart")
    exact(up, "restarted")


def test_down_and_up_again_during_an_election(up):
    begin(up, "paused", rate=300)
    await_polling(up, "paused")
    with told("down"):
        up.compose("down")
    with told("up again"):
        up.compose("up", "--detach", "--wait")
    exact(up, "paused")
    for slug in known(up):
        assert reconcile(up.platform, slug).ok


def test_a_backup_brings_an_election_back_to_a_new_platform(up, tmp_path):
    backup = tmp_path / "elections.dump"
    up.run("docker/backup", str(backup))
    assert backup.stat().st_mode & 0o077 == 0
    before = {slug: result(up, slug) for slug in known(up)}
    with told("wiped and up"):
        up.compose("--profile", "tools", "down", "--volumes")
        up.compose("up", "--detach", "--wait")
    with told("restored"):
        up.run("docker/restore", str(backup))
    for slug, result_before in before.items():
        until(lambda: reconcile(up.platform, slug).ok, 180, f"the restored {slug} reconciles")  # noqa: B023
        assert result(up, slug) == result_before
    # An election after it meets nothing of those before it.
    begin(up, "afterwards", rate=0)
    exact(up, "afterwards")


def test_nothing_is_left_when_it_is_removed(up):
    for container in up.compose("ps", "--quiet").split():
        mounts = json.loads(up.run("docker", "inspect", "--format", "{{json .Mounts}}", container))
        volumes = [mount["Name"] for mount in mounts if mount["Type"] == "volume"]
        assert all(name.startswith(f"{up.project}_") for name in volumes), "a volume that nobody would find again"
    up.compose("--profile", "tools", "down", "--volumes")
    of_project = f"label=com.docker.compose.project={up.project}"
    for command in (("ps", "--all"), ("volume", "ls"), ("network", "ls")):
        assert up.run("docker", *command, "--quiet", "--filter", of_project) == ""


def known(up: Deployment) -> list[str]:
    with up.platform.connect("reader") as connection:
        return [poll.slug for poll in elections(connection)]


def result(up: Deployment, slug: str) -> list[tuple[str, int]]:
    found = json.loads(up.compose("run", "--rm", "election", "results", slug, "--json"))
    return [(c["name"], c["votes"]) for contest in found["contests"] for c in contest["candidates"]]
