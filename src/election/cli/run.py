"""Starts an election run in Airflow and follows it to its result."""

from typing import Annotated, Any

import typer

from election.cli import options
from election.cli.application import app, as_json, console
from election.platform import Platform, native

Json = Annotated[bool, typer.Option("--json", help="for other programs to read")]

_CERTIFIES = "Every gate passed, and whoever started this run told it to certify then."


@app.command()
def run(
    scenario: Annotated[str, typer.Option(help="a folder under scenarios/")] = "uk-general-election-2019",
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
    rate: Annotated[float, typer.Option(help="votes a second; 0: as fast as it goes", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="casting workers", min=1, max=8)] = 2,
    certify: Annotated[bool, typer.Option(help="answer the question after the gates; else somebody else does")] = True,
    auto_certify: Annotated[bool, typer.Option("--auto-certify", help="have nobody asked after the gates")] = False,
    follow: Annotated[bool, typer.Option(help="follow the stages and show the result")] = True,
    as_json_: Json = False,
) -> None:
    """Run an election through Airflow; exit status 0 only if everything reconciled and the result is certified."""
    from dataclasses import asdict

    from election.cli.follow import follow_run
    from election.orchestration.api import Airflow
    from election.preparation.registration import checked

    wanted = options.registration(
        scenario, slug, contests, region, source, nationality, voters, turnout, seed, ballots, night
    )
    platform = native()
    # The same check as in the run, so that bad input is refused before anything starts.
    checked(platform, wanted, rate)
    conf = asdict(wanted) | {"contests": list(wanted.contests), "rate": rate, "workers": workers}
    conf["auto_certify"] = auto_certify
    airflow = Airflow(platform.settings)
    airflow.trigger("election_run", wanted.slug, conf)
    if not follow:
        as_json({"election": wanted.slug}) if as_json_ else typer.echo(wanted.slug)
        return
    url = f"{platform.settings.airflow_page}/dags/election_run/runs/{wanted.slug}"
    console.print(f"Election [bold]{wanted.slug}[/] runs: {url}", soft_wrap=True)
    succeeded = follow_run(airflow, wanted.slug, _CERTIFIES if certify else None)
    _report(platform, wanted.slug, succeeded)


def _report(platform: Platform, slug: str, succeeded: bool) -> None:
    from election.cli.result_table import show_results
    from election.errors import UnknownElection
    from election.reconciliation import reconcile
    from election.results import results

    try:
        found = results(platform, slug)
    except UnknownElection:
        raise typer.Exit(1) from None
    console.print()
    show_results(found)
    verdict = reconcile(platform, slug)
    for difference in verdict.differences[:10]:
        console.print(f"- {difference}", markup=False, style="red")
    console.print(
        f"Reconciliation: {verdict.stored:,} ballots stored, {verdict.counted:,} counted, {verdict.rejected:,} records "
        f"rejected: {'[bold green]everything agrees[/]' if verdict.ok else '[bold red]it does not agree[/]'}"
    )
    show_pages(platform, slug)
    if not (succeeded and verdict.ok):
        raise typer.Exit(1)


def show_pages(platform: Platform, slug: str) -> None:
    """Prints where to look on, and how to log in."""
    s = platform.settings
    rows: list[tuple[str, Any]] = [
        ("Results", f"{s.dashboard_page}/?election={slug}"),
        ("Airflow", f"{s.airflow_page}/dags/election_run/runs/{slug}"),
        ("  login", f"operator, password in {s.shown_secret_file('airflow_operator')}"),
        ("Spark", s.spark_page),
        ("Streaming job", s.spark_driver_page),
    ]
    for name, where in rows:
        console.print(f"{name:<15}{where}", soft_wrap=True, highlight=False)
