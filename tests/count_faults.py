"""What can happen to the count while it counts: the faults of the integration tests and of the full drill.

Each fault strikes a running platform, once, and returns when it is done; nothing here puts anything right again.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

from election.clients.spark import master_state
from election.contracts import topics
from election.contracts.messages import Decoder
from election.count import driver
from election.count.checkpoint import newest_batch
from election.count.folder import read_json, tally_folder
from election.count.launching import IDENTITY
from election.count.submission import environment, submit_command
from election.errors import NotReachable
from election.messaging.reading import Offsets, bounds, read
from election.platform import Platform
from election.settings import Settings
from election.stack.supervision import Supervisor


def driver_jvm(settings: Settings) -> psutil.Process:
    """The process that writes: the driver's JVM."""
    identity = driver.state(settings).identity
    return _one(lambda p: p.name() == "java" and p.environ().get(IDENTITY) == identity and "SparkSubmit" in args(p))


def executor(settings: Settings) -> psutil.Process:
    application = driver.state(settings).application_id or "none"
    return _one(lambda p: "CoarseGrainedExecutorBackend" in args(p) and application in args(p))


def kill_driver(platform: Platform) -> None:
    driver_jvm(platform.settings).kill()


def kill_driver_within_batch(platform: Platform) -> None:
    """Kills the driver when Spark has noted what the next batch will read, and not yet that it is done."""
    folder = tally_folder(platform.settings)
    checkpoint = folder.checkpoint(folder.generation)
    jvm = driver_jvm(platform.settings)
    deadline = time.monotonic() + 30
    while newest_batch(checkpoint, "offsets") == newest_batch(checkpoint, "commits"):
        assert time.monotonic() < deadline, "votes come in, and no batch was under way in half a minute"
        time.sleep(0.001)
    jvm.kill()


def kill_executor(platform: Platform) -> None:
    executor(platform.settings).kill()


def kill_worker_of_hung_executor(platform: Platform) -> None:
    """Stops the executor, then kills its worker with what watches over it: only the next worker can end it now."""
    hung = executor(platform.settings)
    hung.suspend()
    os.kill(Supervisor(platform.settings).processes()["spark-worker"]["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 60
    with suppress(psutil.NoSuchProcess):
        while hung.status() != psutil.STATUS_ZOMBIE:
            hung.suspend()  # again and again: the system lets a stopped process go on when its parent is gone
            assert time.monotonic() < deadline, "nothing works on beside its successor"
            time.sleep(0.001)


def kill_service(*names: str) -> Callable[[Platform], None]:
    """Kills the services' own processes, all at once."""

    def strike(platform: Platform) -> None:
        processes = Supervisor(platform.settings).processes()
        for process in [service_process(processes[name]["pid"]) for name in names]:
            process.kill()

    return strike


def service_process(pid: int) -> psutil.Process:
    """The Java process of a service that supervisor runs through something else; the process itself otherwise."""
    children = [child for child in psutil.Process(pid).children() if child.name() == "java"]
    return children[0] if children else psutil.Process(pid)


def restart_service(name: str, seconds: float = 0) -> Callable[[Platform], None]:
    """A clean stop and, some seconds later, a start."""

    def strike(platform: Platform) -> None:
        with away(platform, name):
            time.sleep(seconds)

    return strike


@contextmanager
def away(platform: Platform, name: str) -> Iterator[None]:
    """A service is stopped for as long as this lasts."""
    supervisor = Supervisor(platform.settings)
    supervisor.stop_program(name)
    try:
        yield
    finally:
        supervisor.start_program(name)


def kill_task_runner(platform: Platform, seconds: float) -> None:
    """Kills the driver and, ``seconds`` after it appears, what Airflow runs the task with: that which tells how the
    driver ended, or that which finds the next one. Where both are done by then, all of it once more, and sooner."""

    def killed() -> bool:
        runner = _task_runner(platform.settings)
        if runner is None:
            return False
        try:
            runner.kill()
        except psutil.NoSuchProcess:  # it was done just now
            return False
        return True

    for wait in (seconds, seconds / 2, 0):
        kill_driver(platform)
        assert driver.wait_for(lambda: _task_runner(platform.settings) is not None, 60), "Airflow tries again"
        time.sleep(wait)
        if driver.wait_for(killed, 30):
            return
    raise AssertionError(f"no task's runner was there to be killed after {seconds:.1f} s, nor sooner")


def kill_starting_triggerer(platform: Platform) -> None:
    """Kills the driver, and Airflow's triggerer while it starts the next one."""
    starting = tally_folder(platform.settings).starting
    known = read_json(starting)["identity"]
    kill_driver(platform)
    assert driver.wait_for(lambda: read_json(starting).get("identity") != known, 60), "the trigger starts the next"
    kill_service("airflow-triggerer")(platform)


def _task_runner(settings: Settings) -> psutil.Process | None:
    """The process of the local executor that supervises a task; in the drill there is no task but the count's."""
    scheduler = psutil.Process(Supervisor(settings).processes()["airflow-scheduler"]["pid"])
    for process in scheduler.children(recursive=True):
        with suppress(psutil.Error):
            title = args(process)
            if title.startswith("airflow worker -- LocalExecutor:") and "<idle>" not in title:
                return process
    return None


def remove_newest_files(platform: Platform) -> None:
    """Kills the driver and takes the newest batch away: what the checkpoint says of it, and its changes of state."""
    settings = platform.settings
    folder = tally_folder(settings)
    checkpoint = folder.checkpoint(folder.generation)
    assert driver.wait_for(lambda: newest_batch(checkpoint, "commits") is not None, 120), "there is a batch to take"
    kill_driver(platform)
    for log in ("offsets", "commits"):
        (checkpoint / log / str(newest_batch(checkpoint, log))).unlink()
    for state in (checkpoint / "state").glob("*/*"):
        if changes := sorted(state.glob("*.changelog"), key=lambda file: file.stat().st_mtime):
            changes[-1].unlink()


def freeze_driver(platform: Platform, seconds: float = 40) -> None:
    """Stops the driver's processes beyond the heartbeat's timeout, tries to start another meanwhile, lets it go on."""
    settings = platform.settings
    with frozen_driver(settings) as identity:
        assert driver.wait_for(lambda: driver.state(settings).phase == "stalled", 30), "a stall is noticed in 30 s"
        assert driver.start(settings).identity == identity, "a start finds the frozen driver, and starts no other"
        refused = submit_by_hand(settings)
        assert refused.returncode == 1, "one that is submitted by hand is refused"
        assert "Another driver counts already" in refused.stdout
        time.sleep(seconds)


def freeze_driver_while_master_recovers(platform: Platform) -> None:
    """Stops the driver's processes, kills Spark's master, and lets them go on when the next has given them up."""
    settings = platform.settings

    def given_up() -> bool:
        with suppress(NotReachable):
            master = master_state(settings)
            return bool(master["status"] == "ALIVE" and master["workers"] and not master["activeapps"])
        return False

    with frozen_driver(settings):
        kill_service("spark-master")(platform)
        assert driver.wait_for(given_up, 120), "a master waits some seconds for those that it remembers"


@contextmanager
def frozen_driver(settings: Settings) -> Iterator[str | None]:
    """The driver's processes are stopped for as long as this lasts; gives its identity."""
    jvm = driver_jvm(settings)
    frozen = [jvm, *jvm.children(recursive=True)]
    identity = driver.state(settings).identity
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    try:
        yield identity
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


class Emitted:
    """Follows the aggregated topics from their beginning, so that compaction hides nothing from it."""

    def __init__(self, platform: Platform) -> None:
        self._kafka = platform.kafka
        self._before: dict[tuple[str, bytes], int] = {}
        self._read: dict[str, Offsets] = {}

    def went_down(self) -> list[str]:
        """Every message since the last call whose total is less than an earlier one of its key.

        Reads each topic to where it ends now; raises NotReachable when Kafka does not give all of it.
        """
        down = []
        for topic, form in topics.AGGREGATES.items():
            decode = Decoder(form)
            _, end = bounds(self._kafka, topic)
            for record in read(self._kafka, topic, self._read.get(topic), end):
                key, value = record.key() or b"", record.value()
                if value is None:
                    self._before.pop((topic, key), None)
                    continue
                total, before = decode(value).votes, self._before.get((topic, key), 0)
                if total < before:
                    down.append(f"{topic} {key.decode()} at offset {record.offset()}: {before} then {total}")
                self._before[topic, key] = total
            self._read[topic] = end
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
