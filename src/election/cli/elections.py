"""Elections: run one, see its result, reconcile it; and the scenarios there are."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Column, Table

from election.cli.application import app, as_json, console
from election.cli.stages import Slug
from election.platform import native

Json = Annotated[bool, typer.Option("--json", help="for other programs to read")]


@app.command()
def scenarios(as_json_: Json = False) -> None:
    """List the scenarios."""
    from election import scenarios
    from election.settings import Settings

    folder = Settings().scenarios
    found = [scenarios.load(folder, name) for name in scenarios.names(folder)]
    if as_json_:
        as_json(
            [
                {
                    "scenario": s.name,
                    "title": s.title,
                    "kind": s.kind,
                    "polling_day": s.polling_day,
                    "contests": len(s.contests),
                    "candidates": sum(len(c.candidates) for c in s.contests),
                    "registered": sum(c.electorate or 0 for c in s.contests),
                }
                for s in found
            ]
        )
        return
    table = Table(Column("Scenario", no_wrap=True), "Title", "Kind", "Polling day", "Contests", "Registered")
    for s in found:
        registered = sum(c.electorate or 0 for c in s.contests)
        table.add_row(s.name, s.title, s.kind, str(s.polling_day), str(len(s.contests)), f"{registered:,}")
    console.print(table)


@app.command()
def results(slug: Slug, as_json_: Json = False) -> None:
    """Show what was counted, contest by contest."""
    from election.cli.result_table import show_results
    from election.results import results

    found = results(native(), slug)
    if as_json_:
        as_json(found)
    else:
        show_results(found)


@app.command()
def reconcile(slug: Slug, as_json_: Json = False) -> None:
    """Recompute whether database, ballots, totals and official figures agree; exit status 1 if not."""
    from election.reconciliation import reconcile

    verdict = reconcile(native(), slug)
    if as_json_:
        as_json(asdict(verdict))
    else:
        console.print(
            f"{verdict.registered:,} registered, {verdict.stored:,} stored, {verdict.published:,} published, "
            f"{verdict.counted:,} counted, {verdict.rejected:,} rejected"
        )
        for difference in verdict.differences:
            console.print(f"- {difference}", markup=False)
        console.print("[green]Everything agrees.[/]" if verdict.ok else "[bold red]It does not reconcile.[/]")
    if not verdict.ok:
        raise typer.Exit(1)


@app.command()
def validate(
    slug: Slug,
    checkpoint: Annotated[
        str, typer.Option(help="electorate, casting, count or schedule; default: the last one the election has reached")
    ] = "",
    as_json_: Json = False,
) -> None:
    """Look whether the expectations of an election's data are met; exit status 1 if a critical one is not."""
    from election.quality.validating import reached, validate

    platform = native()
    found = validate(platform, slug, reached(platform, slug, checkpoint), lambda _: None)
    report = platform.settings.data_docs / found.report
    if as_json_:
        as_json(asdict(found) | {"ok": found.ok, "failed": found.failed, "warnings": found.warnings, "path": report})
    else:
        console.print(f"{found} ({found.seconds:.1f} s)", highlight=False)
        for finding in found.findings:
            console.print(f"- {finding}", markup=False, highlight=False)
        console.print(f"Report: {report}", soft_wrap=True, highlight=False)
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def schemas() -> None:
    """Print the JSON Schema of every topic's message."""
    from election.contracts.schemas import json_schemas

    typer.echo(json.dumps(json_schemas(), indent=2, ensure_ascii=False))
