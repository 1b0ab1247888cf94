"""An election in containers is exact whatever is killed, restarted or taken down, and leaves nothing when removed.

The tests are one story on one platform, in this order.
"""

import json
import time
from functools import partial

import httpx
import pytest
from confluent_kafka import KafkaException

from election.messaging.clients import admin
from election.reconciliation import reconcile
from tests.compose.conftest import BROKERS, FILE, HARDENED, Deployment
from tests.compose.driving import (
    CONTEST,
    Polling,
    begin,
    bring_up,
    exact,
    healthy,
    kill,
    known,
    log,
    told,
    until,
)

pytestmark = pytest.mark.timeout(1800)

# As Airflow submits it, but for the locks that whoever starts one looks at first.
SUBMIT = """
import os, subprocess
from election.count.submission import environment, submit_command
from election.settings import Settings

settings = Settings()
raise SystemExit(subprocess.run(submit_command(settings), env=os.environ | environment(settings)).returncode)
"""

# The scheduler last: with it die the tasks that cast, and Airflow misses those only after a while.
SERVICES = (
    "postgres",
    "kafka",
    "spark-master",
    "spark-worker",
    "airflow-triggerer",
    "airflow-dag-processor",
    "airflow-api-server",
    "dashboard",
    "results-feed",
    "metrics",
    "airflow-scheduler",
)


@pytest.fixture(scope="module")
def up(deployment: Deployment) -> Deployment:
    return bring_up(deployment)


@pytest.fixture(scope="module")
def polling(up: Deployment) -> Polling:
    """Elections of 36,000 ballots, four minutes each."""
    return Polling(up, "night", rate=150)


@pytest.mark.parametrize("files", [(FILE,), (FILE, BROKERS), (FILE, HARDENED)])
def test_the_files_are_valid_as_they_are_for_everybody(deployment, files):
    deployment.run(
        "docker",
        "compose",
        *(f"--file={name}" for name in files),
        "--profile=tools",
        "--profile=watched",
        "config",
        "--quiet",
    )


def test_the_demonstration_ends_as_on_the_native_stack(up):
    with told("demonstration"):
        said = up.compose("run", "--rm", "election", "run", "--contests", CONTEST, "--slug", "demo", "--workers", "4")
    assert "everything agrees" in said
    assert str(up.platform.settings.secret_file("airflow_operator")) in said.replace("\n", "")  # as found from here
    found = json.loads(up.compose("run", "--rm", "election", "results", "demo", "--json"))
    assert [contest["contest"] for contest in found["contests"]] == [CONTEST]
    assert found["status"] == "certified"
    url = f"{up.platform.settings.dashboard_page}/exports/demo/candidates.json"
    shown = httpx.get(url, trust_env=False, timeout=30).raise_for_status().json()
    assert votes(shown["rows"], "candidate") == votes(found["contests"][0]["candidates"], "name")
    totals = f"{up.platform.settings.feed_page}/v1/elections/demo/totals"
    fed = httpx.get(totals, trust_env=False, timeout=30).raise_for_status().json()
    assert fed["state"] == "certified" and votes(fed["items"], "candidate") == votes(shown["rows"], "candidate")
    status = json.loads(up.compose("run", "--rm", "election", "status", "--json"))
    assert status["ready"] and {s["name"] for s in status["services"]} == set(SERVICES)


def test_prometheus_scrapes_the_platform_and_asks_who_is_there(up):
    up.compose("--profile", "watched", "up", "--detach", "--wait", "prometheus")
    url = f"http://127.0.0.1:{up.environment['ELECTION_PROMETHEUS_PORT']}/api/v1/query"
    login = ("metrics", up.platform.settings.secret("metrics"))

    def value(expression: str) -> list[str]:
        answer = httpx.get(url, params={"query": expression}, auth=login, trust_env=False, timeout=30)
        return [one["value"][1] for one in answer.raise_for_status().json()["data"]["result"]]

    until(lambda: value('count(up{job=~"election|guarded|pages"} == 1)') == ["6"], 120, "all are scraped")
    until(lambda: value("min(election_service_up)") == ["1"], 120, "every service is up")
    assert httpx.get(url, params={"query": "up"}, trust_env=False).status_code == 401
    up.compose("rm", "--stop", "--force", "prometheus")


def test_a_run_that_cannot_go_well_says_so_by_its_exit_status(up):
    with pytest.raises(AssertionError, match="has no contest"):
        up.compose("run", "--rm", "election", "run", "--contests", "Atlantis")


def test_a_driver_in_another_container_finds_the_lock_taken(up):
    driver = counting(up)
    assert json.loads(up.compose("run", "--rm", "election", "tally", "start", "--json"))["identity"] == driver
    with pytest.raises(AssertionError, match="Another driver counts already"):
        up.compose("run", "--rm", "--no-deps", "--entrypoint", "python", "airflow-scheduler", "-c", SUBMIT)
    assert counting(up) == driver


def test_every_container_may_die_while_ballots_are_cast(up, polling):
    polling.await_casting()
    driver = counting(up)
    killed = {}
    for service in SERVICES:
        polling.await_casting()
        kill(up, service)
        killed[service] = time.monotonic()
        for other in [name for name in killed if healthy(up, name)]:
            log.info("%s is healthy, killed %.0f s ago", other, time.monotonic() - killed.pop(other))
    for service, at in killed.items():
        until(partial(healthy, up, service), 480, f"{service} is healthy again")
        log.info("%s is healthy, killed %.0f s ago", service, time.monotonic() - at)
    # Its number is the dead one's, in a container like the dead one's; it is another driver, and the only one.
    assert counting(up) != driver


def test_everything_may_restart_while_ballots_are_cast(up, polling):
    polling.await_casting()
    with told("restarted"):
        up.compose("restart")
    polling.await_casting()
    counting(up)


def test_everything_may_go_down_and_come_up_again_while_ballots_are_cast(up, polling):
    polling.await_casting()
    with told("down"):
        up.compose("down")
    with told("up again"):
        up.compose("up", "--detach", "--wait")
    with told("all that was held is exact"):
        polling.exact()
    for slug in known(up):
        assert reconcile(up.platform, slug).ok, slug


def test_kafka_answers_nobody_without_a_login(up):
    with pytest.raises(KafkaException):
        admin({"bootstrap.servers": up.platform.settings.kafka_bootstrap}).list_topics(timeout=10)


def test_no_secret_is_in_an_environment_or_a_log(up):
    containers = up.compose("ps", "--all", "--quiet").split()
    shown = up.run("docker", "inspect", *containers) + up.compose("logs", "--no-color", "--no-log-prefix")
    shown += up.compose("exec", "-T", "airflow-scheduler", "sh", "-c", "cat var/tally/*.log*")
    # Spark's is a line NAME=SECRET.
    secrets = {f.name: f.read_text().strip().rpartition("secret=")[2] for f in up.platform.settings.secrets.iterdir()}
    assert [name for name, secret in secrets.items() if secret in shown] == []


def test_a_backup_brings_elections_back_to_a_new_platform(up, tmp_path):
    backup = tmp_path / "elections.dump"
    up.run("docker/backup", str(backup))
    assert backup.stat().st_mode & 0o077 == 0
    before = {slug: result(up, slug) for slug in known(up)}
    with told("wiped and up"):
        up.compose("--profile", "tools", "--profile", "watched", "down", "--volumes")
        up.compose("up", "--detach", "--wait")
    with told("restored"):
        up.run("docker/restore", str(backup))
    for slug, result_before in before.items():
        until(partial(agrees, up, slug), 600, f"the restored {slug} reconciles")
        assert result(up, slug) == result_before
    newest = next(iter(before))
    up.compose("run", "--rm", "election", "validate", newest, "--checkpoint", "schedule")
    # An election after it meets nothing of those before it.
    begin(up, "afterwards", 0, scenario="single-race", contests=[], voters=3_000)
    exact(up, "afterwards", registered=3_000)


def test_nothing_is_left_when_it_is_removed(up):
    for container in up.compose("ps", "--quiet").split():
        mounts = json.loads(up.run("docker", "inspect", "--format", "{{json .Mounts}}", container))
        volumes = [mount["Name"] for mount in mounts if mount["Type"] == "volume"]
        assert all(name.startswith(f"{up.project}_") for name in volumes), "a volume that nobody would find again"
    up.compose("--profile", "tools", "--profile", "watched", "down", "--volumes")
    of_project = f"label=com.docker.compose.project={up.project}"
    for command in (("ps", "--all"), ("volume", "ls"), ("network", "ls")):
        assert up.run("docker", *command, "--quiet", "--filter", of_project) == ""


def agrees(up: Deployment, slug: str) -> bool:
    return reconcile(up.platform, slug).ok


def result(up: Deployment, slug: str) -> object:
    return json.loads(up.compose("run", "--rm", "election", "results", slug, "--json"))


def votes(rows: list[dict[str, object]], name: str) -> dict[object, object]:
    return {row[name]: row["votes"] for row in rows}


def counting(up: Deployment) -> str:
    """Who counts, once somebody does."""
    found: dict[str, object] = {}

    def at_work() -> bool:
        found.update(json.loads(up.compose("exec", "-T", "airflow-scheduler", "election", "tally", "status", "--json")))
        return found["phase"] in ("counting", "stalled")  # on a busy machine a batch may take long

    until(at_work, 600, "a driver counts")
    return str(found["identity"])
