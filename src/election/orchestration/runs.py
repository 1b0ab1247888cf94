"""From an Airflow run's parameters to an election, and the note on the run that names it."""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from election.clients.airflow import Airflow
from election.errors import BadInput, ElectionError
from election.logs import about
from election.orchestration.connections import platform
from election.parameters import Run
from election.platform import Platform
from election.preparation import register as register_election
from election.settings import Settings
from election.storage.deciders import deciders, require_decider
from election.storage.elections import election as find_election
from election.storage.runs import election_of_run, note_run

log = logging.getLogger(__name__)


def this_election() -> tuple[Platform, str]:
    """The platform, and the slug of the election that the current task's run is about, from the table ``runs``.

    What a task decides or changes never rests on an XCom: operators may write those.
    Raises AirflowFailException before the run has registered its election.
    """
    context = get_current_context()
    reached, run = platform(), context["dag_run"]
    with reached.connect("reader") as connection:
        found = election_of_run(connection, run.dag_id, run.run_id)
    if found is None:
        raise AirflowFailException(f"The run {run.run_id} has no election yet. Clear its first task and what follows.")
    about(found.slug, stage(context["ti"].task_id, run.dag_id))
    return reached, found.slug


def stage(task_id: str, dag_id: str) -> str:
    """The stage that a task belongs to, for logs: its group's name, or its DAG's if it is in no group."""
    group, _, name = task_id.rpartition(".")
    return group if name and group else dag_id


def require_starter_may_decide(context: Mapping[str, Any]) -> str:
    """The user who started the run, as Airflow recorded it. Raises BadInput unless that user may decide."""
    starter = context["dag_run"].triggering_user_name or ""
    with platform().connect("reader") as connection:
        require_decider(starter, deciders(connection))
    return starter


def register(context: Mapping[str, Any]) -> str:
    """Registers the run's election and returns its slug. A cleared run finds the election it registered before."""
    try:
        # The run's own time, not the clock's, so that a cleared run keeps its slug.
        wanted = Run(**context["params"]).named(context["dag_run"].run_after)
        if wanted.auto_certify:
            require_starter_may_decide(context)
        election = register_election(platform(), wanted)
        belongs_to(context, election.slug)
    except BadInput as error:
        # A retry cannot fix a parameter.
        raise AirflowFailException(str(error)) from error
    return election.slug


def belongs_to(context: Mapping[str, Any], slug: str) -> None:
    """Records the run's election, and sets a note on a run whose name does not say it.

    Raises BadInput when the run is about another one.
    """
    run = context["dag_run"]
    with platform().connect("app") as connection:
        name = find_election(connection, slug).name
        note_run(connection, run.dag_id, run.run_id, slug)
    if run.run_id == slug or run.note:
        return
    try:
        # Airflow lets a task start runs but not describe its own; its API lets an operator.
        Airflow(Settings(), "operator").note(run.dag_id, run.run_id, f"Election `{slug}`: {name}")
    except ElectionError as error:
        log.warning("The run has no note that names its election %s: %s", slug, error)
