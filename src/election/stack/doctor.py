"""`election doctor`: checks what the stack needs, and says how to fix what is wrong."""

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from election import toolchain
from election.errors import ElectionError
from election.settings import Settings
from election.stack import checks, privacy
from election.stack.orphans import orphans
from election.stack.secrets import SECRETS
from election.stack.services import existing
from election.stack.supervision import Supervisor

MEMORY_NEEDED = 8 * 2**30
"""Bytes: the idle stack and a small election, with a reserve."""


@dataclass(frozen=True)
class Finding:
    """``ok`` is None for a fault that the stack works with."""

    subject: str
    ok: bool | None
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding in turn; nothing is changed and nothing is started."""
    yield _try("Python", _python)
    yield _try("Java", lambda: f"{toolchain.java()}, version {toolchain.java_version(toolchain.java())}")
    yield _try("packages", lambda: ", ".join(f"{n} {version(n)}" for n in ("apache-airflow", "pyspark", "streamlit")))
    yield _try("jars", lambda: f"{toolchain.jars(settings, 'kafka')} and {toolchain.jars(settings, 'spark').name}")
    yield _try("disk", lambda: checks.disk(settings))
    yield _memory()
    yield from _privacy(settings)
    if settings.secrets.exists():
        yield from _secrets(settings)
    yield from _services(settings)


def _try(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, look())
    except ElectionError as error:
        return Finding(subject, False, str(error))


def _python() -> str:
    return f"{sys.version.split()[0]} in {sys.prefix}"


def _memory() -> Finding:
    total = psutil.virtual_memory().total
    if total < MEMORY_NEEDED:
        return Finding(
            "memory", None, f"{total / 2**30:.0f} GiB; with less than 8 GiB expect swapping. Close what you can."
        )
    return Finding(
        "memory", True, f"{total / 2**30:.0f} GiB, {psutil.virtual_memory().available / 2**30:.0f} GiB available"
    )


def _privacy(settings: Settings) -> Iterator[Finding]:
    """Owners of processes and files, and whether others may read the files."""
    me = f"{getpass.getuser()} (user {os.geteuid()})"
    root = privacy.of_root(_processes(settings))
    if root:
        names = ", ".join(sorted({f"{process.name()} (process {process.pid})" for process in root}))
        yield Finding("user", False, f"As root run {names}. Type `election down`, then `election up`, as root.")
    else:
        yield Finding("user", True, f"no process runs as root; everything runs as {me}")
    if not settings.var.exists():
        return
    if foreign := privacy.foreign(settings.var):
        yield Finding(
            "files", False, f"{_listed(foreign)} are not {me}'s. Type as root: chown -R {os.geteuid()} {settings.var}"
        )
    if exposed := privacy.exposed(settings.var):
        yield Finding("files", False, f"Others may read {_listed(exposed)}. `election up` closes it to them.")
    if not foreign and not exposed:
        yield Finding("files", True, f"only {me} reads what is in {settings.var}")


def _processes(settings: Settings) -> list[psutil.Process]:
    """Supervisor, all that it started, and the streaming driver."""
    daemon = Supervisor(settings).daemon()
    return [*([daemon, *daemon.children(recursive=True)] if daemon else []), *orphans(settings)]


def _listed(paths: list[Path]) -> str:
    return ", ".join(map(str, paths[:3])) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _secrets(settings: Settings) -> Iterator[Finding]:
    folder = settings.secrets
    loose = [file.name for file in (folder, *folder.iterdir()) if file.stat().st_mode & 0o077]
    missing = [name for name in SECRETS if not settings.secret_file(name).exists()]
    if loose:
        yield Finding("secrets", False, f"Others may read {', '.join(loose)}. Type: chmod -R go= {folder}")
    if missing:
        yield Finding("secrets", False, f"Missing: {', '.join(missing)}. `election up` generates them.")
    if not loose and not missing:
        yield Finding("secrets", True, f"{len(SECRETS)} files that only user {os.geteuid()} may read, in {folder}")


def _services(settings: Settings) -> Iterator[Finding]:
    processes = Supervisor(settings).processes()
    if not processes:
        yield _try("port supervisor", lambda: checks.port_free(settings, "supervisor_port"))
    for service in existing(settings).values():
        process = processes.get(service.name)
        if process is None or process["statename"] in ("STOPPED", "EXITED"):
            for port in service.ports:
                yield _try(f"port {port.removesuffix('_port').replace('_', ' ')}", _free(settings, port))
            if processes:
                yield Finding(service.name, None, "stopped; `election up` starts it")
            continue
        try:
            service.ready(settings, process["start"])
            yield Finding(service.name, True, f"answers (process {process['pid']})")
        except ElectionError as error:
            yield Finding(service.name, False, f"{error} See `election logs {service.name}`; supervisor restarts it.")
    if processes:
        yield from _dags(settings)


def _free(settings: Settings, port: str) -> Callable[[], str]:
    return lambda: checks.port_free(settings, port)


def _dags(settings: Settings) -> Iterator[Finding]:
    """DAG files that Airflow cannot read."""
    from election.clients.airflow import Airflow

    try:
        errors = Airflow(settings).import_errors()
    except ElectionError:
        return  # said of the API server already
    yield Finding("DAGs", not errors, "; ".join(errors) or "all files can be read")
