"""The application that commands are put on, and how it ends: 0 done, 1 an error a person can act on, 2 wrong usage.

A module of commands does ``from election.cli.application import app, as_json, console`` and decorates with
``@app.command()``, or adds a group with ``app.add_typer(group, name="tally")``. Heavy imports (polars, Kafka)
belong inside the command, so that ``election --help`` stays quick.
"""

import json
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from election.errors import ElectionError

console = Console()
errors = Console(stderr=True)


class Commands(TyperGroup):
    """Prints an ElectionError as one message without a traceback; anything else is a bug and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ElectionError as error:
            errors.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Rehearse, replay and show an election night.",
)


def as_json(answer: Any) -> None:
    """Prints an answer as JSON, plain, for other programs to read."""
    typer.echo(json.dumps(answer, indent=2, default=str, ensure_ascii=False))
