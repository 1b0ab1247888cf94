"""A rehearsal whose ballots come from outside: the run takes them until the operator closes the poll in Airflow."""

import time

from election.contracts.messages import ExternalBallot
from election.storage.elections import election
from tests.ballots import send
from tests.e2e.conftest import ended

SLUG = "e2e-external"


def test_a_run_takes_ballots_from_outside_until_the_operator_closes_the_poll(airflow, stack, command):
    form = {"scenario": "single-race", "contests": [], "slug": SLUG, "voters": 300, "ballots": "external"}
    form |= {"auto_certify": True}
    airflow.trigger("election_run", SLUG, form)
    _until(lambda: _state(airflow, "casting.close_when_told") == "awaiting_input", 180)
    with stack.connect("reader") as connection:
        no = election(connection, SLUG).election_no
    send(stack, *(ExternalBallot(1, no, voter, 1, 2) for voter in range(1, 101)), ExternalBallot(1, no, 999, 1, 2))
    airflow.answer("election_run", SLUG, "casting.close_when_told", "Close the poll")
    assert ended(airflow, "election_run", SLUG) == "success"
    verdict = command("reconcile", SLUG, "--json")
    assert (verdict["ok"], verdict["stored"], verdict["counted"], verdict["rejected"]) == (True, 100, 100, 1)
    send(stack, ExternalBallot(1, no, 200, 1, 2))
    command("cast", SLUG)
    assert command("rejected", SLUG, "--json")["reasons"] == {"unknown_voter": 1, "late": 1}
    (candidate,) = [c for c in command("results", SLUG, "--json")["contests"][0]["candidates"] if c["votes"]]
    assert candidate["votes"] == 100


def _state(airflow, task_id):
    return next((t["state"] for t in airflow.tasks("election_run", SLUG) if t["task_id"] == task_id), None)


def _until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.5)
