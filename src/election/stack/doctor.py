"""`election doctor`: looks at everything that the stack needs, and says how to mend what is not right."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import httpx
import psutil

from election.errors import ElectionError
from election.settings import Settings
from election.stack import checks, toolchain
from election.stack.postgres_user import postgres_user
from election.stack.secrets import SECRETS
from election.stack.services import existing
from election.stack.supervision import Supervisor

MEMORY_NEEDED = 8 * 2**30
"""Bytes: what the idle stack and a small election take, with some to spare."""


@dataclass(frozen=True)
class Finding:
    """``ok`` is None where something is not right but the stack works without it."""

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
    yield _try("Postgres' user", lambda: _user(settings))
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


def _user(settings: Settings) -> str:
    settings.var.mkdir(parents=True, exist_ok=True)
    user = postgres_user(settings.var, toolchain.postgres_program("postgres"))
    return " ".join(user.prefix) or f"runs as you (user {user.uid})"


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
    from election.orchestration.api import Airflow

    try:
        errors = Airflow(settings).import_errors()
    except (ElectionError, httpx.HTTPError):
        return  # said of the API server already
    yield Finding("DAGs", not errors, "; ".join(errors) or "all files can be read")
