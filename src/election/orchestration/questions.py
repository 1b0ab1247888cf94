"""Pending questions of runs in Airflow, and answering them from the command line. Needs no Airflow in the process."""

from election.clients.airflow import Airflow
from election.errors import BadInput
from election.settings import Settings

DAG, TASK = "election_run", "certification.decide"
CERTIFY, REFUSE = "Certify", "Refuse"
DECIDES = {CERTIFY: "certified", REFUSE: "refused"}
"""What each answer makes of the election."""
CLOSE = "Close the poll"
_CLOSING = "casting.close_when_told"


def subject(slug: str) -> str:
    """The headline of the question on a result. It identifies the run, because a run from the form has another name."""
    return f"Certify the result of {slug}?"


def closing_subject(slug: str) -> str:
    """The headline of the question when to close a poll."""
    return f"Close the poll of {slug}?"


def answer(airflow: Airflow, slug: str, option: str, reason: str) -> str:
    """Answers the run that asks about the election, as the user that ``airflow`` is; returns the run's id.

    Raises BadInput if no run asks or the reason is empty, ElectionError if the user may not answer or another answer
    came first.
    """
    if not reason.strip():
        raise BadInput("A decision needs a reason: --reason 'what it rests on'.")
    asking = [q for q in airflow.questions(DAG) if q["subject"] == subject(slug)]
    if not asking:
        raise BadInput(
            f"No run asks whether {slug} is to be certified. A run asks after its gates; `election results {slug}` "
            f"shows how far it is. In a run that has ended, clear the task {TASK}: it asks again."
        )
    run_id = str(asking[0]["task_instance"]["dag_run_id"])
    airflow.answer(DAG, run_id, TASK, option, {"reason": reason.strip()})
    return run_id


def answer_closing(settings: Settings, slug: str) -> list[str]:
    """Answers every run that waits for the poll of ``slug`` to close; returns their ids.

    Raises ElectionError when Airflow does not answer or refuses.
    """
    airflow, told = Airflow(settings), []
    for question in airflow.questions(DAG):
        task = question["task_instance"]
        if task["task_id"] == _CLOSING and question["subject"] == closing_subject(slug):
            airflow.answer(DAG, task["dag_run_id"], _CLOSING, CLOSE)
            told.append(task["dag_run_id"])
    return told
