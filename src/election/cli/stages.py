"""Each stage without Airflow: the same functions, for development and other schedulers."""

import signal
import threading
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from election.cli import options
from election.cli.application import app, console
from election.platform import native

T = TypeVar("T")
Slug = Annotated[str, typer.Argument(help="the election's slug")]
STAGES = "Stages without Airflow"


@app.command(rich_help_panel=STAGES)
def prepare(
    scenario: Annotated[str, typer.Argument(help="a folder under scenarios/")],
    slug: options.Slug = "",
    contests: options.Contests = "",
    region: options.Region = "",
    source: options.Source = "offline",
    nationality: options.Nationality = "gb",
    voters: options.Voters = None,
    turnout: options.Turnout = None,
    seed: options.Seed = 2019,
    ballots: options.Ballots = "simulated",
    night: options.Night = "",
) -> None:
    """Create tables and topics and register an election; prints its slug."""
    from election.messaging.topics import create_topics
    from election.preparation import create_tables, register
    from election.preparation.registration import checked

    wanted = options.registration(
        scenario, slug, contests, region, source, nationality, voters, turnout, seed, ballots, night
    )
    platform = native()
    checked(platform, wanted)
    create_tables(platform)
    create_topics(platform)
    typer.echo(register(platform, wanted).slug)


@app.command(rich_help_panel=STAGES)
def seed(slug: Slug) -> None:
    """Fill the electorate, candidates and voters, and check it."""
    from election.electorate import check_electorate, seed_candidates, seed_voters

    platform = native()
    console.print(f"{seed_candidates(platform, slug):,} candidates")
    console.print(f"{seed_voters(platform, slug, console.print):,} voters")
    check_electorate(platform, slug)


@app.command(rich_help_panel=STAGES)
def publish(slug: Slug) -> None:
    """Publish candidates and voters to their topics."""
    from election.publication import publish_candidates, publish_voters

    platform = native()
    publish_candidates(platform, slug)
    publish_voters(platform, slug, console.print)


@app.command(rich_help_panel=STAGES)
def cast(
    slug: Slug,
    worker: Annotated[int, typer.Option(help="this worker's number, in the log", min=0)] = 0,
    rate: Annotated[float, typer.Option(help="votes a second over all workers; 0: as fast as it goes", min=0)] = 0,
) -> None:
    """Open the poll, cast until every voter was offered the ballot, close the poll.

    With ballots from outside: until `election close` closes the poll and all that came before is taken in; after that
    it rejects what has come since as late, at any time.
    """
    from election.casting import cast, close_poll, open_poll

    platform, stop = native(), threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    _patiently(f"Worker {worker}", lambda: open_poll(platform, slug, rate), stop)
    done = cast(platform, slug, worker=worker, rate=rate, log=console.print, stop=stop)
    if stop.is_set():
        console.print("Stopped after a batch. `election cast` goes on from there.")
        raise typer.Exit(1)
    _patiently(f"Worker {worker}", lambda: close_poll(platform, slug), stop)
    console.print(
        f"{done.ballots:,} ballots by this worker in {done.seconds:.1f} s, {done.rejected:,} records rejected"
    )


@app.command(rich_help_panel=STAGES)
def close(slug: Slug) -> None:
    """Close the poll of an election whose ballots come from outside; what comes later is rejected as late.

    A run in Airflow that waits to be told is told, and goes on.
    """
    from election.casting import close_poll
    from election.errors import ElectionError
    from election.orchestration.questions import answer_closing

    platform = native()
    closed = _patiently("The closing of the poll", lambda: close_poll(platform, slug))
    console.print(f"The poll of {slug} is closed." if closed else f"The poll of {slug} was closed already.")
    try:
        for run in answer_closing(platform.settings, slug):
            console.print(f"The run {run} in Airflow waited for this and goes on.")
    except ElectionError as error:
        console.print(
            f"No run in Airflow could be told: {error}\n"
            "The poll stays closed. If a run waits to be told, answer its Required Actions once Airflow is up.",
            markup=False,
        )


def _patiently(name: str, step: Callable[[], T], stop: threading.Event | None = None) -> T:
    """What the step returns, which may have to wait for Postgres or Kafka; ``name`` says so in the log."""
    from election.casting import Patience

    return Patience(name, console.print, stop or threading.Event()).attempts()(step)
