"""The tally's folder, ``var/tally``: checkpoints, and the files by which other processes identify the driver.

Every process that shares the folder (in another container, or after a reboot) uses these files, never a process number:
a lock that the driver's death releases, a heartbeat, a stop marker, and a file that says how the driver ended.
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

# Linux's struct flock on 64 bits: type, whence, start, length, process.
_FLOCK = "hhqqi4x"


@dataclass(frozen=True)
class Folder:
    """Paths below ``root``; files are JSON, written whole or not at all."""

    root: Path

    @property
    def lock(self) -> Path:
        """The driver's JVM, the only process that writes, holds a POSIX record lock on it for as long as it lives."""
        return self.root / "lock"

    @property
    def starting(self) -> Path:
        """Locked by the process that starts a driver; names the last started driver."""
        return self.root / "starting.json"

    @property
    def heartbeat(self) -> Path:
        """Written by the driver about once a second."""
        return self.root / "heartbeat.json"

    @property
    def stop(self) -> Path:
        """Exists when the driver must stop."""
        return self.root / "stop"

    @property
    def ended(self) -> Path:
        """Says how the last driver ended; a killed driver cannot write it."""
        return self.root / "ended.json"

    @property
    def rebuilding(self) -> Path:
        """Locked during a rebuild."""
        return self.root / "rebuilding"

    @property
    def log(self) -> Path:
        """The output of the driver's processes."""
        return self.root / "driver.log"

    @property
    def batches(self) -> Path:
        """One JSON object per batch."""
        return self.root / "batches.log"

    @property
    def scratch(self) -> Path:
        """Temporary files of Spark's processes, which stay when the processes are killed."""
        return self.root / "scratch"

    @property
    def generation(self) -> int:
        """The number of the current generation; a rebuild raises it."""
        file = self.root / "generation"
        return int(file.read_text()) if file.exists() else 1

    def set_generation(self, number: int) -> None:
        write_whole(self.root / "generation", str(number))

    def checkpoint(self, generation: int) -> Path:
        return self.root / f"generation-{generation}"

    def issued(self, generation: int) -> Path:
        """Written by the rebuild that started the generation: the messages and elections that the generation skips."""
        return self.checkpoint(generation) / "issued.json"


def tally_folder(settings: Settings) -> Folder:
    """The folder under ``settings.var``; created if it does not exist."""
    folder = Folder(settings.var / "tally")
    folder.root.mkdir(parents=True, exist_ok=True)
    return folder


def is_locked(file: Path) -> bool:
    """Whether another process holds the file's lock. It only queries, so a driver can take the lock meanwhile."""
    if not file.exists():
        return False
    with file.open("rb+") as handle:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    return bool(answer[0] != fcntl.F_UNLCK)


def read_json(file: Path) -> dict[str, Any]:
    """The file's JSON object; empty if there is no file or no JSON object in it."""
    try:
        found = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(file: Path, content: dict[str, Any]) -> None:
    write_whole(file, json.dumps(content, ensure_ascii=False))


def write_whole(file: Path, text: str) -> None:
    """Replaces the file atomically: even after a power failure, a reader sees the old text or the new, never a part."""
    new = file.with_name(f".{file.name}.{gethostname()}.{os.getpid()}")  # the number repeats between containers
    with new.open("w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(file)
