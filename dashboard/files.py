"""What browsers fetch beside the pages: candidates' photos, maps, and results as files."""

from typing import get_args
from urllib.parse import quote

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from dashboard.feed import feed
from dashboard.model.export import Format, Table, export
from election.errors import ElectionError

_CACHED = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}


async def photo(request: Request) -> Response:
    """A candidate's stored picture (JPEG, as randomuser gives it)."""
    try:
        found = await run_in_threadpool(
            feed().registers.photo, request.path_params["election"], request.path_params["candidate"]
        )
    except (ElectionError, psycopg.Error):
        return Response("Postgres does not answer.", 503)
    return Response(found, media_type="image/jpeg", headers=_CACHED) if found else Response("No photo.", 404)


async def geometry(request: Request) -> Response:
    """A scenario's map as GeoJSON; the name is one of the scenarios' folders, never a path."""
    scenarios = feed().platform.settings.scenarios
    names = {file.parent.name: file for file in scenarios.glob("*/map.geojson")}
    file = names.get(request.path_params["scenario"])
    return FileResponse(file, media_type="application/geo+json", headers=_CACHED) if file else Response("No map.", 404)


async def download(request: Request) -> Response:
    """A table of an election's results as it is now, as CSV or JSON."""
    slug, table, form = (request.path_params[name] for name in ("slug", "table", "form"))
    if table not in get_args(Table) or form not in get_args(Format):
        return Response("No such table.", 404)
    content = await run_in_threadpool(_export, slug, table, form)
    if content is None:
        return Response("No such election.", 404)
    name = {"Content-Disposition": f'attachment; filename="{quote(slug)}-{table}.{form}"', "Cache-Control": "no-store"}
    kinds = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
    return Response(content, media_type=kinds[form], headers=name)


def _export(slug: str, table: Table, form: Format) -> bytes | None:
    source = feed()
    snapshot = source.snapshot(slug)
    if snapshot is None:
        return None
    # While Kafka is away the figures are as of its last answer, however often they are asked for.
    at = snapshot.at if source.kafka.ok else (source.kafka.answered_at or snapshot.at)
    return export(snapshot.result, snapshot.locations, table, form, min(at, snapshot.at))


ROUTES = [
    Route("/photos/{election:int}/{candidate:int}", photo),
    Route("/exports/{slug}/{table}.{form}", download),
    Route("/maps/{scenario}.geojson", geometry),
]
