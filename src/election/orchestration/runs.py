"""From an Airflow run's parameters to an election, and the note on the run that names it."""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from election.errors import BadInput, ElectionError
from election.orchestration.api import Airflow
from election.orchestration.connections import platform
from election.preparation import Registration
from election.preparation import register as register_election
from election.preparation.registration import checked
from election.settings import Settings
from election.storage.elections import election as find_election
from election.storage.runs import note_run

log = logging.getLogger(__name__)


def registration(params: Mapping[str, Any], slug: str) -> Registration:
    """The registration that a run's form describes; ``slug`` when the form left it empty."""
    return Registration(
        scenario=params["scenario"],
        slug=params["slug"] or slug,
        contests=tuple(params["contests"] or ()),
        region=params["region"] or None,
        source=params["source"],
        nationality=params["nationality"],
        voters=params["voters"],
        turnout=params["turnout"],
        seed=params["seed"],
        ballots=params["ballots"],
        night=params["night"],
    )


def register(context: Mapping[str, Any]) -> str:
    """Registers the run's election and returns its slug. A cleared run finds the election it registered before."""
    run = context["dag_run"]
    # The run's own time, not the clock's, so that a cleared run keeps its slug.
    slug = f"{context['params']['scenario'][:46]}-{run.run_after:%Y%m%d-%H%M%S}"
    try:
        wanted = registration(context["params"], slug)
        checked(platform(), wanted, context["params"]["rate"])
        election = register_election(platform(), wanted)
    except BadInput as error:
        # Trying again cannot mend a parameter.
        raise AirflowFailException(str(error)) from error
    belongs_to(context, election.slug)
    return election.slug


def belongs_to(context: Mapping[str, Any], slug: str) -> None:
    """Records that the run is about this election, and says so beside a run whose own name does not."""
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
