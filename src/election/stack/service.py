"""What a service of the stack is: the process that supervisor runs, and how one knows that it answers."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from election.settings import Settings


@dataclass(frozen=True)
class Program:
    """A process under supervisor. It may not fork away, and ends within ``stop_seconds`` of its ``stop_signal``."""

    command: tuple[str | Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 30
    stop_group: bool = False
    """Whether its children get the signal too; without it they are the program's own business until it is killed."""


def nothing(_settings: Settings) -> None:
    """The default for steps that most services have no need of."""


@dataclass(frozen=True)
class Service:
    """One supervised process. ``ready(settings, since)`` asks it something real and raises NotReachable when it has
    no good answer yet; ``since`` (epoch seconds) is when its process started, so that a stale answer does not count."""

    name: str
    ports: tuple[str, ...]
    """Names of the settings with the ports it listens on; the first is the one people use."""
    program: Callable[[Settings], Program]
    ready: Callable[[Settings, float], None]
    needs: tuple[str, ...] = ()
    """Services that must answer before ``prepare``."""
    prepare: Callable[[Settings], None] = nothing
    """Files and folders it needs before it starts; run on every `up` that finds it stopped."""
    accepts: Callable[[Settings, float], None] | None = None
    """What must hold before ``settle``, when ``ready`` can hold only after it."""
    settle: Callable[[Settings], None] = nothing
    """What is to be made inside it once it answers; run on every `up`, and changes nothing that is right already."""
    url: Callable[[Settings], str | None] = lambda _: None
    exists: Callable[[Settings], bool] = lambda _: True
    """False while the project has nothing for it to run."""


PREFIX_BY_PARENT = ("setpriv", "--pdeathsig", "TERM")
"""Ends a process when supervisor dies without ending it, so that nothing is left behind unsupervised."""


MARK = "ELECTION_STACK"
"""A variable that the processes of a stack and their children carry, so that `election down` finds the strays."""


def environment(mark: str) -> dict[str, str]:
    """What supervisor and so every process of the stack finds: the machine's settings, no other installation's."""
    foreign = (
        "AIRFLOW",
        "SPARK",
        "PYSPARK",
        "KAFKA",
        "HADOOP",
        "PG",
        "PYTHON",
        "SUPERVISOR",
        "VIRTUAL_ENV",
        "ELECTION",
    )
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)}
    return kept | {MARK: mark}


def succession(settings: Settings, name: str) -> tuple[str | Path, ...]:
    """What a command starts with so that nothing of a killed predecessor works on beside it; empty in a container,
    where no process outlives the main one."""
    group = settings.var / "supervisor" / f"{name}.group"
    return (sys.executable, "-m", "election.stack.succession", group) if settings.runtime == "native" else ()


def settings_environment(settings: Settings) -> dict[str, str]:
    """Every setting as its environment variable, for processes that make their own ``Settings``."""
    return {f"ELECTION_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
