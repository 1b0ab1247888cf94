"""The platform that tests run against: its own folder under var/test and its own free ports, so that it neither meets
nor harms a stack that is up. A test asks for as much of it as it needs: ``platform`` (Postgres and Kafka), ``spark``
(these and Spark), ``stack`` (everything). Each level starts once per test session, when first asked for.
"""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from election.platform import Platform, native
from election.settings import PROJECT, Settings
from election.stack import services
from election.stack.account import hand_over, system_account, unprivileged
from election.stack.starting import start
from election.stack.stopping import stop
from tests.webhook import Webhook, listening

AS_ROOT = tuple(PROJECT / "tests" / place for place in ("compose", "users", "drills/test_machine.py"))


def pytest_configure(config: pytest.Config) -> None:
    """Started by root, the session goes on as the platform's own user, as every command does.

    Sessions of what is in AS_ROOT alone stay root's: they start containers, mount disks or act as several users.
    """
    places = {Path(argument.split("::")[0]).resolve() for argument in config.args}
    if os.geteuid() == 0 and not all(any(place.is_relative_to(kept) for kept in AS_ROOT) for place in places):
        project = Settings.model_validate({"var": PROJECT / "var"})
        hand_over(PROJECT / ".pytest_cache", system_account())
        unprivileged(project)
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(project.var / "test" / "hypothesis")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need less of the platform run first: on a full stack Airflow keeps the count running by itself."""
    levels = ("platform", "spark", "stack")
    items.sort(key=lambda item: [level in getattr(item, "fixturenames", ()) for level in reversed(levels)])
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):  # starts a Spark
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit's AppTest leaves its script behind as ``__main__``, which every process spawned later would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session")
def webhook() -> Iterator[Webhook]:
    """Told by the stack's Airflow what operators are told."""
    with listening() as there:
        yield there


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest, webhook: Webhook) -> Iterator[Settings]:
    """The test platform's settings; ``Settings()`` and every child process see the same for the whole session."""
    folder = PROJECT / "var" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    var = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    for name in [name for name in os.environ if name.startswith("ELECTION_")]:
        del os.environ[name]
    names = [name for name in Settings.model_fields if name.endswith("_port")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    chosen = Settings.model_validate({"var": var, "webhook_url": webhook.url, **ports})
    os.environ.update(chosen.environment)
    yield chosen
    stop(chosen)
    if not request.session.testsfailed:
        shutil.rmtree(var)


@pytest.fixture(scope="session")
def platform(settings: Settings) -> Platform:
    """Postgres and Kafka, empty: no tables, no topics."""
    up(settings, services.STORAGE)
    return native(settings)


@pytest.fixture(scope="session")
def spark(platform: Platform) -> Platform:
    """The platform with Spark's master and worker."""
    up(platform.settings, services.SPARK)
    return platform


@pytest.fixture(scope="session")
def stack(platform: Platform) -> Platform:
    """The platform with everything up."""
    up(platform.settings)
    return platform


def up(settings: Settings, only: tuple[str, ...] = ()) -> None:
    """Starts the session's platform; root by the command, which gives up root."""
    if os.geteuid():
        start(settings, only)
    else:
        subprocess.run([sys.executable, "-m", "election.cli", "up", *only], check=True)


def free_ports(number: int) -> list[int]:
    """Ports nobody listens on, below those that the kernel gives to outgoing connections (32768 and up).

    Sessions that run side by side (``TEST_LANE`` 0 to 5) never choose the same, which would show only as they start.
    """
    lane = int(os.environ.get("TEST_LANE", "0"))
    assert lane in range(6), "TEST_LANE is 0 to 5"
    first = 20_000 + 2_000 * lane
    ports: set[int] = set()
    while len(ports) < number:
        port = random.randrange(first, first + 2_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.add(port)
    return list(ports)
