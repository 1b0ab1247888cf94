"""An audit through Airflow: papers that the run lays down, simulated auditors, and a signature of a person."""

from election.audit import progress
from election.errors import StageFailed
from tests.e2e.conftest import ended, until

SLUG = "e2e-audit"
ELECTION = {"scenario": "single-race", "contests": [], "voters": 2_000, "box": True, "auto_certify": True}


def test_an_election_with_a_box_is_audited_to_its_signed_report(airflow, stack, command):
    airflow.trigger("election_run", SLUG, ELECTION | {"slug": SLUG})
    assert ended(airflow, "election_run", SLUG) == "success"
    airflow.trigger("audit", "e2e-audit-1", {"slug": SLUG, "simulate": True})
    until(lambda: _waits_for(stack) == "sign-off", 180)
    assert airflow.run("audit", "e2e-audit-1")["state"] == "running", "only the signature waits for a person"
    command("audit", "sign-off", SLUG, "--reason", "Each contest is confirmed.")
    assert ended(airflow, "audit", "e2e-audit-1") == "success"
    (report,) = (stack.settings.var / "results" / SLUG / "audit").glob("audit-*.json")
    assert "Every draw follows from the seed" in command("audit", "check", str(report)).stdout
    found = command("audit", "status", SLUG, "--json")
    assert (found["signed_by"], len(found["seed"]), found["papers_to_read"]) == ("admin", 20, 0)


def test_an_election_without_a_box_is_not_audited_and_the_log_says_what_to_do(airflow, command):
    airflow.trigger("election_run", "e2e-no-box", ELECTION | {"slug": "e2e-no-box", "box": False})
    assert ended(airflow, "election_run", "e2e-no-box") == "success"
    airflow.trigger("audit", "e2e-audit-2", {"slug": "e2e-no-box", "simulate": True})
    assert ended(airflow, "audit", "e2e-audit-2") == "failed"
    (task,) = [task for task in airflow.tasks("audit", "e2e-audit-2") if task["state"] == "failed"]
    assert task["task_id"] == "begin"
    assert "box" in "\n".join(airflow.log_tail("audit", "e2e-audit-2", task))


def _waits_for(stack):
    """What the audit waits for; None before it began."""
    try:
        return progress(stack, SLUG).follows
    except StageFailed:
        return None
