"""The HTTP server: what strangers may send is bounded, in bytes, seconds and connections."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from election import serving
from election.count.driver import wait_for

REQUEST = b"GET / HTTP/1.1\r\nHost: feed\r\n\r\n"
FIGURES = PlainTextResponse("figures")
Connect = Callable[[], socket.socket]


@contextlib.contextmanager
def served(app: Any = FIGURES, **changed: object) -> Iterator[Connect]:
    """Connections to a server with the platform's options; reading from one waits for 30 s at most."""
    options = {**serving.OPTIONS, **changed}
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert wait_for(lambda: server.started, 30)
    place = server.servers[0].sockets[0].getsockname()
    with contextlib.ExitStack() as opened:
        yield lambda: opened.enter_context(socket.create_connection(place, timeout=30))
    server.should_exit = True
    thread.join(30)


def answer(connection: socket.socket) -> bytes:
    """One answer, or what there is when the server closes the connection."""
    found = b""
    while not found.endswith(b"figures") and (part := connection.recv(65_536)):
        found += part
    return found


def answer_of_a_new(connect: Connect) -> bytes:
    connection = connect()
    connection.sendall(REQUEST)
    return answer(connection)


def is_closed(connection: socket.socket) -> bool:
    with contextlib.suppress(ConnectionError):
        return answer(connection) == b""
    return True


def test_a_megabyte_of_headers_is_not_kept() -> None:
    with served() as connect:
        connection = connect()
        with contextlib.suppress(ConnectionError):
            connection.sendall(REQUEST[:-2])
            for number in range(1000):
                connection.sendall(b"X-%d: %s\r\n" % (number, b"x" * 1000))
            connection.sendall(b"\r\n")
            assert answer(connection).startswith(b"HTTP/1.1 400")
        assert answer_of_a_new(connect).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("said", [b"", REQUEST[:-2]], ids=["nothing", "half a request"])
def test_a_connection_that_waits_for_nothing_is_closed(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.1)
    with served() as connect:
        silent = connect()
        silent.sendall(said)
        assert is_closed(silent)
        later = connect()
        later.sendall(REQUEST)
        assert answer(later).startswith(b"HTTP/1.1 200")
        later.sendall(REQUEST[:-2])
        assert is_closed(later), "though it has said something whole before"


async def slow(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await asyncio.sleep(5 * serving.REQUEST_SECONDS)
        await FIGURES(scope, receive, send)


def test_an_answer_may_take_longer_than_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.1)
    with served(slow) as connect:
        assert answer_of_a_new(connect).startswith(b"HTTP/1.1 200")


def test_more_connections_than_the_limit_get_503() -> None:
    assert serving.OPTIONS["limit_concurrency"] <= 1000
    with served(limit_concurrency=3) as connect:
        others = [connect(), connect()]
        for other in others:
            other.sendall(REQUEST[:-2])
        third = connect()
        third.sendall(REQUEST)
        assert third.recv(65_536).startswith(b"HTTP/1.1 503")
