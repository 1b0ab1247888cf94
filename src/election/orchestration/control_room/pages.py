"""The pages about an election: what the tab on a run shows, and its rejected records."""

from math import ceil
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import FileResponse, HTMLResponse

from election.orchestration.control_room import addresses, documents, reading
from election.orchestration.control_room.access import LOGGED_IN, OPERATORS_ONLY, Operator
from election.orchestration.control_room.errors import refusals
from election.orchestration.control_room.rendering import guarded, rendered
from election.platform import Platform
from election.storage.elections import election
from election.storage.runs import election_of_run

RECORDS = 50
"""Rejected records on a page."""
STATIC = Path(__file__).with_name("static")


def pages(platform: Platform) -> FastAPI:
    """The application for ``addresses.PAGES``."""
    settings = platform.settings
    app = FastAPI(openapi_url=None, dependencies=[LOGGED_IN], exception_handlers=refusals(settings))

    @app.get("/runs/{dag_id}/{run_id}")
    def run(dag_id: str, run_id: str, operator: Operator) -> HTMLResponse:
        overview = _overview(platform, dag_id, run_id)
        if overview is None:
            return rendered(settings, "no_election.html", dag_id=dag_id)
        return rendered(
            settings,
            "run.html",
            overview=overview,
            operator=operator,
            quality=f"{addresses.DATA_DOCS}/",
            dashboard=addresses.dashboard(settings, overview.election.slug),
        )

    @app.get("/runs/{dag_id}/{run_id}/live")
    def live(dag_id: str, run_id: str) -> HTMLResponse:
        overview = _overview(platform, dag_id, run_id)
        if overview is None:
            raise HTTPException(404, "The election of this run was removed.")
        return rendered(settings, "overview.html", overview=overview)

    @app.get("/rejected/{slug}", dependencies=[OPERATORS_ONLY])
    def rejected(slug: str, page: Annotated[int, Query(ge=1)] = 1) -> HTMLResponse:
        with platform.connect("reader") as connection:
            poll = election(connection, slug)
        found = reading.rejections(platform, poll.election_no, page, RECORDS)
        last = max(1, ceil(found.total / RECORDS))
        return rendered(settings, "rejected.html", election=poll, found=found, page=page, pages=last)

    @app.get("/static/{name}")
    def static(name: str) -> FileResponse:
        file = documents.find(STATIC, name)
        if file is None:
            raise HTTPException(404, "There is no such file.")
        return guarded(FileResponse(file.file, media_type=file.media_type))

    return app


def _overview(platform: Platform, dag_id: str, run_id: str) -> reading.Overview | None:
    with platform.connect("reader") as connection:
        poll = election_of_run(connection, dag_id, run_id)
        return reading.overview(connection, poll) if poll else None
