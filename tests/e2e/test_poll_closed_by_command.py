"""A rehearsal whose poll its operator closes from the command line: the run in Airflow is told, and goes on; what the
feed sends after that is rejected as late, also when nobody casts any more.
"""

from election.clients.airflow import Airflow
from election.contracts.messages import ExternalBallot
from election.platform import Platform
from election.storage.elections import election
from tests.ballots import send
from tests.e2e.conftest import Command, ended, until

SLUG, DAG = "e2e-closed-by-command", "election_run"
FORM = {"scenario": "single-race", "contests": [], "voters": 300, "ballots": "external", "auto_certify": True}


def test_a_run_whose_poll_is_closed_from_the_command_line_is_told_and_goes_on(
    stack: Platform, airflow: Airflow, command: Command
) -> None:
    def reached(task_id: str, *states: str) -> bool:
        return any(t["task_id"] == task_id and t["state"] in states for t in airflow.tasks(DAG, SLUG))

    airflow.trigger(DAG, SLUG, FORM | {"slug": SLUG})
    until(lambda: reached("casting.close_when_told", "awaiting_input"), 400)
    with stack.connect("reader") as connection:
        number = election(connection, SLUG).election_no
    send(stack, *(ExternalBallot(1, number, voter, 1, 1) for voter in range(1, 101)))
    said = command("close", SLUG).stdout
    assert f"The poll of {SLUG} is closed." in said
    assert f"The run {SLUG} in Airflow waited for this and continues." in said

    until(lambda: reached("count.wait_until_counted", "running", "success"), 200)
    send(stack, ExternalBallot(1, number, 200, 1, 1), ExternalBallot(1, number, 201, 1, 1))
    assert ended(airflow, DAG, SLUG) == "success"
    rejected = command("rejected", SLUG, "--json")
    assert rejected["reasons"] == {"late": 2}
    assert command("results", SLUG, "--json")["valid"] == 100
    assert "was closed already" in command("close", SLUG, status=1).stdout
