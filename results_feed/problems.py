"""What a request gets that cannot be answered (RFC 9457), and the headers that every answer has."""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from election.errors import ElectionError
from results_feed.publishing import ELECTIONS, NotYet, Unknown

log = logging.getLogger(__name__)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'"
_RETRY = {"Retry-After": "2"}  # seconds
_NAMED = 10  # wrong parameters in one answer
QUERY_BYTES = 1000  # a token, a limit and a contest take less than half of it


class NoSuchThing(Exception):
    """What the address names does not exist; the text says where to look."""


class Wrong(BaseModel):
    parameter: str
    message: str


class Problem(BaseModel):
    """An error. ``detail`` says what to do; ``errors`` names the parameters that are wrong."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Wrong] = []


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, errors: Sequence[Wrong] = ()
) -> Response:
    content = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(content.model_dump(), status, headers, "application/problem+json")


async def _http(_request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return problem(404, "There is nothing at this address. The page / lists all addresses.")
    if error.status_code == 405:
        return problem(405, "The feed is read with GET alone.", {"Allow": "GET"})
    return problem(error.status_code, str(error.detail))


async def _invalid(_request: Request, error: RequestValidationError) -> Response:
    wrong = [
        Wrong(parameter=str(found["loc"][1]) if len(found["loc"]) > 1 else "", message=_message(found))
        for found in error.errors()[:_NAMED]
    ]
    return problem(400, "; ".join(f"{one.parameter}: {one.message}".removeprefix(": ") for one in wrong), errors=wrong)


def _message(found: dict[str, Any]) -> str:
    if found["type"] == "extra_forbidden":
        return "There is no such parameter here. The page / lists all parameters."
    return str(found["msg"]).removeprefix("Value error, ")


async def _unknown(_request: Request, error: Unknown) -> Response:
    return problem(404, f"There is no election {error.args[0]!r}. {ELECTIONS} lists them.")


async def _no_such_thing(_request: Request, error: NoSuchThing) -> Response:
    return problem(404, str(error))


async def _not_yet(_request: Request, _error: Exception) -> Response:
    return problem(503, "The figures are not read yet. Ask again in seconds.", _RETRY)


async def _away(_request: Request, _error: Exception) -> Response:
    return problem(503, "A source does not answer. Ask again in seconds.", _RETRY)


async def _failed(_request: Request, error: Exception) -> Response:
    log.error("an answer failed", exc_info=error)
    headers = {**_HEADERS, "Content-Security-Policy": _NOTHING, "Access-Control-Allow-Origin": "*"}
    return problem(500, "The feed failed; its log says why.", headers)


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    HTTPException: _http,
    RequestValidationError: _invalid,
    Unknown: _unknown,
    NoSuchThing: _no_such_thing,
    NotYet: _not_yet,
    ElectionError: _away,
    psycopg.Error: _away,
    Exception: _failed,
}
_SCHEMA = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
SCHEMAS = {**_SCHEMA.pop("$defs"), "Problem": _SCHEMA}
"""The schemas to which ``PROBLEMS`` refers."""

_TEXTS: dict[int | str, str] = {
    400: "A parameter is wrong.",
    404: "There is no such election or contest.",
    414: f"The query has more than {QUERY_BYTES} bytes.",
    503: "The figures are not read yet, or a source does not answer. `Retry-After` says when to ask again.",
    "default": "The feed failed.",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in _TEXTS.items()
}


class ShortQueries:
    """Refuses a longer query before it is taken apart: Starlette's time for that grows with the square of its names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(scope.get("query_string", b"")) <= QUERY_BYTES:
            await self._app(scope, receive, send)
        else:
            detail = f"The query has more than {QUERY_BYTES} bytes. The page / lists all parameters."
            await problem(414, detail)(scope, receive, send)


class HeadersEverywhere:
    """Adds to each answer what tells browsers to take it as data alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Content-Security-Policy", _NOTHING)
            await send(message)

        await self._app(scope, receive, with_headers)
