"""Elections from the form to the verdict, through Airflow on the whole stack."""

import os
import signal
import time
from contextlib import suppress

import psutil
import pytest

from election import scenarios
from election.errors import NotReachable
from election.stack import services
from election.stack.supervision import Supervisor
from tests.e2e.conftest import ended

YNYS_MON = "W07000041"
DEFAULTS = {"scenario": "single-race", "contests": [], "workers": 2, "auto_certify": True}
pytestmark = pytest.mark.timeout(1800)  # seconds; every service is killed in one run


def by_name(contest):
    return {candidate["name"]: candidate["votes"] for candidate in contest["candidates"]}


@pytest.fixture(scope="module")
def demonstration(command):
    """The run that `make demo` makes."""
    return command("run", "--contests", YNYS_MON, "--slug", "e2e-demo")


def test_the_demonstration_ends_in_the_official_figures(stack, demonstration, command):
    scenario = scenarios.load(stack.settings.scenarios, "uk-general-election-2019")
    (official,) = scenarios.select(scenario, [YNYS_MON]).contests
    found = command("results", "e2e-demo", "--json")
    assert (found["election"], found["status"]) == ("e2e-demo", "certified")
    assert (found["registered"], found["valid"], found["invalid"]) == (51_925, 36_552, 121)
    assert found["abstained"] == 51_925 - 36_552 - 121
    (contest,) = found["contests"]
    assert (contest["contest"], contest["name"]) == (YNYS_MON, "Ynys Môn")
    assert by_name(contest) == {f"{c.given_name} {c.family_name}": c.votes for c in official.candidates}
    verdict = command("reconcile", "e2e-demo", "--json")
    outcome = verdict.pop("outcome")
    assert [elected["name"] for elected in outcome["contests"][0]["elected"]] == contest["elected"]
    assert outcome["seats"] == found["seats"]
    assert verdict == {
        "ok": True,
        "registered": 51_925,
        "voted": 36_673,
        "stored": 36_673,
        "published": 36_673,
        "counted": 36_673,
        "rejected": 0,
        "differences": [],
        "kind": "reconciliation",
        "quarantined": 0,
        "unasked": [],
    }
    assert "everything agrees" in demonstration.stdout.replace("\n", " ")
    assert "12,959 ✓" in demonstration.stdout


def test_status_names_what_another_program_needs(stack, command):
    _until(lambda: command("status", "--json")["ready"], 60)
    status = command("status", "--json")
    assert {"name", "state", "ready", "pid", "url"} <= set(status["services"][0])
    assert status["kafka"]["bootstrap"] == stack.settings.kafka_bootstrap
    assert stack.settings.secret("postgres_reader") not in str(status)
    assert {"url", "username", "password_file"} <= set(status["airflow"])
    assert {"master", "url"} <= set(status["spark"])


def test_two_elections_at_once_do_not_mix_and_are_certified_without_asking(airflow, command):
    polls = {"e2e-one": 4_000, "e2e-two": 7_000}
    for seed, (slug, voters) in enumerate(polls.items()):
        airflow.trigger("election_run", slug, DEFAULTS | {"slug": slug, "voters": voters, "seed": seed})
    for slug, voters in polls.items():
        assert ended(airflow, "election_run", slug) == "success"
        verdict = command("reconcile", slug, "--json")
        assert verdict["ok"], verdict["differences"]
        assert verdict["registered"] == voters
        assert 0 < verdict["counted"] < voters
        # Told to certify without asking, the run did so in the name of who started it.
        found = command("results", slug, "--json")
        assert (found["status"], found["decision"]["decided_by"]) == ("certified", "admin")


def test_a_cleared_task_and_a_cleared_run_change_nothing(airflow, command, demonstration):
    before = command("results", "e2e-demo", "--json")
    airflow.clear("election_run", "e2e-demo", ["casting.cast"])
    assert ended(airflow, "election_run", "e2e-demo") == "success"
    assert command("results", "e2e-demo", "--json") == before
    airflow.clear("election_run", "e2e-demo")
    assert ended(airflow, "election_run", "e2e-demo") == "success"
    assert command("results", "e2e-demo", "--json") == before
    assert command("reconcile", "e2e-demo", "--json")["ok"]


def test_a_parameter_that_cannot_be_is_refused_before_anything_is_written(airflow, stack, command):
    airflow.trigger("election_run", "e2e-refused", {"slug": "e2e-refused", "turnout": 0.5})
    assert ended(airflow, "election_run", "e2e-refused") == "failed"
    (task,) = [t for t in airflow.tasks("election_run", "e2e-refused") if t["state"] == "failed"]
    assert task["task_id"] == "prepare.register"
    assert "turnout is the official one" in "\n".join(airflow.log_tail("election_run", "e2e-refused", task))
    with stack.connect("reader") as connection:
        assert not connection.execute("SELECT FROM elections WHERE slug = 'e2e-refused'").fetchone()
    refused = command("run", "--scenario", "no-such-country", status=1)
    assert "no-such-country" in refused.stderr


def test_data_quality_passes_on_what_ran(airflow, demonstration):
    airflow.trigger("data_quality", "e2e-quality", {})
    assert ended(airflow, "data_quality", "e2e-quality") == "success"


def test_every_service_killed_during_a_run_comes_back_and_the_run_ends_exact(airflow, stack, command):
    slug = "e2e-killed"
    airflow.trigger("election_run", slug, DEFAULTS | {"slug": slug, "voters": 40_000, "rate": 400})
    supervisor = Supervisor(stack.settings)
    _until(lambda: _casting(airflow, slug), 400)
    for name, service in services.existing(stack.settings).items():
        killed = supervisor.processes()[name]["pid"]
        left = _in_its_session(psutil.Process(killed))
        os.kill(killed, signal.SIGKILL)
        _until(lambda service=service, killed=killed: _back(stack, supervisor, service, killed), 120)
        _until(lambda left=left: not any(child.is_running() for child in left), 30)  # beside its successor
    assert ended(airflow, "election_run", slug, 400) == "success"
    verdict = command("reconcile", slug, "--json")
    assert verdict["ok"], verdict["differences"]
    assert verdict["stored"] == verdict["counted"] > 20_000


def _in_its_session(process):
    """Its children that did not begin a session of their own; those that end meanwhile are left out."""
    found = []
    for child in process.children(recursive=True):
        with suppress(ProcessLookupError):
            if os.getsid(child.pid) == os.getsid(process.pid):
                found.append(child)
    return found


def _casting(airflow, slug):
    return any(t["task_id"] == "casting.cast" and t["state"] == "running" for t in airflow.tasks("election_run", slug))


def _back(stack, supervisor, service, killed):
    """The supervisor started it again, and it answers."""
    process = supervisor.processes()[service.name]
    if process["statename"] != "RUNNING" or process["pid"] == killed:
        return False
    service.ready(stack.settings, process["start"])
    return True


def _until(condition, seconds):
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except NotReachable:
            pass  # a service that is coming back
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.3)
