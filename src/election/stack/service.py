"""A service of the stack: the process that supervisor runs, and the check that it answers."""

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
    """Whether its children get the signal too. Otherwise the program ends them itself until it is killed."""


def nothing(_settings: Settings) -> None:
    """The default for steps that a service does not need."""


@dataclass(frozen=True)
class Service:
    """One supervised process. ``ready(settings, since)`` makes a real request and raises NotReachable without a good
    answer. ``since`` (epoch seconds) is the start of its process, so that a stale answer does not count."""

    name: str
    purpose: str
    """What it is for; people read it while it starts."""
    ports: tuple[str, ...]
    """Settings with the ports it listens on; people use the first."""
    program: Callable[[Settings], Program]
    ready: Callable[[Settings, float], None]
    needs: tuple[str, ...] = ()
    """Services that must answer before ``prepare``."""
    prepare: Callable[[Settings], None] = nothing
    """Creates files and folders it needs; run by every `up` that finds it stopped."""
    accepts: Callable[[Settings, float], None] | None = None
    """What must hold before ``settle``, when ``ready`` can hold only after it."""
    settle: Callable[[Settings], None] = nothing
    """Creates objects inside it once it answers; run by every `up`; idempotent."""
    url: Callable[[Settings], str | None] = lambda _: None
    exists: Callable[[Settings], bool] = lambda _: True
    """Whether this checkout contains the service."""


PREFIX_BY_PARENT = ("setpriv", "--pdeathsig", "TERM")
"""Ends a process when supervisor dies, so that no unsupervised process remains."""


MARK = "ELECTION_STACK"
"""An environment variable of a stack's processes and their children, by which `election down` finds orphans."""


def environment(mark: str) -> dict[str, str]:
    """The environment of supervisor and every process: the machine's, without other installations' variables."""
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


def end_predecessor(settings: Settings, name: str) -> tuple[str | Path, ...]:
    """A command prefix that ends what a killed predecessor left; empty in a container, where no process outlives the
    main one."""
    group = settings.var / "supervisor" / f"{name}.group"
    return (sys.executable, "-m", "election.stack.end_predecessor", group) if settings.runtime == "native" else ()
