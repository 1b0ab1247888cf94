"""``election remove``: removes a rehearsal with everything it left."""

from typing import Annotated

import typer

from election.cli.application import app, console
from election.cli.stages import Slug
from election.platform import native


@app.command()
def remove(
    slug: Slug,
    user: Annotated[
        str, typer.Option("--user", "--by", help="who removes it; kept with the election's number")
    ] = "admin",
    yes: Annotated[bool, typer.Option("--yes", help="remove it without a question")] = False,
) -> None:
    """Remove an election permanently: rows, ballot key, totals, reports and files. Never a certified one."""
    from election.errors import ElectionError, UnknownElection
    from election.removal import remove as remove_election
    from election.storage.elections import election

    platform = native()
    if (state := _run_state(slug)) in ("queued", "running"):
        raise ElectionError(
            f"The run {slug} is {state} in Airflow. Mark it failed there or wait for its end, then remove the election."
        )
    known: str | None = None
    try:
        with platform.connect("reader") as connection:
            known = election(connection, slug).state
    except UnknownElection:
        pass  # or removed in part; `remove_election` knows
    if known == "certified":
        raise ElectionError(f"{slug} is certified: it cannot be removed.")
    if known and not yes:
        about = "Its poll is open. " if known == "open" else ""
        if not typer.confirm(f"{about}Remove {slug} ({known}) for good, with its votes and reports?"):
            raise typer.Exit(1)
    remove_election(platform, slug, user, console.print)


def _run_state(slug: str) -> str | None:
    """The state of the election's run in Airflow; None where there is no such run, or no Airflow that could say."""
    from election.clients.airflow import Airflow
    from election.errors import ElectionError, NotReachable, StackError

    try:
        return str(Airflow(native().settings).run("election_run", slug)["state"])
    except StackError:  # never set up
        return None
    except NotReachable as error:
        console.print(f"{error} Whether a run of {slug} is active is not known.", markup=False)
        return None
    except ElectionError:  # no such run
        return None
