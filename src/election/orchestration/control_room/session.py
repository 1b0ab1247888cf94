"""What Airflow's API server does not do by itself for a browser's session: a middleware around all of it.

- The cookie with the session's token is set here, out of reach of scripts, and is sent to no request from another site.
  Airflow's login page writes it by script; a browser ignores that where a cookie of that name is `HttpOnly`.
- Every answer says who may frame it and where its scripts come from.
- Text that neither Postgres nor a task can hold (NUL, numbers beyond 64 bits, NaN) is refused before it is stored: a
  run with such a number would end its tasks and the DAG processor.

Loaded by every process of Airflow, so it imports no web framework. Review at apache-airflow-core 3.4: which of the
three does the API server do itself by then? No issue is known for any.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

COOKIE = b"_token"
LOGIN = "/auth/token"
MOST_BYTES = 2_000_000
"""The largest body of a request that changes something."""

# Airflow's switch for Swagger leaves the descriptions of its parts to anybody.
_DESCRIPTION = re.compile(r"(/auth|/execution)?/(docs|redoc|openapi\.json)(/.*)?")
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'; frame-src 'self'"
)


class SessionGuard:
    """An ASGI middleware. ``frames`` are the addresses that Airflow's pages may frame beside their own."""

    def __init__(self, app: App, frames: Iterable[str] = (), lifetime: int = 0) -> None:
        self._app, self._lifetime = app, lifetime
        self._policy = " ".join([_POLICY, *frames]).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = self._guarded(scope, send)
        if "\0" in scope["path"] or b"%00" in scope["query_string"] or _DESCRIPTION.fullmatch(scope["path"]):
            await _refuse(answered, 404, "No page has such an address.")
            return
        if scope["path"].startswith("/execution/"):  # Airflow's own tasks, whose values may be large
            await self._app(scope, receive, answered)
            return
        if scope["method"] in ("POST", "PUT", "PATCH"):
            body = await _body(receive)
            why = "It is too long." if body is None else unusable(body)
            if body is None or why:
                await _refuse(answered, 422, f"The request was not carried out. {why}")
                return
            if scope["method"] == "POST" and scope["path"] == LOGIN and _from_own_page(scope):
                answered = self._with_cookie(scope, answered)
            receive = _again(body, receive)
        await self._app(scope, receive, answered)

    def _guarded(self, scope: Scope, send: Send) -> Send:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [_stricter(header, scope) for header in message.get("headers", [])]
                there = {name.lower() for name, _ in headers}
                added = [(b"x-content-type-options", b"nosniff"), (b"content-security-policy", self._policy)]
                message = message | {"headers": headers + [header for header in added if header[0] not in there]}
            await send(message)

        return guarded

    def _with_cookie(self, scope: Scope, send: Send) -> Send:
        """Sets the cookie from the token in the login's answer, which is a small JSON object."""
        started: list[Message] = []
        parts: list[bytes] = []

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            (start,) = started
            body = b"".join(parts)
            if start["status"] == 201:
                token = json.loads(body)["access_token"]
                cookie = COOKIE + f"={token}; Path=/; Max-Age={self._lifetime}".encode()
                start = start | {"headers": [*start["headers"], (b"set-cookie", cookie)]}
            await send(start)
            await send({"type": "http.response.body", "body": body})

        return with_cookie


def unusable(body: bytes) -> str:
    """Why a JSON body cannot be stored or carried to a task; empty when it can, or is no JSON."""
    if body.lstrip()[:1] not in (b"{", b"["):
        return ""
    try:
        return _unusable(json.loads(body))
    except RecursionError:
        return "Its lists and objects are nested too deeply."
    except json.JSONDecodeError:
        return ""  # Airflow says where
    except ValueError as error:  # a number of thousands of digits, or no UTF-8
        return f"It cannot be read: {error}."


def _unusable(value: Any) -> str:
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
            return "It has text with a character that cannot be stored (NUL, or half of a pair)."
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            return "It has a whole number beyond 64 bits."
        elif isinstance(value, float) and not isfinite(value):
            return "It has a number that is not finite."
    return ""


def _stricter(header: Header, scope: Scope) -> Header:
    name, value = header
    if name.lower() != b"set-cookie" or not value.startswith(COOKIE + b"="):
        return header
    kept = [part.strip() for part in value.split(b";")]
    kept = [part for part in kept if part.lower().split(b"=")[0] not in (b"samesite", b"httponly", b"secure")]
    kept += [b"HttpOnly", b"SameSite=Strict"] + ([b"Secure"] if scope.get("scheme") == "https" else [])
    return name, b"; ".join(kept)


def _from_own_page(scope: Scope) -> bool:
    """Whether a page of this very server asks: others, and programs, log in without a cookie."""
    headers = dict(scope["headers"])
    origin, host = headers.get(b"origin", b""), headers.get(b"host", b"")
    return bool(host) and urlsplit(origin.decode("latin-1")).netloc == host.decode("latin-1")


async def _body(receive: Receive) -> bytes | None:
    """All of the request's body; None when it is too long."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > MOST_BYTES:
            return None
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read to who reads it next, then what else comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(send: Send, status: int, why: str) -> None:
    body = json.dumps({"detail": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
