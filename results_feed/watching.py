"""The feed's own metrics: requests by address and status, and how long they took. For the user `metrics` alone."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from election.clients.basic import ASKS, USER, is_login


class Requests:
    """What was asked since the process started."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._answers = Counter(
            "election_feed_requests", "Requests to the results feed.", ["address", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "election_feed_request_duration_seconds",
            "From a request's headers to the end of its answer.",
            buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2.5),
            registry=self.registry,
        )

    def note(self, address: str, status: int, seconds: float) -> None:
        self._answers.labels(address, str(status)).inc()
        self._seconds.observe(seconds)

    def answer(self, request: Request, password: str) -> Response:
        """The metrics, or 401 without the login."""
        if not is_login(request.headers.get("authorization", ""), USER, password):
            return PlainTextResponse("Log in as the user `metrics` with the secret of that name.\n", 401, ASKS)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self.registry), headers={"Content-Type": content_type, "Cache-Control": "no-store"})


class Counted:
    """Notes every request. The address is the pattern that it matched, so that strangers cannot invent labels."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self._app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = scope.get("route")
            address = getattr(route, "path", "other")
            self._requests.note(address, status, time.perf_counter() - begun)
