"""The command line application. Exit status: 0 done, 1 an error that a person can act on, 2 wrong usage.

A module of commands does ``from election.cli.application import app, as_json, console`` and decorates with
``@app.command()``, or adds a group with ``app.add_typer(group, name="tally")``. Heavy imports (polars, Kafka)
belong inside the command, so that ``election --help`` stays quick.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text
from typer.core import TyperGroup

from election.errors import BadInput, ElectionError
from election.text import in_json, visible


class PlainConsole(Console):
    """Prints text as it is written: no markup, no emoji names, no control characters.

    Styles are explicit: ``styled("yes", "green")`` or a ``rich.text.Text``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


console = PlainConsole()
errors = PlainConsole(stderr=True)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Plain texts and (text, style) one after the other, as one line."""
    return Text.assemble(*parts)


class Commands(TyperGroup):
    """Prints an ElectionError as one message without a traceback; anything else is a bug and keeps its traceback."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        for argument in sys.argv[1:] if args is None else args:
            if not _is_text(argument):
                errors.print(f"Error: the argument {argument!r} is not valid UTF-8. Type it again.", markup=False)
                raise SystemExit(2)
        return super().main(args, *rest, **extra)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ElectionError as error:
            errors.print(styled(("Error:", "bold red"), f" {error}"), soft_wrap=True, highlight=False)
            raise typer.Exit(1) from error


def _is_text(argument: str) -> bool:
    """False for bytes that are not UTF-8, which Postgres and Airflow refuse."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Rehearse, replay and show an election night.",
)


@app.callback()
def main(context: typer.Context) -> None:
    """Runs before every command: root's command continues as the platform's own user."""
    from election.settings import Settings
    from election.stack.account import unprivileged

    unprivileged(Settings(), context.invoked_subcommand)


def as_json(answer: Any) -> None:
    """Prints an answer as plain JSON for other programs; control characters are escaped."""
    typer.echo(in_json(json.dumps(answer, indent=2, default=str, ensure_ascii=False)))


def print_or_write(content: bytes, output: Path | None) -> None:
    """Writes the file ``output``, or prints without one. Raises BadInput when the file cannot be written."""
    if output is None:
        typer.echo(content, nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{output} cannot be written: {error.strerror}. Name another file with --output.") from error
    console.print(f"Written: {output}", soft_wrap=True)


def warn(warnings: Iterable[str]) -> None:
    """Prints what looks wrong but does not stop the command."""
    for warning in warnings:
        errors.print(styled(("Warning:", "yellow"), f" {warning}"), soft_wrap=True, highlight=False)
