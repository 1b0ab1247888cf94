"""A rehearsal whose poll its operator closes from the command line: the run in Airflow is told, and goes on."""

from election.orchestration.api import Airflow
from tests.e2e.conftest import Command, ended, until

SLUG, DAG, TASK = "e2e-closed-by-command", "election_run", "casting.close_when_told"
FORM = {"scenario": "single-race", "contests": [], "voters": 300, "ballots": "external", "auto_certify": True}


def test_a_run_whose_poll_is_closed_from_the_command_line_is_told_and_goes_on(
    airflow: Airflow, command: Command
) -> None:
    airflow.trigger(DAG, SLUG, FORM | {"slug": SLUG})
    until(lambda: any(t["task_id"] == TASK and t["state"] == "awaiting_input" for t in airflow.tasks(DAG, SLUG)), 400)
    said = command("close", SLUG).stdout
    assert f"The poll of {SLUG} is closed." in said
    assert f"The run {SLUG} in Airflow waited for this and goes on." in said
    assert ended(airflow, DAG, SLUG) == "success"
    assert "was closed already" in command("close", SLUG).stdout
