"""What browsers fetch beside the pages: candidates' photos and maps, both cacheable."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from dashboard.feed import feed
from election.errors import ElectionError

_CACHED = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}


async def photo(request: Request) -> Response:
    """A candidate's stored picture (JPEG, as randomuser gives it)."""
    try:
        found = await run_in_threadpool(
            feed().registers.photo, request.path_params["election"], request.path_params["candidate"]
        )
    except ElectionError:
        return Response("Postgres does not answer.", 503)
    return Response(found, media_type="image/jpeg", headers=_CACHED) if found else Response("No photo.", 404)


async def geometry(request: Request) -> Response:
    """A scenario's map as GeoJSON; the name is one of the scenarios' folders, never a path."""
    scenarios = feed().platform.settings.scenarios
    names = {file.parent.name: file for file in scenarios.glob("*/map.geojson")}
    file = names.get(request.path_params["scenario"])
    return FileResponse(file, media_type="application/geo+json", headers=_CACHED) if file else Response("No map.", 404)


ROUTES = [
    Route("/photos/{election:int}/{candidate:int}", photo),
    Route("/maps/{scenario}.geojson", geometry),
]
