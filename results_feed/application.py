"""The addresses of the results feed. Each gives what was made once for all readers of a version."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse

from results_feed import rows
from results_feed.description import DESCRIPTION, described
from results_feed.problems import HANDLERS, PROBLEMS, SCHEMAS, HeadersEverywhere, NoSuchThing, ShortQueries
from results_feed.publishing import ELECTIONS, Publisher
from results_feed.versions import Answer, Version, Wanted, encode
from results_feed.watching import Counted, Requests

LIMIT, MOST = 500, 1000
_TOKEN = 200  # characters; ours have fewer than a hundred


class Paging(BaseModel):
    """Parameters of every address. Any other is an error, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid")

    since: str | None = Field(
        None,
        max_length=_TOKEN,
        description="`version` of an earlier answer from the same address: gives only items that changed since. "
        "An unknown or outdated token gives all items, with `complete: true`.",
    )
    cursor: str | None = Field(None, max_length=_TOKEN, description="the place of a next page; use `next` instead")
    limit: int = Field(LIMIT, ge=1, le=MOST, description="the most items in one answer")

    @model_validator(mode="after")
    def _one_beginning(self) -> "Paging":
        if self.since is not None and self.cursor is not None:
            raise ValueError("A cursor contains its since. Give one of them.")
        return self


class PagingOfContests(Paging):
    contest: str | None = Field(None, min_length=1, max_length=100, description="only the contest with this id")


Slug = Annotated[str, Path(max_length=200, description="the election's slug")]


def application(publisher: Publisher) -> FastAPI:
    """The feed of what ``publisher`` makes."""
    app = FastAPI(
        title="Results feed",
        version="1",
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=HANDLERS,
        responses=PROBLEMS,
    )
    app.add_middleware(ShortQueries)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET"],
        allow_headers=["If-None-Match"],
        expose_headers=["ETag", "Retry-After"],
        max_age=86_400,
    )
    app.add_middleware(HeadersEverywhere)
    requests = Requests()
    app.add_middleware(Counted, requests=requests)

    def resource(name: str, page: type[Any], summary: str) -> Callable[[Any], Any]:
        address = f"{ELECTIONS}/{{election}}" + ("" if name == "summary" else f"/{name}")
        return app.get(address, summary=summary, operation_id=name, responses=_pages(page))

    @app.get(ELECTIONS, summary="All elections", operation_id="elections", responses=_pages(rows.ElectionsPage))
    async def elections(request: Request, asked: Annotated[Paging, Query()]) -> Response:
        return _sent(request, await _version(publisher, "", ""), asked)

    @resource("summary", rows.SummaryPage, "The whole election so far, and each party's votes")
    async def summary(request: Request, election: Slug, asked: Annotated[Paging, Query()]) -> Response:
        return _sent(request, await _version(publisher, election, "summary"), asked)

    @resource("contests", rows.ContestsPage, "Each contest, its ballots and turnout")
    async def contests(request: Request, election: Slug, asked: Annotated[PagingOfContests, Query()]) -> Response:
        return _sent(request, await _version(publisher, election, "contests"), asked)

    @resource("totals", rows.TotalsPage, "The votes of each line on each ballot paper")
    async def totals(request: Request, election: Slug, asked: Annotated[PagingOfContests, Query()]) -> Response:
        return _sent(request, await _version(publisher, election, "totals"), asked)

    @resource("outcome", rows.OutcomePage, "Who is elected or leads in each contest, and the seats by party")
    async def outcome(request: Request, election: Slug, asked: Annotated[PagingOfContests, Query()]) -> Response:
        return _sent(request, await _version(publisher, election, "outcome"), asked)

    @resource("heads", rows.HeadsPage, "Every signed head of the log of published ballots")
    async def heads(request: Request, election: Slug, asked: Annotated[Paging, Query()]) -> Response:
        return _sent(request, await _version(publisher, election, "heads"), asked)

    @app.get("/health", summary="Whether the feed's sources answer", operation_id="health")
    async def health() -> dict[str, Literal["answers", "away", "loading"]]:
        source = publisher.source
        kafka: Literal["answers", "away", "loading"] = "answers" if source.count.caught_up.is_set() else "loading"
        return {
            "kafka": kafka if source.kafka.ok else "away",
            "postgres": "answers" if source.postgres.ok and source.postgres.answered_at else "away",
        }

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(shown.body, headers=headers)

    @app.get("/openapi.json", include_in_schema=False)
    async def document() -> Response:
        return Response(written, media_type="application/json")

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        return requests.answer(request, publisher.source.platform.settings.secret("metrics"))

    app.openapi()["components"]["schemas"].update(SCHEMAS)
    shown, written = described(app.openapi()), encode(app.openapi())
    headers = {name: shown.headers[name] for name in ("Content-Security-Policy", "Cache-Control")}
    return app


async def _version(publisher: Publisher, slug: str, resource: str) -> Version:
    version = publisher.current(slug, resource)
    return version if version is not None else await run_in_threadpool(publisher.publish, slug, resource)


def _sent(request: Request, version: Version, asked: Paging) -> Response:
    contest = getattr(asked, "contest", None)
    if contest is not None and not version.has_contest(contest):
        raise NoSuchThing(
            f"The election has no contest {contest!r}. {version.address.rpartition('/')[0]}/contests lists them."
        )
    return _response(request, version.answer(Wanted(asked.limit, asked.since, asked.cursor, contest)))


def _response(request: Request, answer: Answer) -> Response:
    """Nothing but a status if the reader has the same answer."""
    headers = {"ETag": answer.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if _known(answer.etag, request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if answer.gzipped is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(answer.gzipped, media_type="application/json", headers={**headers, "Content-Encoding": "gzip"})
    return Response(answer.body, media_type="application/json", headers=headers)


def _known(etag: str, if_none_match: str) -> bool:
    """RFC 9110, 13.1.2: compared weakly."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def _takes_gzip(accepted: str) -> bool:
    """RFC 9110, 12.5.3: a coding with the weight 0 is not acceptable."""
    for coding in accepted.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _pages(page: Any) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"model": page, "headers": {"ETag": {"schema": {"type": "string"}}}},
        304: {"description": "The answer has the ETag of If-None-Match."},
    }
