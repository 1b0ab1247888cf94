"""What runs in Airflow wait to be told by a person, and how a command tells them."""

from election.orchestration.api import Airflow
from election.settings import Settings

_DAG, _TASK, _OPTION = "election_run", "casting.close_when_told", "Close the poll"


def answer_closing(settings: Settings, slug: str) -> list[str]:
    """Tells every run that waits with the question whether to close the poll of ``slug``; returns their ids.

    Raises ElectionError when Airflow does not answer or refuses.
    """
    airflow, told = Airflow(settings), []
    for question in airflow.questions(_DAG):
        task = question["task_instance"]
        if task["task_id"] == _TASK and question["subject"] == f"Close the poll of {slug}?":
            airflow.answer(_DAG, task["dag_run_id"], _TASK, _OPTION)
            told.append(task["dag_run_id"])
    return told
