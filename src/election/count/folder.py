"""The count's folder, ``var/tally``: checkpoints, and the files by which a driver is known from outside it.

Every process that shares the folder (another container, after a reboot) identifies the driver by these files,
never by a process number: a lock that its death releases, a heartbeat, a stop marker, how it ended.
"""

import fcntl
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import Any

from election.settings import Settings

# struct flock of Linux on 64 bits: type, whence, start, length, process.
_FLOCK = "hhqqi4x"


@dataclass(frozen=True)
class Folder:
    """Paths below ``root``; files are JSON, written whole or not at all."""

    root: Path

    @property
    def lock(self) -> Path:
        """Locked (POSIX record lock) by the driver's JVM, the one process that writes, for as long as it lives."""
        return self.root / "lock"

    @property
    def starting(self) -> Path:
        """Locked by the process that starts a driver; names the driver that was started last."""
        return self.root / "starting.json"

    @property
    def heartbeat(self) -> Path:
        """Written by the driver about once a second."""
        return self.root / "heartbeat.json"

    @property
    def stop(self) -> Path:
        """Exists when the driver shall stop."""
        return self.root / "stop"

    @property
    def ended(self) -> Path:
        """How the last driver that could say so ended."""
        return self.root / "ended.json"

    @property
    def rebuilding(self) -> Path:
        """Locked during a rebuild."""
        return self.root / "rebuilding"

    @property
    def log(self) -> Path:
        """What the driver's processes print."""
        return self.root / "driver.log"

    @property
    def batches(self) -> Path:
        """One JSON object a batch."""
        return self.root / "batches.log"

    @property
    def scratch(self) -> Path:
        """What Spark's processes put down while they run, and leave behind when they are killed."""
        return self.root / "scratch"

    @property
    def generation(self) -> int:
        """The number of the count in force; a rebuild adds one."""
        file = self.root / "generation"
        return int(file.read_text()) if file.exists() else 1

    def set_generation(self, number: int) -> None:
        write_whole(self.root / "generation", str(number))

    def checkpoint(self, generation: int) -> Path:
        return self.root / f"generation-{generation}"

    def issued(self, generation: int) -> Path:
        """Made by the rebuild that began the generation: what the generation leaves out, for as long as it lives."""
        return self.checkpoint(generation) / "issued.json"


def tally_folder(settings: Settings) -> Folder:
    """The settings' folder, created when it is new."""
    folder = Folder(settings.var / "tally")
    folder.root.mkdir(parents=True, exist_ok=True)
    return folder


def is_locked(file: Path) -> bool:
    """Whether another process holds the file's lock. Asks only: a driver that is about to lock it is not disturbed."""
    if not file.exists():
        return False
    with file.open("rb+") as handle:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    return bool(answer[0] != fcntl.F_UNLCK)


def read_json(file: Path) -> dict[str, Any]:
    """The file's object; empty when there is none or it is no JSON."""
    try:
        found = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(file: Path, content: dict[str, Any]) -> None:
    write_whole(file, json.dumps(content, ensure_ascii=False))


def write_whole(file: Path, text: str) -> None:
    """Replaces the file at once: a reader sees the old text or the new, never a part, also after a power cut."""
    new = file.with_name(f".{file.name}.{gethostname()}.{os.getpid()}")  # the number repeats between containers
    with new.open("w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(file)
