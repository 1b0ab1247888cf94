"""An operator, who may write XComs and clear tasks, cannot have an election decided for somebody else."""

import subprocess
import sys

import pytest

from election.certification import decision, newest_verdict
from election.clients.airflow import Airflow
from election.errors import UnknownElection
from election.storage.elections import election
from tests.e2e.conftest import ended, until
from tests.e2e.test_certification import QUESTION, RUN, log_of, state_of, waits

DAG = "election_run"


@pytest.fixture(scope="module")
def operator(stack):
    return Airflow(stack.settings, "operator")


@pytest.fixture(scope="module")
def waiting(airflow):
    """Runs whose elections, each of its own, are counted and wait for a decision."""
    slugs = [f"e2e-waiting-{number}" for number in range(4)]
    for slug in slugs:
        airflow.trigger(DAG, slug, RUN | {"slug": slug})
    for slug in slugs:
        waits(airflow, slug)
    return slugs


def rewrite(operator, run_id, task_id, key, value):
    path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
    operator._send("PATCH", path, json={"value": value})


def shown_verdict(airflow, run_id):
    """The number of the verdict in the form of the run's question."""
    (question,) = [q for q in airflow.questions(DAG) if q["task_instance"]["dag_run_id"] == run_id]
    return question["params"]["verdict"]["value"]


def test_the_answer_decides_on_the_runs_own_election_when_its_xcom_is_rewritten(stack, airflow, operator, waiting):
    asked, other = waiting[:2]
    rewrite(operator, asked, "prepare.register", "return_value", other)
    airflow.answer(DAG, asked, QUESTION, "Certify", {"reason": "I have seen the figures of the first."})
    ended(airflow, DAG, asked)
    assert decision(stack, other) is None, "nobody decided on it"
    made = decision(stack, asked)
    assert made is not None and (made.decision, made.decided_by) == ("certified", "admin")


def test_an_answer_to_an_older_verdict_decides_nothing_and_the_next_question_shows_the_newest(
    stack, airflow, operator, waiting
):
    slug = waiting[1]
    shown = shown_verdict(airflow, slug)
    operator.clear(DAG, slug, ["reconciliation.reconcile"])
    until(lambda: newest_verdict(stack, slug) != shown, 200)
    waits(airflow, slug)
    newest = newest_verdict(stack, slug)
    assert shown_verdict(airflow, slug) == newest, "Airflow keeps what a task asked before it was cleared"
    # What somebody sends whose page still shows the question from before.
    airflow.answer(DAG, slug, QUESTION, "Certify", {"reason": "I have read it.", "verdict": shown})
    assert ended(airflow, DAG, slug) == "failed"
    assert f"is number {newest}; the decision is about number {shown}" in log_of(airflow, slug, QUESTION)
    assert decision(stack, slug) is None


def test_of_two_answers_at_the_same_moment_one_command_alone_ends_well(stack, waiting):
    slug = waiting[2]
    commands = {
        "certified": ["certify", slug, "--reason", "All boxes are in."],
        "refused": ["refuse", slug, "--reason", "A box is missing."],
    }
    started = {
        become: subprocess.Popen([sys.executable, "-m", "election.cli", *arguments], stderr=subprocess.PIPE, text=True)
        for become, arguments in commands.items()
    }
    said = {become: process.communicate(timeout=300)[1] for become, process in started.items()}
    ended_well = [become for become, process in started.items() if process.returncode == 0]
    made = decision(stack, slug)
    assert made is not None and ended_well == [made.decision], said
    (other,) = set(commands) - set(ended_well)
    assert started[other].returncode == 1 and said[other].startswith("Error:"), said


def test_a_run_that_was_not_told_to_certify_without_asking_does_not(stack, airflow, operator, waiting):
    slug = waiting[3]
    rewrite(
        operator, slug, "certification.who_decides", "skipmixin_key", {"followed": ["certification.certify_unasked"]}
    )
    body = {"dry_run": False, "dag_run_id": slug, "only_failed": False, "task_ids": ["certification.certify_unasked"]}
    operator._send("POST", f"/api/v2/dags/{DAG}/clearTaskInstances", json=body | {"reset_dag_runs": True})
    until(lambda: state_of(airflow, slug, "certification.certify_unasked") in ("failed", "success"), 120)
    assert decision(stack, slug) is None
    assert "was not started with auto_certify" in log_of(airflow, slug, "certification.certify_unasked")


def test_who_may_not_decide_starts_no_run_that_certifies_without_asking(stack, airflow, operator, command):
    slug = "e2e-told-by-an-operator"
    operator.trigger(DAG, slug, RUN | {"slug": slug, "auto_certify": True})
    assert ended(airflow, DAG, slug) == "failed"
    assert "operator may not decide. These may: admin." in log_of(airflow, slug, "prepare.register")
    with stack.connect("reader") as connection, pytest.raises(UnknownElection):
        election(connection, slug)
