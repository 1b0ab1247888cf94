"""The addresses `/metrics` and `/targets/…`, for the user `metrics` alone."""

import threading

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from election.clients.basic import ASKS, USER, is_login
from election.settings import Settings
from metrics.services import targets


def application(registry: CollectorRegistry, settings: Settings) -> Starlette:
    """Answers with the registry's metrics. A request without the login gets 401."""
    password = settings.secret("metrics")
    reading = threading.Lock()  # a second scraper waits, and does not ask every source at the same time

    def rendered(accepted: str) -> Response:
        encode, content_type = choose_encoder(accepted)
        with reading:
            body = encode(registry)
        return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    def stranger(request: Request) -> Response | None:
        if is_login(request.headers.get("authorization", ""), USER, password):
            return None
        return PlainTextResponse("Log in as the user `metrics` with the secret of that name.\n", 401, ASKS)

    async def metrics(request: Request) -> Response:
        if refused := stranger(request):
            return refused
        return await run_in_threadpool(rendered, request.headers.get("accept", ""))

    async def discovered(request: Request) -> Response:
        guarded = request.url.path.endswith("/guarded")
        return stranger(request) or JSONResponse(targets(settings, guarded=guarded))

    async def health(_request: Request) -> Response:
        return PlainTextResponse("answers\n")

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/targets/open", discovered),
            Route("/targets/guarded", discovered),
            Route("/health", health),
        ]
    )
