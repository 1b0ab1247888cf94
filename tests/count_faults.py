"""What can happen to the count while it counts: the faults of the integration tests and of the full drill.

Each fault strikes a running platform, once, and returns when it is done; nothing here puts anything right again.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import psutil

from election.contracts import topics
from election.contracts.messages import Decoder
from election.count import driver
from election.count.submission import environment, submit_command
from election.messaging.reading import read
from election.platform import Platform
from election.settings import Settings
from election.stack.supervision import Supervisor


def driver_jvm(settings: Settings) -> psutil.Process:
    """The process that writes: the driver's JVM."""
    identity = driver.state(settings).identity
    return _one(
        lambda p: p.name() == "java" and p.environ().get(driver.IDENTITY) == identity and "SparkSubmit" in args(p)
    )


def executor(settings: Settings) -> psutil.Process:
    application = driver.state(settings).application_id or "none"
    return _one(lambda p: "CoarseGrainedExecutorBackend" in args(p) and application in args(p))


def kill_driver(platform: Platform) -> None:
    driver_jvm(platform.settings).kill()


def kill_executor(platform: Platform) -> None:
    executor(platform.settings).kill()


def kill_service(name: str) -> Callable[[Platform], None]:
    def strike(platform: Platform) -> None:
        psutil.Process(Supervisor(platform.settings).processes()[name]["pid"]).kill()

    return strike


def restart_service(name: str, seconds: float = 0) -> Callable[[Platform], None]:
    """A clean stop and, some seconds later, a start."""

    def strike(platform: Platform) -> None:
        supervisor = Supervisor(platform.settings)
        supervisor.stop_program(name)
        time.sleep(seconds)
        supervisor.start_program(name)

    return strike


def freeze_driver(platform: Platform, seconds: float = 40) -> None:
    """Stops the driver's processes beyond the heartbeat's timeout, tries to start another meanwhile, lets it go on."""
    settings = platform.settings
    jvm = driver_jvm(settings)
    frozen = [jvm, *jvm.children(recursive=True)]
    identity = driver.state(settings).identity
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    try:
        assert driver.wait_for(lambda: driver.state(settings).phase == "stalled", 30), "a stall is noticed in 30 s"
        assert driver.start(settings).identity == identity, "a start finds the frozen driver, and starts no other"
        assert submit_by_hand(settings).returncode == 1, "one that is submitted by hand is refused"
        time.sleep(seconds)
    finally:
        for process in frozen:
            process.send_signal(signal.SIGCONT)


def submit_by_hand(settings: Settings) -> subprocess.CompletedProcess[str]:
    """Submits the job past everything that looks for a running driver."""
    return subprocess.run(
        submit_command(settings),
        env={**os.environ, **environment(settings)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def messages_that_went_down(platform: Platform) -> list[str]:
    """Every message on the aggregated topics whose total is less than an earlier one of its key."""
    down = []
    for topic, form in topics.AGGREGATES.items():
        decode, before = Decoder(form), dict[bytes, int]()
        for record in read(platform.kafka, topic):
            key, value = record.key() or b"", record.value()
            if value is None:
                before.pop(key, None)
                continue
            total = decode(value).votes
            if total < before.get(key, 0):
                down.append(f"{topic} {key.decode()} at offset {record.offset()}: {before[key]} then {total}")
            before[key] = total
    return down


def args(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def _one(matches: Callable[[psutil.Process], bool]) -> psutil.Process:
    found = []
    for process in psutil.process_iter():
        try:
            if matches(process):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    assert len(found) == 1, f"{len(found)} such processes"
    return found[0]
