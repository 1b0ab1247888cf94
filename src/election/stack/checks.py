"""What must be right before the stack can start. Each check says what is wrong and what to do."""

import shutil
import socket
from collections.abc import Iterable

import psutil

from election.errors import StackError
from election.settings import Settings
from election.stack.service import Service
from election.toolchain import java

DISK_NEEDED = 3 * 2**30
"""Bytes: a small election and the logs fit in; a whole country needs more (docs/performance.md)."""


def before_start(settings: Settings, services: Iterable[Service], *, supervisor: bool) -> None:
    """Raises StackError on the first thing that would keep these services (and supervisor) from starting."""
    java()
    disk(settings)
    names = [name for service in services for name in service.ports]
    for name in [*names, *(["supervisor_port"] if supervisor else [])]:
        port_free(settings, name)


def disk(settings: Settings) -> str:
    """Raises StackError when less than DISK_NEEDED is free; else says how much."""
    settings.var.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.var).free
    if free < DISK_NEEDED:
        raise StackError(
            f"Only {free / 2**30:.1f} GiB are free on the disk of {settings.var}; the stack needs at least "
            f"{DISK_NEEDED / 2**30:.0f} GiB. Free some, or put its state elsewhere with ELECTION_VAR=/another/folder."
        )
    return f"{free / 2**30:.0f} GiB free for {settings.var}"


def port_free(settings: Settings, name: str) -> str:
    """Listens on the service's port for a moment. Raises StackError if it is taken; otherwise says that it is free."""
    port: int = getattr(settings, name)
    with socket.socket() as probe:
        # As servers do, so that connections that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, port))
        except OSError as error:
            raise StackError(
                f"Port {port} ({name.removesuffix('_port').replace('_', ' ')}) is taken{_by(port)}: {error.strerror}. "
                f"Stop that, or choose another port with ELECTION_{name.upper()}=<port>."
            ) from error
    return f"{port} is free"


def _by(port: int) -> str:
    """The process that listens there, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return ""
    return ""
