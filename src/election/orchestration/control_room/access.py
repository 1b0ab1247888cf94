"""Who may look at what: the answer of Airflow's own auth manager, for the person of this request.

Without a session every page answers 401, with a forged one 403.
"""

from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_view
from fastapi import Depends, HTTPException

LOGGED_IN = Depends(requires_access_view(AccessView.PLUGINS))


def is_operator(user: GetUserDep) -> bool:
    """Whether this person may start an election."""
    return get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id="election_run"), user=user
    )


Operator = Annotated[bool, Depends(is_operator)]


def require_operator(operator: Operator) -> None:
    if not operator:
        raise HTTPException(403, "This page has raw records, which may name voters. Only operators may see it.")


OPERATORS_ONLY = Depends(require_operator)
