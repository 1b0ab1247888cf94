"""What can happen to the machine under the platform: full disks, lost packets, a wrong clock, no memory.

Each fault lasts as long as its ``with`` block and is gone afterwards; what it does to the platform stays. Only root can
bring most of them about.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from election.platform import Platform
from election.settings import Settings
from election.stack.orphans import orphans
from election.stack.supervision import Supervisor
from tests import count_faults

MEGABYTE = 2**20


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A disk of its own, in memory, under the folder, which is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    owner = folder.stat()
    options = f"size={megabytes}m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """The folder's disk has no byte left."""
    ballast = folder / ".ballast"
    try:
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * MEGABYTE)
        with ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 512)
        assert shutil.disk_usage(folder).free < 4096
        yield
    finally:
        ballast.unlink(missing_ok=True)


@contextmanager
def packets_dropped(port: int) -> Iterator[None]:
    """Nothing that is sent to the port, or from it, arrives; no end of a connection is told."""
    rules = [["INPUT", "-i", "lo", "-p", "tcp", f"--{end}port", str(port), "-j", "DROP"] for end in ("d", "s")]
    with ExitStack() as closing:
        for rule in rules:
            subprocess.run(["iptables", "-w", "-I", *rule], check=True)
            closing.callback(subprocess.run, ["iptables", "-w", "-D", *rule], check=True)
        yield


@contextmanager
def frozen(platform: Platform, service: str) -> Iterator[None]:
    """The service's processes stand still; their connections stay open."""
    pid = Supervisor(platform.settings).processes()[service]["pid"]
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def kill_everything(settings: Settings) -> None:
    """Kills every process of the platform at once, the supervisor first."""
    daemon = Supervisor(settings).daemon()
    processes = [*([daemon] if daemon else []), *orphans(settings)]
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in processes:
        if process.pid not in mine:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, 30)


def clock(offset: str) -> dict[str, str]:
    """The environment of a process whose clock is off by ``offset``, such as -1h; what it measures is right."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def exhaust_executor(settings: Settings) -> None:
    """Takes from the executor the right to another byte of memory."""
    process = count_faults.executor(settings)
    limit = process.memory_info().vms
    # As its own user: root may only with a capability that containers lack.
    owner = {"user": process.uids().real, "group": process.gids().real, "extra_groups": []}
    subprocess.run(["prlimit", f"--pid={process.pid}", f"--as={limit}:{limit}"], check=True, **owner)


@contextmanager
def no_connections_left(platform: Platform) -> Iterator[int]:
    """The stages' role has all the connections that it may have; gives how many."""
    with ExitStack() as closing:
        held = 0

        def take_all() -> None:
            nonlocal held
            while held < 1000:
                connection = psycopg.connect(platform.settings.dsn("app"), connect_timeout=5)
                closing.callback(connection.close)
                held += 1

        with pytest.raises(psycopg.OperationalError, match=r"too many connections|connection slots"):
            take_all()
        yield held


@contextmanager
def airflow_without_database(settings: Settings) -> Iterator[None]:
    """Airflow's database refuses every connection, those that are open too."""
    address = make_conninfo(
        host=settings.postgres_host, port=settings.postgres_port, dbname="postgres", user="postgres",
        password=settings.secret("postgres_superuser"), connect_timeout=5,
    )  # fmt: skip
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("ALTER DATABASE airflow ALLOW_CONNECTIONS false")
        try:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'airflow'")
            yield
        finally:
            connection.execute("ALTER DATABASE airflow ALLOW_CONNECTIONS true")


def await_line(file: Path, text: str, seconds: float = 120) -> None:
    """Waits until the log says ``text``, which it did not before."""
    start = file.stat().st_size if file.exists() else 0
    deadline = time.monotonic() + seconds
    while True:
        if file.exists():
            size = file.stat().st_size
            with file.open("rb") as log:
                log.seek(start if size >= start else 0)
                if text.encode() in log.read():
                    return
        assert time.monotonic() < deadline, f"{file} does not say {text!r} in {seconds:.0f} s"
        time.sleep(0.2)
