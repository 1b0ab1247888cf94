"""Command line options derived from the models of parameters."""

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from typing import Annotated, Any, get_origin

import typer
from pydantic.fields import FieldInfo

from election.parameters import Parameters


def describing(model: type[Parameters], arguments: Collection[str] = ()) -> Callable[..., Callable[..., None]]:
    """Gives a command an option for each field of the model, and the model as its first argument.

    Fields named in ``arguments`` are required arguments in place of options. Whether a value can be used is decided by
    the model, which raises BadInput: the command line and Airflow's form refuse the same, with the same words.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        described, *own = inspect.signature(command, eval_str=True).parameters.values()
        own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        fields = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if name in arguments else _default(field),
                annotation=option(name, field, argument=name in arguments),
            )
            for name, field in model.model_fields.items()
        ]

        @wraps(command)
        def with_options(**given: Any) -> None:
            values = {name: given.pop(name) for name in model.model_fields}
            command(**{described.name: model(**values)}, **given)

        with_options.__signature__ = inspect.Signature([*fields, *own])  # type: ignore[attr-defined]
        return with_options

    return decorate


def option(name: str, field: FieldInfo, argument: bool = False) -> Any:
    """The annotation that typer takes for the field: its type, and what `--help` says."""
    declared = field.annotation
    text = (field.description or "") + _bounds(field)
    if argument:
        return Annotated[declared, typer.Argument(help=text)]
    if get_origin(declared) is tuple:
        names = f"--{name}", f"--{name.removesuffix('s')}"
        return Annotated[list[str], typer.Option(*names, help=f"{text} The option may be repeated.")]
    return Annotated[declared, typer.Option(help=text)]


def _default(field: FieldInfo) -> Any:
    return [] if field.default == () else field.default


def _bounds(field: FieldInfo) -> str:
    least, most = (
        next((getattr(limit, name) for limit in field.metadata if hasattr(limit, name)), None) for name in ("ge", "le")
    )
    return f" From {least:,} to {most:,}." if least is not None and most is not None and most < 2**53 else ""
