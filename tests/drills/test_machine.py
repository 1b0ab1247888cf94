"""The machine fails under a running election: whatever happens, no ballot is lost and every total is exact.

`make drill-machine`, as root. Each fault strikes an election of its own while it is cast and counted. Where nothing
goes on by itself, the operator does what docs/operations.md says, and nothing more: `election up`.
"""

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from election.clients.airflow import Airflow
from election.count import driver
from election.count.folder import tally_folder
from election.platform import Platform
from election.settings import Settings
from election.stack.account import hand_over, system_account
from election.stack.stopping import stop
from tests import count_faults, machine_faults
from tests.ballots import once_votes_are_stored, worker
from tests.conftest import up
from tests.debian import install
from tests.drills.drill import COUNT_AGAIN, Drill
from tests.integration.conftest import Published

log = logging.getLogger(__name__)
SMALL_DISKS = {"postgres": 3000, "kafka": 1500, "tally": 500}  # folders of var/ and their megabytes
HELD = 30.0  # seconds for which a disk stays full
AWAY = 130.0  # seconds: beyond every session's and request's timeout
pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts disks and drops packets"),
]


@pytest.fixture(scope="session")
def disks(settings: Settings) -> Iterator[None]:
    """Small disks of their own under what fills up: Postgres, Kafka, the checkpoint; and the programs of the faults."""
    install("iptables", "libfaketime")
    with ExitStack() as mounted:
        for name, megabytes in SMALL_DISKS.items():
            mounted.enter_context(machine_faults.small_disk(settings.var / name, megabytes))
        yield
        stop(settings)


@pytest.fixture
def drill(
    disks: None, stack: Platform, tables: Platform, published: Published, request: pytest.FixtureRequest
) -> Iterator[Drill]:
    name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:20].strip("-")
    drill = Drill(stack, published, f"machine-{name}")
    drill.wait_until_it_counts()
    yield drill
    operator_starts_the_stack(stack)


def operator_starts_the_stack(platform: Platform) -> None:
    """`election up`, and the stream unpaused where it paused itself after failures in a row."""
    left = platform.settings.var / "tmp"  # by this session, which is root's
    if left.exists():
        hand_over(left, system_account())
    up(platform.settings)
    Airflow(platform.settings).pause("tally_stream", False)


def lasts(fault: AbstractContextManager[object], seconds: float, until: Callable[[], None] = lambda: None) -> None:
    """The fault is there until ``until`` returns and for ``seconds`` more."""
    with fault:
        until()
        time.sleep(seconds)


@pytest.mark.parametrize(
    ("folder", "log_of", "says"),
    [("postgres", "postgres", "No space left on device"), ("kafka", "kafka", "No space left on device")],
)
def test_disk_full(drill: Drill, folder: str, log_of: str, says: str) -> None:
    def strike(platform: Platform) -> None:
        var = platform.settings.var
        lasts(
            machine_faults.full(var / folder),
            HELD,
            lambda: machine_faults.await_line(var / "logs" / f"{log_of}.log", says),
        )
        operator_starts_the_stack(platform)

    drill.strike(f"disk full under {folder}", strike)


def test_disk_full_under_checkpoint(drill: Drill) -> None:
    def strike(platform: Platform) -> None:
        settings = platform.settings
        before = driver.state(settings).identity
        lasts(
            machine_faults.full(settings.var / "tally"),
            HELD,
            lambda: machine_faults.await_line(tally_folder(settings).log, "No space left on device"),
        )
        operator_starts_the_stack(platform)
        assert driver.wait_for(lambda: driver.state(settings).phase == "counting", COUNT_AGAIN)
        log.warning("the driver was %s and is %s", before, driver.state(settings).identity)

    drill.strike("disk full under the checkpoint", strike)


@pytest.mark.parametrize("service", ["kafka", "postgres"])
def test_frozen(drill: Drill, service: str) -> None:
    drill.strike(f"{service} frozen", lambda platform: lasts(machine_faults.frozen(platform, service), AWAY))


@pytest.mark.parametrize("service", ["kafka", "postgres"])
def test_packets_dropped(drill: Drill, service: str) -> None:
    def strike(platform: Platform) -> None:
        lasts(machine_faults.packets_dropped(getattr(platform.settings, f"{service}_port")), AWAY)
        operator_starts_the_stack(platform)

    drill.strike(f"packets to {service} dropped", strike)


def test_everything_killed_at_once(drill: Drill) -> None:
    def strike(platform: Platform) -> None:
        machine_faults.kill_everything(platform.settings)
        operator_starts_the_stack(platform)

    drill.strike("everything killed", strike)


@pytest.mark.parametrize("offset", ["-1h", "+1h"])
def test_clock_of_one_worker_is_wrong(drill: Drill, offset: str) -> None:
    poll = drill.election()
    wrong = worker(poll.slug, "--rate", "200", **machine_faults.clock(offset))
    right = worker(poll.slug, "--rate", "200")
    assert wrong.wait(COUNT_AGAIN) == 0
    assert right.wait(COUNT_AGAIN) == 0
    drill.assert_exact(poll.slug)


def test_executor_out_of_memory(drill: Drill) -> None:
    before = count_faults.executor(drill.platform.settings).pid

    def strike(platform: Platform) -> None:
        machine_faults.exhaust_executor(platform.settings)

    drill.strike("executor out of memory", strike)
    log.warning("the executor was %s and is %s", before, count_faults.executor(drill.platform.settings).pid)


def test_postgres_out_of_connections(drill: Drill) -> None:
    poll = drill.election()
    with machine_faults.no_connections_left(drill.platform) as held:
        log.warning("%s connections are all that the stages may have", held)
        casting = worker(poll.slug)
        assert casting.stdout
        waits = next((line for line in casting.stdout if b"too many connections" in line), None)
        assert waits and casting.poll() is None, "the worker says that it waits for a connection"
    assert casting.wait(COUNT_AGAIN) == 0
    drill.assert_exact(poll.slug)


def test_airflow_without_its_database(drill: Drill) -> None:
    def strike(platform: Platform) -> None:
        lasts(machine_faults.airflow_without_database(platform.settings), 120)
        operator_starts_the_stack(platform)

    drill.strike("Airflow's database away", strike)


def test_tmp_full(drill: Drill) -> None:
    """The stack starts with a /tmp that has no byte left."""
    settings = drill.platform.settings
    stop(settings)
    fill = 'mount -t tmpfs -o size=64k tmpfs /tmp; head -c 1M /dev/zero > /tmp/full; exec "$0" "$@"'
    command = ["unshare", "--mount", "sh", "-c", fill, sys.executable, "-m", "election.cli", "up"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    poll = drill.election()
    drill.wait_until_it_counts()
    run = subprocess.run(
        [*command[:5], sys.executable, "-m", "election.cli", "cast", poll.slug],
        capture_output=True, text=True, check=False, timeout=COUNT_AGAIN,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    drill.assert_exact(poll.slug)
    once_votes_are_stored(drill.platform, poll, lambda: None)
    stop(settings)
