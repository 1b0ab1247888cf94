"""The driver as a process that outlives its parent."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from election.count.folder import Folder

IDENTITY = "ELECTION_TALLY_IDENTITY"
"""Environment variable by which a started driver knows its name."""


def launch(folder: Folder, command: Sequence[str], env: Mapping[str, str], identity: str) -> subprocess.Popen[bytes]:
    """A process of its own session, which finds its name in its environment and prints into the folder's log."""
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


def empty(scratch: Path) -> None:
    """Throws away what a driver or executor that was killed left behind.

    Deleting takes its time, so the folder is moved aside first: a driver that takes the lock meanwhile (its starter
    was killed) has a folder of its own. Those that are still dying may add to the old one: the next start removes it.
    """
    if scratch.exists():
        scratch.rename(scratch.with_name(f"scratch.{uuid4().hex}"))
    (scratch / "tmp").mkdir(parents=True, exist_ok=True)
    for old in scratch.parent.glob("scratch.*"):
        shutil.rmtree(old, ignore_errors=True)
