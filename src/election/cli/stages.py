"""Single stages without Airflow, for development and other schedulers."""

import signal
import threading
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from election.cli import options
from election.cli.application import app, console, warn
from election.parameters import Pace, Registration
from election.platform import native

T = TypeVar("T")
Slug = Annotated[str, typer.Argument(help="the election's slug")]
STAGES = "Stages without Airflow"


@app.command(rich_help_panel=STAGES)
@options.describing(Registration, arguments={"scenario"})
def prepare(described: Registration) -> None:
    """Create tables and topics and register an election; prints its slug."""
    from election.messaging.topics import create_topics
    from election.preparation import create_tables, register
    from election.preparation.registration import checked

    wanted, platform = described.named(), native()
    warn(checked(platform, wanted).warnings)
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
@options.describing(Pace)
def cast(
    pace: Pace,
    slug: Slug,
    worker: Annotated[int, typer.Option(help="this worker's number, in the log", min=0)] = 0,
) -> None:
    """Open the poll, cast until every voter was offered the ballot, close the poll.

    Ballots from outside are cast until `election close` closes the poll. Run again later, it rejects late ones.
    """
    from election.casting import cast, close_poll, open_poll

    platform, stop = native(), threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    _patiently(f"Worker {worker}", lambda: open_poll(platform, slug, pace.rate), stop)
    done = cast(platform, slug, worker=worker, rate=pace.rate, log=console.print, stop=stop)
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

    A run in Airflow that waits for this goes on. Exit status 1 if there was nothing to close and no run waited.
    """
    from election.casting import close_poll
    from election.errors import ElectionError
    from election.orchestration.questions import answer_closing

    platform = native()
    closed = _patiently("The closing of the poll", lambda: close_poll(platform, slug))
    console.print(f"The poll of {slug} is closed." if closed else f"The poll of {slug} was closed already.")
    told: list[str] = []
    try:
        told = answer_closing(platform.settings, slug)
        for run in told:
            console.print(f"The run {run} in Airflow waited for this and continues.")
    except ElectionError as error:
        console.print(
            f"No run in Airflow could be resumed: {error}\n"
            "The poll stays closed. If a run waits for it, answer its Required Actions once Airflow is up.",
        )
    if not closed and not told:
        raise typer.Exit(1)


def _patiently(name: str, step: Callable[[], T], stop: threading.Event | None = None) -> T:
    """Runs the step, retrying while Postgres or Kafka is away; ``name`` identifies it in the log."""
    from election.casting import Patience

    return Patience(name, console.print, stop or threading.Event()).attempts()(step)
