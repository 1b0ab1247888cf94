"""Starts, finds and stops the tally's driver. There is never more than one."""

import fcntl
import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from election.clients.kubernetes import remove_ended_drivers
from election.count.folder import Folder, is_locked, read_json, tally_folder, write_whole
from election.count.launching import empty, launch
from election.count.submission import NAME, environment, in_cluster, submit_command
from election.errors import StageFailed
from election.settings import Settings

SILENT_AFTER = 15.0  # seconds without a heartbeat
STARTED_WITHIN = 60.0  # seconds from the lock to the running query
PLACED_WITHIN = 300.0  # seconds that a cluster may take for the driver's start, such as to get its image
STALLED_AFTER = 25.0  # seconds without a finished batch while votes wait
EARLY = 60.0  # seconds; a driver that fails sooner without finishing a batch will probably fail again
MAX_PATIENCE = 60.0  # seconds
_POLL = 0.1

HANGS = (
    "If it hangs (`election tally status`), kill the process that holds the file `lock` beside its checkpoint: "
    "nothing is lost, the next start resumes."
)
"""The remedy for a driver that is stalled or does not end."""

Phase = Literal["stopped", "starting", "counting", "stalled", "failed"]


@dataclass(frozen=True)
class DriverState:
    """The driver's state, from the files in its folder. ``at`` is the last heartbeat, in seconds since 1970."""

    phase: Phase
    identity: str | None = None
    application_id: str | None = None
    ui_url: str | None = None
    generation: int | None = None
    batch: int | None = None
    lag: int | None = None
    at: float | None = None
    error: str | None = None
    refused: bool = False

    @property
    def alive(self) -> bool:
        """Whether a driver holds the lock or starts."""
        return self.phase in ("starting", "counting", "stalled")


def start(
    settings: Settings,
    command: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    *,
    seconds: float = 120,
    unless: Callable[[], bool] = lambda: False,
) -> DriverState:
    """Starts a driver that outlives the caller, or finds the running one, and returns when it holds the lock.

    ``command`` defaults to the command line that Airflow uses. One that submits to a cluster ends at once; the driver
    is known by its folder all the same. ``unless`` is called when no other start is under way, and prevents the start
    if it returns True. A stop that comes after the call finds this start and stops its driver.

    Raises StageFailed with the driver's last error when the driver ends before it holds the lock, or is too slow.
    """
    folder = tally_folder(settings)
    with folder.starting.open("a+") as starters:
        fcntl.flock(starters, fcntl.LOCK_EX)  # starters queue here, so that all but the first find a running driver
        # A driver that was asked to stop is about to end, and the caller wants one that stays.
        if folder.stop.exists() and not wait_for(lambda: not is_locked(folder.lock), seconds):
            raise StageFailed(f"The count's driver was asked to stop and has not ended in {seconds:.0f} s. {HANGS}")
        if is_locked(folder.lock):
            return state(settings)
        if unless():
            return _ended(folder)
        identity = uuid4().hex
        failures = _early_failures(settings)
        folder.stop.unlink(missing_ok=True)
        starters.truncate(0)
        starters.write(json.dumps({"identity": identity, "at": time.time(), "failures": failures}))
        starters.flush()
        if settings.runtime == "kubernetes":
            remove_ended_drivers(NAME)
        empty(folder.scratch)
        command = command or submit_command(settings)
        process = launch(folder, command, environment(settings) | dict(env or {}), identity)
        _await_driver(folder, identity, process, seconds, in_cluster(command))
        return state(settings)


def _await_driver(
    folder: Folder, identity: str, process: subprocess.Popen[bytes], seconds: float, submits: bool
) -> None:
    """Returns when the started driver, or one of another starter that was quicker, holds the lock.

    A command that ``submits`` to a cluster ends well at once; then only the folder says what became of the driver.
    """
    seconds = max(seconds, PLACED_WITHIN) if submits else seconds
    began, deadline = time.time(), time.monotonic() + seconds
    while (last := read_json(folder.heartbeat)).get("identity") != identity:
        submitted = submits and process.poll() == 0
        if (float(last.get("at", 0)) > began) if submitted else (process.poll() is not None):
            if is_locked(folder.lock):
                return
            raise StageFailed(f"The count's driver did not start: {_ended(folder).error}")
        if time.monotonic() > deadline:
            pod = " `kubectl get pods` shows what its pod waits for." if submits else ""
            raise StageFailed(f"The count's driver holds no lock after {seconds:.0f} s; see {folder.log}.{pod}")
        time.sleep(_POLL)


def state(settings: Settings) -> DriverState:
    """The driver's current state. Cheap: reads three small files."""
    folder = tally_folder(settings)
    if is_locked(folder.lock):
        last = read_json(folder.heartbeat)
        return _known(last, _phase(last, time.time()))
    if _is_starting(folder):
        return _known({}, "starting")
    return _ended(folder)


def stop(settings: Settings, *, seconds: float = 120) -> bool:
    """Asks the driver to finish its batch and end, and waits for that. False when no driver ran.

    It also stops a driver that waits to replace the running one.

    Raises StageFailed when the driver does not end in time; the request stays in force.
    """
    folder = tally_folder(settings)
    if not state(settings).alive:
        return False

    def ended() -> bool:
        alive = state(settings).alive
        if alive and not folder.stop.exists():  # a starter that waited for the driver's end removes the marker
            request_stop(settings)
        return not alive

    if not wait_for(ended, seconds):
        raise StageFailed(
            f"The count's driver has not stopped after {seconds:.0f} s. It stops after its batch. {HANGS}"
        )
    return True


def request_stop(settings: Settings) -> None:
    """Asks the driver to finish its batch and end, without waiting."""
    write_whole(tally_folder(settings).stop, "")


def patience(settings: Settings) -> float:
    """Seconds to wait before the next start: 0 after a driver that worked, more with each early failure in a row."""
    failures = _early_failures(settings)
    return 0.0 if failures == 0 else min(MAX_PATIENCE, 2.0 ** min(failures + 1, 10))  # the inner min avoids overflow


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition became true within the time. It is evaluated ten times a second."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def _early_failures(settings: Settings) -> int:
    """The number of drivers in a row that failed soon after their start without finishing a batch."""
    folder = tally_folder(settings)
    started, last = read_json(folder.starting), read_json(folder.heartbeat)
    if not started or is_locked(folder.lock) or _ended(folder).phase != "failed":
        return 0
    # Negative if the last heartbeat is the previous driver's: this driver died before its first one.
    lived = float(last.get("at", 0)) - float(started["at"])
    worked = lived >= EARLY or (lived > 0 and last.get("progressed"))
    return 0 if worked else int(started.get("failures", 0)) + 1


def _is_starting(folder: Folder) -> bool:
    """Whether a process holds the starters' lock."""
    if not folder.starting.exists():
        return False
    with folder.starting.open("r") as starters:
        try:
            fcntl.flock(starters, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, so that other processes may check, too
        except BlockingIOError:
            return True
    return False


def _phase(heartbeat: Mapping[str, object], now: float) -> Phase:
    """The phase of a driver that holds the lock."""
    silent = now - float(str(heartbeat.get("at", 0)))
    if silent > (SILENT_AFTER if heartbeat.get("counting") else STARTED_WITHIN):
        return "stalled"
    if not heartbeat.get("counting"):
        return "starting"
    waiting = heartbeat.get("waiting_since")
    if waiting is not None and now - float(str(waiting)) > STALLED_AFTER:
        return "stalled"
    return "counting"


def _ended(folder: Folder) -> DriverState:
    """How the last driver ended, when none runs."""
    last, started, said = read_json(folder.heartbeat), read_json(folder.starting), read_json(folder.ended)
    if not started:
        return DriverState("stopped")
    if said.get("identity") != _last_identity(started, last):
        return _known(
            last,
            "failed",
            f"It was killed or could not say why it ended. The end of its log:\n{_tail(folder)}",
        )
    if said["clean"]:
        return _known(last, "stopped")
    return _known(last, "failed", said["error"], said["refused"])


def _last_identity(started: Mapping[str, Any], heartbeat: Mapping[str, Any]) -> str:
    """The identity of the driver that ran last.

    It is the last started driver, or an earlier one that took the lock first. That happens when a starter is killed
    before its driver has the lock, so that the next starter sees no driver.
    """
    quicker = float(heartbeat.get("at", 0)) > float(started["at"])
    return str(heartbeat["identity"] if quicker else started["identity"])


def _known(heartbeat: Mapping[str, Any], phase: Phase, error: str | None = None, refused: bool = False) -> DriverState:
    fields = ("identity", "application_id", "ui_url", "generation", "batch", "lag", "at")
    return DriverState(phase, **{name: heartbeat.get(name) for name in fields}, error=error, refused=refused)


def _tail(folder: Folder, lines: int = 30) -> str:
    if not folder.log.exists():
        return "(no log)"
    with folder.log.open("rb") as log:
        log.seek(max(0, folder.log.stat().st_size - 20_000))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
