"""What the control room says to a request that it does not answer, as a page a person can act on."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from psycopg.errors import UndefinedTable
from starlette.exceptions import HTTPException

from election.errors import NotReachable, UnknownElection
from election.orchestration.control_room.rendering import rendered
from election.settings import Settings

Handlers = dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]
TITLES = {
    401: "Log in to Airflow first",
    403: "You may not see this page",
    404: "There is no such page",
    503: "Not now",
}
NO_SESSION = "Your session has ended or never began. Open Airflow, log in, and come back."


def refusals(settings: Settings) -> Handlers:
    """Exception handlers for an application."""

    def refused(status: int, message: str) -> Response:
        title = TITLES.get(status, "That did not work")
        return rendered(settings, "refused.html", status=status, title=title, message=message)

    async def http(_request: Request, error: HTTPException) -> Response:
        return refused(error.status_code, NO_SESSION if error.status_code == 401 else error.detail)

    async def unknown(_request: Request, error: UnknownElection) -> Response:
        return refused(404, str(error))

    async def away(_request: Request, error: NotReachable) -> Response:
        return refused(503, str(error))

    async def nothing_yet(_request: Request, _error: UndefinedTable) -> Response:
        return refused(503, "There is no election yet. Start one with the DAG election_run.")

    async def malformed(_request: Request, _error: RequestValidationError) -> Response:
        return refused(404, "No page has such an address.")

    return {
        HTTPException: http,
        UnknownElection: unknown,
        NotReachable: away,
        UndefinedTable: nothing_yet,
        RequestValidationError: malformed,
    }
