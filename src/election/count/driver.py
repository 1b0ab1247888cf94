"""Starts, finds and stops the count's driver. There is never more than one, whoever starts it."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from election.count.folder import Folder, is_locked, read_json, tally_folder, write_whole
from election.count.submission import environment, submit_command
from election.errors import StageFailed
from election.settings import Settings

IDENTITY = "ELECTION_TALLY_IDENTITY"
"""Environment variable by which a started driver knows its name."""

SILENT_AFTER = 15.0  # seconds without a heartbeat
STARTED_WITHIN = 60.0  # seconds from the lock to the running query
STALLED_AFTER = 25.0  # seconds without a finished batch while votes wait
EARLY = 60.0  # seconds; a driver that fails sooner will probably fail again
MAX_PATIENCE = 60.0  # seconds
_POLL = 0.1

_HANGS = (
    "If it hangs (`election tally status`), kill the process that holds the file `lock` beside its checkpoint: "
    "nothing is lost, the next start resumes."
)

Phase = Literal["stopped", "starting", "counting", "stalled", "failed"]


@dataclass(frozen=True)
class DriverState:
    """The driver as its folder shows it. ``at`` is the last heartbeat, in seconds since 1970."""

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
        """A driver holds the lock."""
        return self.phase in ("starting", "counting", "stalled")


def start(
    settings: Settings,
    command: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    *,
    seconds: float = 120,
) -> DriverState:
    """Starts a driver that outlives the caller, or finds the one that runs, and returns when it holds the lock.

    ``command`` defaults to the same command line that Airflow uses. Raises StageFailed with the driver's own last
    error when it ends before, or does not get that far in time.
    """
    folder = tally_folder(settings)
    with folder.starting.open("a+") as starters:
        fcntl.flock(starters, fcntl.LOCK_EX)  # starters queue up, so that all but the first find its driver
        # One that was asked to stop is on its way out: the caller wants one that stays.
        if folder.stop.exists() and not wait_for(lambda: not is_locked(folder.lock), seconds):
            raise StageFailed(f"The count's driver was asked to stop and has not ended in {seconds:.0f} s. {_HANGS}")
        if is_locked(folder.lock):
            return state(settings)
        identity = uuid4().hex
        failures = _early_failures(settings)
        folder.stop.unlink(missing_ok=True)
        starters.truncate(0)
        starters.write(json.dumps({"identity": identity, "at": time.time(), "failures": failures}))
        starters.flush()
        env = environment(settings) | dict(env or {})
        # Of a driver or executor that was killed; those that are still dying may add to it meanwhile.
        shutil.rmtree(folder.scratch, ignore_errors=True)
        (folder.scratch / "tmp").mkdir(parents=True, exist_ok=True)
        process = _launch(folder, command or submit_command(settings), env, identity)
        deadline = time.monotonic() + seconds
        while read_json(folder.heartbeat).get("identity") != identity:
            if process.poll() is not None:
                if is_locked(folder.lock):  # someone else's driver was quicker
                    return state(settings)
                raise StageFailed(f"The count's driver did not start: {_ended(folder).error}")
            if time.monotonic() > deadline:
                raise StageFailed(f"The count's driver holds no lock after {seconds:.0f} s; see {folder.log}.")
            time.sleep(_POLL)
        return state(settings)


def state(settings: Settings) -> DriverState:
    """What is known of the driver. Cheap: reads three small files."""
    folder = tally_folder(settings)
    if is_locked(folder.lock):
        last = read_json(folder.heartbeat)
        return _known(last, _phase(last))
    if _is_starting(folder):
        return _known({}, "starting")
    return _ended(folder)


def stop(settings: Settings, *, seconds: float = 120) -> bool:
    """Asks the driver to finish its batch and end, and waits for it. False when none ran.

    Raises StageFailed when it does not end in time; it goes on ending.
    """
    folder = tally_folder(settings)
    if not state(settings).alive:
        return False
    write_whole(folder.stop, "")
    if not wait_for(lambda: not state(settings).alive, seconds):
        raise StageFailed(
            f"The count's driver has not stopped after {seconds:.0f} s. It stops after its batch. {_HANGS}"
        )
    return True


def request_stop(settings: Settings) -> None:
    """Asks the driver to finish its batch and end, without waiting."""
    write_whole(tally_folder(settings).stop, "")


def patience(settings: Settings) -> float:
    """Seconds to wait before the next start: none after a driver that worked, more with each that failed early."""
    failures = _early_failures(settings)
    return 0.0 if failures == 0 else min(MAX_PATIENCE, 2.0 ** (failures + 1))


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true within the time; looks ten times a second."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def _launch(folder: Folder, command: Sequence[str], env: Mapping[str, str], identity: str) -> subprocess.Popen[bytes]:
    if folder.log.exists():
        folder.log.replace(folder.log.with_suffix(".log.1"))
    # The driver outlives Airflow's task and gets none of its secrets.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    with folder.log.open("ab") as log:
        return subprocess.Popen(
            command,
            env=inherited | dict(env) | {IDENTITY: identity},
            cwd=folder.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _early_failures(settings: Settings) -> int:
    """How many drivers in a row have failed soon after their start."""
    folder = tally_folder(settings)
    started, last = read_json(folder.starting), read_json(folder.heartbeat)
    if not started or is_locked(folder.lock) or _ended(folder).phase != "failed":
        return 0
    mine = last.get("identity") == started["identity"]
    lived = float(last.get("at", 0)) - float(started["at"]) if mine else 0.0
    return int(started.get("failures", 0)) + 1 if lived < EARLY else 0


def _is_starting(folder: Folder) -> bool:
    """Whether someone holds the starters' lock."""
    if not folder.starting.exists():
        return False
    with folder.starting.open("r") as starters:
        try:
            fcntl.flock(starters, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _phase(heartbeat: Mapping[str, object]) -> Phase:
    now = time.time()
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
    """How the driver that was started last ended, when none runs."""
    last, started, said = read_json(folder.heartbeat), read_json(folder.starting), read_json(folder.ended)
    if not started:
        return DriverState("stopped")
    if said.get("identity") != started["identity"]:
        return _known(
            last,
            "failed",
            f"It was killed or could not say why it ended. The end of its log:\n{_tail(folder)}",
        )
    if said["clean"]:
        return _known(last, "stopped")
    return _known(last, "failed", said["error"], said["refused"])


def _known(heartbeat: Mapping[str, Any], phase: Phase, error: str | None = None, refused: bool = False) -> DriverState:
    fields = ("identity", "application_id", "ui_url", "generation", "batch", "lag", "at")
    return DriverState(phase, **{name: heartbeat.get(name) for name in fields}, error=error, refused=refused)


def _tail(folder: Folder, lines: int = 30) -> str:
    if not folder.log.exists():
        return "(no log)"
    with folder.log.open("rb") as log:
        log.seek(max(0, folder.log.stat().st_size - 20_000))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
