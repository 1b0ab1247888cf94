"""`election up`: start what is down, in the order of need, and wait until each service answers."""

import fcntl
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from election.errors import NotReachable, StackError
from election.settings import Settings
from election.stack import checks, secrets, spark
from election.stack.service import Service
from election.stack.services import existing
from election.stack.strays import end, strays
from election.stack.supervision import ProcessInfo, Supervisor

PATIENCE = 300
"""Seconds that a service may take from its start to its first answer."""

Report = Callable[[str, float], None]
"""Told each service that answers, and after how many seconds."""


def start(settings: Settings, only: tuple[str, ...] = (), report: Report = lambda name, seconds: None) -> list[str]:
    """Starts the stack, or ``only`` some of its services, and returns the names of those that were down.

    Safe to repeat: a service that runs is left alone. Raises StackError within seconds when something (a port, Java,
    disk space) keeps it from starting, and NotReachable when a service gives no answer in time.
    """
    settings.var.mkdir(parents=True, exist_ok=True)
    with exclusively(settings):
        services = existing(settings)
        wanted = {name: service for name, service in services.items() if not only or name in only}
        if unknown := set(only) - set(services):
            raise StackError(f"No such service: {', '.join(sorted(unknown))}. There are {', '.join(services)}.")
        supervisor = Supervisor(settings)
        running = {n for n, info in supervisor.processes().items() if info["statename"] in ("RUNNING", "STARTING")}
        down = [service for name, service in wanted.items() if name not in running]
        if not supervisor.running():
            # What a killed supervisor left would hold ports, or work beside its successor.
            end(strays(settings))
            shutil.rmtree(
                settings.var / "tmp", ignore_errors=True
            )  # of validations and reconciliations that were killed
        checks.before_start(settings, down, supervisor=not supervisor.running())
        secrets.generate(settings)
        _record(settings)
        if not running & {"spark-master", "spark-worker"}:
            spark.forget(settings)
        supervisor.start({name: service.program(settings) for name, service in services.items()})
        _in_order(settings, supervisor, wanted, report)
        return [service.name for service in down]


def _in_order(settings: Settings, supervisor: Supervisor, services: dict[str, Service], report: Report) -> None:
    """Each service as soon as what it needs answers; independent ones at the same time."""
    waiting, ready = dict(services), set[str]()
    begun, given_up = time.monotonic(), threading.Event()
    with ThreadPoolExecutor(len(services)) as pool:
        starting: dict[Future[None], str] = {}
        while waiting or starting:
            for name, service in list(waiting.items()):
                if ready >= set(service.needs) & set(services):
                    starting[pool.submit(_bring_up, settings, supervisor, waiting.pop(name), given_up)] = name
            done, _ = wait(starting, return_when=FIRST_COMPLETED)
            for future in done:
                if error := future.exception():
                    given_up.set()  # the others need not be awaited to say what went wrong
                    raise error
                name = starting.pop(future)
                ready.add(name)
                report(name, time.monotonic() - begun)


def _bring_up(settings: Settings, supervisor: Supervisor, service: Service, given_up: threading.Event) -> None:
    def wait_until(answers: Callable[[Settings, float], None]) -> None:
        """Asks until there is an answer; gives up early when the process cannot be started at all."""
        deadline = time.monotonic() + PATIENCE
        while True:
            info = supervisor.processes()[service.name]
            try:
                if info["statename"] == "RUNNING":
                    answers(settings, info["start"])
                    return
                unanswered = f"its process is {info['statename']}"
            except NotReachable as error:
                unanswered = str(error)
            if info["statename"] == "FATAL" or time.monotonic() > deadline or given_up.wait(0.2):
                raise StackError(f"{service.name} did not start: {unanswered}\n{_last_words(settings, info)}")

    if supervisor.processes()[service.name]["statename"] not in ("RUNNING", "STARTING"):
        service.prepare(settings)
        supervisor.start_program(service.name)
    if service.accepts:
        wait_until(service.accepts)
    service.settle(settings)
    wait_until(service.ready)


def _last_words(settings: Settings, info: ProcessInfo) -> str:
    log = settings.var / "logs" / f"{info['name']}.log"
    lines = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
    return "\n".join([f"`election logs {info['name']}` shows more. Its last lines:", *lines, info["spawnerr"]]).strip()


@contextmanager
def exclusively(settings: Settings) -> Iterator[None]:
    """One start or stop of a platform at a time; a second one waits for the first."""
    with (settings.var / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _record(settings: Settings) -> None:
    """Ports for later commands; see ``election.settings``."""
    file: Path = settings.var / "stack.json"
    ports = {name: value for name, value in settings.model_dump().items() if name.endswith("_port")}
    file.write_text(json.dumps(ports, indent=2) + "\n")
