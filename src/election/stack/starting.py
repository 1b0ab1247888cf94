"""`election up`: starts stopped services by dependency, and waits until each answers."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from filelock import FileLock

from election.errors import NotReachable, StackError
from election.settings import Settings
from election.stack import checks, privacy, secrets, spark
from election.stack.orphans import end, orphans
from election.stack.service import Service
from election.stack.services import PAGES, existing
from election.stack.supervision import ProcessInfo, Supervisor

PATIENCE = 300
"""Seconds from a service's start to its first answer, at most."""

Report = Callable[[Service, float], None]
"""Called with each service that answers, and the seconds from its start to its answer."""


def start(
    settings: Settings,
    only: tuple[str, ...] = (),
    report: Report = lambda service, seconds: None,
    *,
    wait_for_pages: bool = True,
) -> list[str]:
    """Starts the stack, or ``only`` some of its services, and returns the names of those that were down.

    Without ``wait_for_pages`` it returns as soon as a run can begin, and the pages answer some seconds later.
    Safe to repeat: a service that runs is left alone. Raises StackError within seconds when something (a port, Java,
    disk space) keeps it from starting or root calls it, and NotReachable when a service gives no answer in time.
    """
    if os.geteuid() == 0:
        raise StackError("No service runs as root. `election up` starts them as the platform's own user.")
    privacy.make_private(settings.var)
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
            end(orphans(settings))
            shutil.rmtree(
                settings.var / "tmp", ignore_errors=True
            )  # of validations and reconciliations that were killed
        checks.before_start(settings, down, supervisor=not supervisor.running())
        secrets.generate(settings)
        _record(settings)
        if not running & {"spark-master", "spark-worker"}:
            spark.forget(settings)
        supervisor.start({name: service.program(settings) for name, service in services.items()})
        _in_order(settings, supervisor, wanted, report, wait_for_pages)
        return [service.name for service in down]


def _in_order(
    settings: Settings, supervisor: Supervisor, services: dict[str, Service], report: Report, wait_for_pages: bool
) -> None:
    """Each service as soon as what it needs answers; independent ones at the same time."""
    waiting, ready = dict(services), set[str]()
    given_up = threading.Event()

    def bring_up(service: Service) -> float:
        wait = wait_for_pages or service.name not in PAGES
        begun = time.monotonic()
        _bring_up(settings, supervisor, service, given_up) if wait else _launch(settings, supervisor, service)
        return time.monotonic() - begun

    with ThreadPoolExecutor(len(services)) as pool:
        starting: dict[Future[float], str] = {}
        while waiting or starting:
            for name, service in list(waiting.items()):
                if ready >= _first(service, services):
                    starting[pool.submit(bring_up, waiting.pop(name))] = name
            done, _ = wait(starting, return_when=FIRST_COMPLETED)
            for future in done:
                if error := future.exception():
                    given_up.set()  # the others need not be awaited to say what went wrong
                    raise error
                name = starting.pop(future)
                ready.add(name)
                if wait_for_pages or name not in PAGES:
                    report(services[name], future.result())


def _first(service: Service, services: dict[str, Service]) -> set[str]:
    """Those of the services that answer before this one starts."""
    return set(services) - set(PAGES) if service.name in PAGES else set(service.needs) & set(services)


def _launch(settings: Settings, supervisor: Supervisor, service: Service) -> None:
    """Starts the service's process unless it runs."""
    if supervisor.process(service.name)["statename"] not in ("RUNNING", "STARTING"):
        service.prepare(settings)
        supervisor.start_program(service.name)


def _bring_up(settings: Settings, supervisor: Supervisor, service: Service, given_up: threading.Event) -> None:
    def wait_until(answers: Callable[[Settings, float], None]) -> None:
        """Asks until there is an answer; gives up early when the process cannot be started at all."""
        deadline = time.monotonic() + PATIENCE
        while True:
            info = supervisor.process(service.name)
            try:
                if info["statename"] == "RUNNING":
                    answers(settings, info["start"])
                    return
                unanswered = f"its process is {info['statename']}"
            except NotReachable as error:
                unanswered = str(error)
            if info["statename"] == "FATAL" or time.monotonic() > deadline or given_up.wait(0.2):
                raise StackError(f"{service.name} did not start: {unanswered}\n{_last_words(settings, info)}")

    _launch(settings, supervisor, service)
    if service.accepts:
        wait_until(service.accepts)
    service.settle(settings)
    wait_until(service.ready)


def _last_words(settings: Settings, info: ProcessInfo) -> str:
    log = settings.var / "logs" / f"{info['name']}.log"
    lines = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
    return "\n".join([f"`election logs {info['name']}` shows more. Its last lines:", *lines, info["spawnerr"]]).strip()


def exclusively(settings: Settings) -> FileLock:
    """A lock for one start or stop of a platform at a time; a second one waits for the first."""
    return FileLock(settings.var / "up.lock")


def _record(settings: Settings) -> None:
    """Ports and who may decide, for later commands; see ``election.settings``."""
    file: Path = settings.var / "stack.json"
    kept = {n: value for n, value in settings.model_dump().items() if n.endswith("_port") or n == "certifiers"}
    file.write_text(json.dumps(kept, indent=2) + "\n")
