"""The decision on a result: asked after the gates, answered by a person, carried out as Airflow recorded it."""

import json
import time

import psutil
import pytest

from election.clients.airflow import Airflow
from election.errors import ElectionError
from election.stack.supervision import Supervisor
from tests.e2e.conftest import ended, until

RUN = {"scenario": "single-race", "contests": [], "workers": 1, "voters": 300}
QUESTION = "certification.decide"


@pytest.fixture(scope="module")
def asked(airflow):
    """An election whose run waits for the decision."""
    slug = "e2e-decided"
    airflow.trigger("election_run", slug, RUN | {"slug": slug})
    waits(airflow, slug)
    return slug


def waits(airflow, run_id, seconds=400):
    """Until the run asks."""
    deadline = time.monotonic() + seconds
    while not any(q["task_instance"]["dag_run_id"] == run_id for q in airflow.questions("election_run")):
        assert time.monotonic() < deadline, {t["task_id"]: t["state"] for t in airflow.tasks("election_run", run_id)}
        time.sleep(0.5)  # Airflow has no event to wait for


def state_of(airflow, run_id, task_id):
    (task,) = [t for t in airflow.tasks("election_run", run_id) if t["task_id"] == task_id]
    return task["state"]


def log_of(airflow, run_id, task_id):
    (task,) = [t for t in airflow.tasks("election_run", run_id) if t["task_id"] == task_id]
    return "\n".join(airflow.log_tail("election_run", run_id, task))


def test_the_run_asks_with_the_figures_and_holds_no_worker(airflow, asked):
    (question,) = [q for q in airflow.questions("election_run") if q["task_instance"]["dag_run_id"] == asked]
    assert question["subject"] == f"Certify the result of {asked}?"
    assert "300 registered" in question["body"] and "everything agrees" in question["body"]
    assert question["options"] == ["Certify", "Refuse"]
    assert [user["id"] for user in question["assigned_users"]] == ["admin"]
    assert question["task_instance"]["state"] == "awaiting_input"


def test_who_is_not_named_for_it_may_not_answer(stack, asked, command):
    for user in ("operator", "viewer"):
        with pytest.raises(ElectionError, match=f"{user} may not answer this question. These may: admin"):
            Airflow(stack.settings, user).answer("election_run", asked, QUESTION, "Certify", {"reason": "I say so."})
    refused = command("refuse", asked, "--reason", "I say so.", "--user", "operator", status=1)
    assert "operator may not answer this question. These may: admin." in refused.stderr


def test_marking_the_question_success_by_hand_certifies_nothing(airflow, asked, command):
    airflow.mark("election_run", asked, QUESTION, "success")
    assert ended(airflow, "election_run", asked) == "failed"
    assert "has no decision" in log_of(airflow, asked, "certification.certified")
    assert command("results", asked, "--json")["status"] == "counted"


def test_an_answer_without_a_reason_decides_nothing_and_says_how_to_answer_again(airflow, asked, command):
    for form in ({"reason": "  "}, {}):
        airflow.clear("election_run", asked, [QUESTION])
        waits(airflow, asked)
        airflow.answer("election_run", asked, QUESTION, "Certify", form)
        assert ended(airflow, "election_run", asked) == "failed"
        assert f"has no reason, and so decides nothing. Clear {QUESTION}" in log_of(airflow, asked, QUESTION)
    assert command("results", asked, "--json")["decision"] is None
    refused = command("certify", asked, "--reason", " ", status=1)
    assert "needs a reason" in refused.stderr


def test_a_refused_election_ends_its_run_with_the_reason(airflow, asked, command):
    airflow.clear("election_run", asked, [QUESTION])
    waits(airflow, asked)
    command("refuse", asked, "--reason", "A box is missing.")
    assert ended(airflow, "election_run", asked) == "failed"
    assert "refused by admin" in log_of(airflow, asked, "certification.certified")
    found = command("results", asked, "--json")
    assert (found["status"], found["decision"]["reason"]) == ("refused", "A box is missing.")


def test_an_answer_that_comes_before_the_scheduler_has_heard_of_the_question_is_carried_out(airflow, asked, stack):
    """Airflow 3.3's own LocalExecutor fails the answered task then: the end of the run that asked is taken for its."""
    scheduler = psutil.Process(Supervisor(stack.settings).processes()["airflow-scheduler"]["pid"])
    airflow.clear("election_run", asked, [QUESTION])
    # It runs for a second or two; where that was missed the scheduler has not heard of the question either.
    until(lambda: state_of(airflow, asked, QUESTION) in ("running", "awaiting_input"), 60, every=0.05)
    scheduler.suspend()  # what runs its tasks are other processes
    try:
        waits(airflow, asked)
        airflow.answer("election_run", asked, QUESTION, "Refuse", {"reason": "A hasty answer."})
        until(lambda: state_of(airflow, asked, QUESTION) == "scheduled", 60)
    finally:
        scheduler.resume()
    assert ended(airflow, "election_run", asked) == "failed"
    assert "A hasty answer." in log_of(airflow, asked, "certification.certified")


def test_a_certified_result_is_exported_with_who_when_and_why_and_stands_when_recounted(airflow, asked, command, stack):
    airflow.clear("election_run", asked, [QUESTION])
    waits(airflow, asked)
    said = command("certify", asked, "--reason", "The box was found.")
    assert "certified by admin" in said.stdout
    assert ended(airflow, "election_run", asked) == "success"
    found = command("results", asked, "--json")
    assert found["status"] == "certified"
    assert (found["decision"]["decided_by"], found["decision"]["reason"]) == ("admin", "The box was found.")
    exported = json.loads((stack.settings.var / "results" / asked / "result.json").read_text())
    assert exported == found
    airflow.trigger("recount", "e2e-recount", {"slug": asked})
    assert ended(airflow, "recount", "e2e-recount") == "success"
    recounted = command("recount", asked, "--json")
    assert (recounted["ok"], recounted["kind"]) == (True, "recount")
    assert recounted["stored"] == recounted["counted"] == found["valid"] + found["invalid"]


def test_a_certified_election_is_not_asked_about_again(airflow, asked, command):
    before = command("results", asked, "--json")
    airflow.clear("election_run", asked)
    assert ended(airflow, "election_run", asked) == "success"
    assert command("results", asked, "--json") == before
    again = command("certify", asked, "--reason", "Once more.", status=1)
    assert "was certified by admin" in again.stderr and "Nothing was decided now." in again.stderr


def test_nobody_answers_twice(airflow, asked):
    with pytest.raises(ElectionError, match="admin answered 'Certify' already"):
        airflow.answer("election_run", asked, QUESTION, "Refuse", {"reason": "On second thoughts."})
