"""What browsers fetch beside the pages: candidates' photos, maps, and results as files."""

from datetime import datetime
from pathlib import Path
from typing import get_args
from urllib.parse import quote

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from dashboard.feed import feed
from dashboard.feed.memo import memo
from dashboard.model.export import Format, Table, export
from dashboard.model.nist import report
from election.errors import ElectionError
from election.live.snapshots import Snapshot
from election.nist import Form, written

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


async def nist(request: Request) -> Response:
    """An election's result as it is now, in NIST's format (``election.nist``)."""
    slug, form = request.path_params["slug"], request.path_params["form"]
    if form not in get_args(Form):
        return Response("No such file.", 404)
    known, content = await run_in_threadpool(_nist, slug, form)
    if content is None:
        return Response("Postgres does not answer.", 503) if known else Response("No such election.", 404)
    name = {"Content-Disposition": f'attachment; filename="{quote(slug)}-nist.{form}"', "Cache-Control": "no-store"}
    return Response(content, media_type=f"application/{form}", headers=name)


def _export(slug: str, table: Table, form: Format) -> bytes | None:
    snapshot = feed().snapshot(slug)
    return None if snapshot is None else export(snapshot.result, snapshot.locations, table, form, _as_of(snapshot))


def _nist(slug: str, form: Form) -> tuple[bool, bytes | None]:
    """Whether there is such an election, and the document; None without Postgres."""
    snapshot = feed().snapshot(slug)
    return snapshot is not None, None if snapshot is None else _document(snapshot, form, _as_of(snapshot))


@memo
def _document(snapshot: Snapshot, form: Form, at: datetime) -> bytes | None:
    made = report(snapshot.result, at)
    return None if made is None else written(made, form)


def _as_of(snapshot: Snapshot) -> datetime:
    """While Kafka is away the figures are as of its last answer, however often they are asked for."""
    kafka = feed().kafka
    at = snapshot.at if kafka.ok else (kafka.answered_at or snapshot.at)
    return min(at, snapshot.at)


async def heads(request: Request) -> Response:
    """Every signed head of an election's log, separated by empty lines."""
    try:
        found = await run_in_threadpool(feed().registers.heads, request.path_params["slug"])
    except (ElectionError, psycopg.Error):
        return Response("Postgres does not answer.", 503)
    if not found:
        return Response("No log of such an election.", 404)
    return Response(
        "\n".join(head.note for head in found),
        media_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


async def package(request: Request) -> Response:
    """The archive with which anybody can check a counted election's result; written by ``election package``."""
    slug = request.path_params["slug"]
    file = package_of(slug)
    if file is None:
        return Response("No package of such an election.", 404)
    return FileResponse(file, filename=f"{slug}-package.tar", media_type="application/x-tar")


def package_of(slug: str) -> Path | None:
    """Where the election's archive is, if there is one. Only known slugs become a part of a path."""
    source = feed()
    if slug not in (election.slug for election in source.elections()):
        return None
    file = source.platform.settings.var / "results" / slug / "package.tar"
    return file if file.is_file() else None


ROUTES = [
    Route("/photos/{election:int}/{candidate:int}", photo),
    Route("/exports/{slug}/nist.{form}", nist),
    Route("/exports/{slug}/heads.txt", heads),
    Route("/exports/{slug}/package.tar", package),
    Route("/exports/{slug}/{table}.{form}", download),
    Route("/maps/{scenario}.geojson", geometry),
]
