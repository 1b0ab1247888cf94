"""``election tally``: the count's driver by hand."""

from dataclasses import asdict
from typing import Annotated

import typer

from election.cli.application import app, as_json, console
from election.errors import NotReachable, StackError
from election.settings import Settings

tally = typer.Typer(no_args_is_help=True, help="Start, stop, show or rebuild the count.")
app.add_typer(tally, name="tally", rich_help_panel="Stages without Airflow")

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@tally.command()
def start(json: Json = False) -> None:
    """Start the count, or find the driver that runs. Airflow, where it is up, keeps it running (DAG tally_stream)."""
    from election.count import driver
    from election.platform import native

    settings = native().settings
    _let_airflow(settings, run=True)
    _show(driver.start(settings), json)


@tally.command()
def stop(
    seconds: Annotated[float, typer.Option(help="how long to wait for the batch to finish")] = 120,
) -> None:
    """Stop the count cleanly and keep it stopped: the batch is finished, nothing is lost, the DAG is paused."""
    from election.count import driver
    from election.orchestration.api import Airflow
    from election.platform import native

    settings = native().settings
    paused = _let_airflow(settings, run=False)
    if paused:
        console.print("The DAG tally_stream is paused, so that Airflow does not start the count again.")
    stopped = driver.stop(settings, seconds=seconds)
    if paused:  # a try that was on its way when the DAG was paused starts the next driver all the same
        driver.wait_for(lambda: not Airflow(settings).under_way("tally_stream"), seconds)
        stopped = driver.stop(settings, seconds=seconds) or stopped
    if stopped:
        console.print("The count has stopped. `election tally start` goes on where it stopped.")
    else:
        console.print("No count was running.")


@tally.command()
def status(json: Json = False) -> None:
    """Show the driver: what it does, how far it is, why it ended."""
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
    """Count all votes again from the beginning; totals shown never go down, then are what the new count says."""
    from election.count.rebuilding import rebuild as rebuild_count
    from election.platform import native

    platform = native()

    def started() -> None:  # not before: Airflow would try the checkpoint again that is refused
        _let_airflow(platform.settings, run=True)

    console.print(f"Generation {rebuild_count(platform, console.print, started)} is the count now.")


def _let_airflow(settings: Settings, *, run: bool) -> bool:
    """Unpauses or pauses the DAG that keeps the count running; False when no Airflow is up that would."""
    from election.orchestration.api import Airflow

    try:
        Airflow(settings).pause("tally_stream", not run)
    except StackError:  # never set up
        return False
    except NotReachable as error:
        console.print(f"{error} If its scheduler runs all the same, it keeps the count as it was told before.")
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
