"""From an Airflow run's parameters to an election, and the note on the run that names it."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from election.errors import BadInput
from election.orchestration.connections import platform
from election.preparation import Registration
from election.preparation import register as register_election
from election.preparation.registration import checked


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
        return register_election(platform(), wanted).slug
    except BadInput as error:
        # Trying again cannot mend a parameter.
        raise AirflowFailException(str(error)) from error
