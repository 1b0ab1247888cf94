"""``election tally``: the count's driver by hand."""

from dataclasses import asdict
from typing import Annotated

import typer

from election.cli.application import app, as_json, console

tally = typer.Typer(no_args_is_help=True, help="Start, stop, show or rebuild the count.")
app.add_typer(tally, name="tally", rich_help_panel="Stages without Airflow")

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@tally.command()
def start(json: Json = False) -> None:
    """Start the count's driver, or find the one that runs. Not needed where Airflow's DAG tally_stream does it."""
    from election.count import driver
    from election.platform import native

    _show(driver.start(native().settings), json)


@tally.command()
def stop(
    seconds: Annotated[float, typer.Option(help="how long to wait for the batch to finish")] = 120,
) -> None:
    """Stop the count cleanly: the batch is finished, nothing is lost. An unpaused DAG tally_stream starts it again."""
    from election.count import driver
    from election.platform import native

    stopped = driver.stop(native().settings, seconds=seconds)
    console.print("The count has stopped." if stopped else "No count was running.")


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

    console.print(f"Generation {rebuild_count(native(), console.print)} is the count now.")


def _show(state: object, json: bool) -> None:
    known = asdict(state)  # type: ignore[call-overload]
    if json:
        as_json(known)
        return
    for name, value in known.items():
        if value not in (None, False):
            console.print(f"{name.replace('_', ' '):>15}  {value}", highlight=False)
