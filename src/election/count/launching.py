"""Launches the driver as a process that outlives its parent."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from election.count.folder import Folder

IDENTITY = "ELECTION_TALLY_IDENTITY"
"""The environment variable that gives a started driver its identity."""

IDENTITY_HERE = "@identity@"
"""Stands for the identity in a command line, for drivers that get another environment than the command has."""


def launch(folder: Folder, command: Sequence[str], env: Mapping[str, str], identity: str) -> subprocess.Popen[bytes]:
    """Starts the process in its own session; its environment has its identity, and the folder's log gets its output.

    In a cluster the process only submits the driver.
    """
    if folder.log.exists():
        folder.log.replace(folder.log.with_suffix(".log.1"))
    # The driver outlives Airflow's task and must not get Airflow's secrets.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    with folder.log.open("ab") as log:
        return subprocess.Popen(
            [part.replace(IDENTITY_HERE, identity) for part in command],
            env=inherited | dict(env) | {IDENTITY: identity},
            cwd=folder.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def empty(scratch: Path) -> None:
    """Deletes the temporary files that a killed driver or executor left.

    Deleting takes a while, so the folder is renamed first. A driver that takes the lock meanwhile (because its starter
    was killed) then has its own folder. Dying processes may add files to the old one; the next start removes them.
    """
    if scratch.exists():
        scratch.rename(scratch.with_name(f"scratch.{uuid4().hex}"))
    (scratch / "tmp").mkdir(parents=True, exist_ok=True)
    for old in scratch.parent.glob("scratch.*"):
        shutil.rmtree(old, ignore_errors=True)
