"""The data docs inside Airflow's API server: a page of all elections, and the reports as files."""

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from election.orchestration.control_room import documents, reading
from election.orchestration.control_room.access import LOGGED_IN, Operator
from election.orchestration.control_room.errors import refusals
from election.orchestration.control_room.rendering import guarded, rendered
from election.platform import Platform
from election.storage.elections import elections


def data_docs(platform: Platform) -> FastAPI:
    """The application for ``addresses.DATA_DOCS``. Every file goes through ``document``: a mounted folder of static
    files would answer without asking who is there."""
    settings = platform.settings
    root = settings.data_docs
    app = FastAPI(openapi_url=None, dependencies=[LOGGED_IN], exception_handlers=refusals(settings))

    @app.get("/index.html")  # which the reports link to
    @app.get("/")
    def index(operator: Operator) -> HTMLResponse:
        with platform.connect("reader") as connection:
            found = [reading.overview(connection, poll) for poll in elections(connection)]
        documented = {overview.election.slug for overview in found if documents.find(root, overview.election.slug)}
        return rendered(settings, "elections.html", overviews=found, documented=documented, operator=operator)

    @app.get("/{path:path}")
    def document(request: Request, path: str, operator: Operator) -> Response:
        found = documents.find(root, path)
        if found is None:
            raise HTTPException(404, "There is no such report; old ones are removed. The page Data quality lists them.")
        if found.operators_only and not operator:
            raise HTTPException(403, "This report has raw records, which may name voters. Only operators may see it.")
        if (root / path).is_dir() and not path.endswith("/"):
            # Links of a folder's page are relative to the folder.
            return RedirectResponse(f"{request.url.path}/")
        return guarded(FileResponse(found.file, media_type=found.media_type))

    return app
