"""`election up` starts what a run needs before the pages, and need not wait for the pages."""

import threading
from pathlib import Path
from typing import Any, cast

import pytest

from election.errors import NotReachable
from election.settings import Settings
from election.stack import starting
from election.stack.service import Program, Service
from election.stack.supervision import Supervisor


class Processes:
    """Supervisor's view of programs that start at once; notes their order."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def start_program(self, name: str) -> None:
        self.started.append(name)

    def process(self, name: str) -> dict[str, Any]:
        return {"name": name, "statename": "RUNNING" if name in self.started else "STOPPED", "start": 0, "spawnerr": ""}


@pytest.fixture
def processes() -> Processes:
    return Processes()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"var": tmp_path})


def service(name: str, *needs: str, ready: Any = lambda _settings, _since: None) -> Service:
    return Service(name, name, (), lambda _: Program(("true",)), ready, needs)


def started(settings: Settings, processes: Processes, *services: Service, wait_for_pages: bool) -> list[str]:
    """Starts the services and returns those that were reported."""
    told: list[str] = []
    named = {one.name: one for one in services}
    supervisor = cast(Supervisor, processes)
    starting._in_order(settings, supervisor, named, lambda one, _: told.append(one.name), wait_for_pages)
    return told


def test_the_pages_start_when_all_the_others_answer(settings: Settings, processes: Processes) -> None:
    asked = threading.Event()

    def ready(_settings: Settings, _since: float) -> None:
        if not asked.is_set():  # the first time; all that may start beside it has started by the second
            asked.set()
            raise NotReachable("not yet")

    others = service("kafka", ready=ready), service("postgres"), service("airflow-scheduler", "postgres")
    told = started(settings, processes, service("dashboard"), *others, service("results-feed"), wait_for_pages=True)
    assert set(processes.started[:3]) == {"kafka", "postgres", "airflow-scheduler"}
    assert set(processes.started[3:]) == {"dashboard", "results-feed"}
    assert sorted(told) == sorted(processes.started)


def test_without_waiting_for_the_pages_they_start_and_nothing_is_said_of_them(
    settings: Settings, processes: Processes
) -> None:
    def silent(_settings: Settings, _since: float) -> None:
        raise NotReachable("it never answers")

    told = started(
        settings, processes, service("postgres"), service("dashboard", ready=silent), wait_for_pages=False
    )  # fmt: skip
    assert processes.started == ["postgres", "dashboard"]
    assert told == ["postgres"]


def test_a_page_that_is_asked_for_alone_starts_without_the_others(settings: Settings, processes: Processes) -> None:
    assert started(settings, processes, service("dashboard"), wait_for_pages=True) == ["dashboard"]
