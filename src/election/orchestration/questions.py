"""What runs in Airflow wait to be told by a person, and how a command tells them. Needs no Airflow in the process."""

from election.errors import BadInput, ElectionError
from election.orchestration.api import Airflow
from election.settings import Settings

DAG, TASK = "election_run", "certification.decide"
CERTIFY, REFUSE = "Certify", "Refuse"
_CLOSING, _CLOSE = "casting.close_when_told", "Close the poll"


def subject(slug: str) -> str:
    """The headline of the question on a result. By it the run is found: one from the form has another name."""
    return f"Certify the result of {slug}?"


def answer(airflow: Airflow, slug: str, option: str, reason: str) -> str:
    """Answers the run that asks about the election, as the user that ``airflow`` is; returns the run's id.

    Raises BadInput when nobody asks or the reason is empty, ElectionError when Airflow refuses the user.
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
    try:
        airflow.answer(DAG, run_id, TASK, option, {"reason": reason.strip()})
    except ElectionError as error:
        raise ElectionError(f"{error}. Users named in the setting ELECTION_CERTIFIERS may answer.") from error
    return run_id


def answer_closing(settings: Settings, slug: str) -> list[str]:
    """Tells every run that waits with the question whether to close the poll of ``slug``; returns their ids.

    Raises ElectionError when Airflow does not answer or refuses.
    """
    airflow, told = Airflow(settings), []
    for question in airflow.questions(DAG):
        task = question["task_instance"]
        if task["task_id"] == _CLOSING and question["subject"] == f"Close the poll of {slug}?":
            airflow.answer(DAG, task["dag_run_id"], _CLOSING, _CLOSE)
            told.append(task["dag_run_id"])
    return told
