"""``election tally``: the tally's driver by hand."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from election.cli.application import app, as_json, console
from election.errors import NotReachable, StackError
from election.settings import Settings

if TYPE_CHECKING:
    from election.platform import Platform

tally = typer.Typer(no_args_is_help=True, help="Start, stop, show or rebuild the tally.")
app.add_typer(tally, name="tally", rich_help_panel="Stages without Airflow")

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@tally.command()
def start(json: Json = False) -> None:
    """Start the tally, or find the running driver. If Airflow is up, it keeps the tally running (DAG tally_stream)."""
    from election.count import driver
    from election.platform import native

    settings = native().settings
    _let_airflow(settings, run=True)
    before, now = driver.state(settings), driver.start(settings)
    _show(now, json)
    if not now.alive:
        raise StackError("The tally does not run: it was stopped at the same moment. `election tally start` starts it.")
    if before.alive and before.identity == now.identity and not json:
        console.print("It was running already.")


@tally.command()
def stop(
    seconds: Annotated[float, typer.Option(help="how long to wait for the batch to finish")] = 120,
) -> None:
    """Stop the tally cleanly and keep it stopped: it finishes its batch, and the DAG is paused."""
    from election.clients.airflow import Airflow
    from election.count import driver
    from election.platform import native

    settings = native().settings
    paused = _let_airflow(settings, run=False)
    if paused:
        console.print("The DAG tally_stream is paused, so that Airflow does not start the tally again.")
    stopped = driver.stop(settings, seconds=seconds)
    if paused:  # a try that was starting when the DAG was paused still starts the next driver
        driver.wait_for(lambda: not Airflow(settings).under_way("tally_stream"), seconds)
        stopped = driver.stop(settings, seconds=seconds) or stopped
    if driver.state(settings).alive:
        raise StackError("The tally runs: it was started again at the same moment. `election tally stop` stops it.")
    if stopped:
        console.print("The tally has stopped. `election tally start` resumes where it stopped.")
    else:
        console.print("The tally was not running.")


@tally.command()
def status(json: Json = False) -> None:
    """Show the driver: its state, its progress, why it ended."""
    from election.count import driver
    from election.platform import native

    _show(driver.state(native().settings), json)


@tally.command()
def wait(slug: Annotated[str, typer.Argument(help="the election's slug")]) -> None:
    """Wait until every stored ballot of an election is counted."""
    from election.count import wait_until_counted
    from election.platform import native

    wait_until_counted(native(), slug, console.print)


@tally.command()
def rebuild() -> None:
    """Count all votes again from the beginning; shown totals never go down and switch to the new ones at the end."""
    from election.platform import native

    rebuild_count(native())


def rebuild_count(platform: "Platform") -> None:
    """Counts all votes again, natively or in containers, and prints the generation in force."""
    from election.count import rebuilding

    def started() -> None:  # not before: Airflow would try the refused checkpoint again
        _let_airflow(platform.settings, run=True)

    console.print(f"The tally's generation is now {rebuilding.rebuild(platform, console.print, started)}.")


def _let_airflow(settings: Settings, *, run: bool) -> bool:
    """Unpauses or pauses the DAG that keeps the tally running; False if Airflow is not up."""
    from election.clients.airflow import Airflow

    try:
        Airflow(settings).pause("tally_stream", not run)
    except StackError:  # never set up
        return False
    except NotReachable as error:
        console.print(f"{error} If its scheduler runs, it keeps the tally as set before.")
        return False
    return True


def _show(state: object, json: bool) -> None:
    known = asdict(state)  # type: ignore[call-overload]
    if json:
        as_json(known)
        return
    for name, value in known.items():
        if value not in (None, False):
            console.print(f"{name.replace('_', ' '):>15}  {value}", highlight=False)
