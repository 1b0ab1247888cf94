"""Orphans: processes of the stack unknown to supervisor, because the process that started them died."""

import os
from contextlib import suppress

import psutil

from election.count.launching import IDENTITY
from election.settings import Settings
from election.stack.service import MARK
from election.stack.supervision import Supervisor, identity

PATIENCE = 20
"""Seconds for a process to end after SIGTERM."""


def orphans(settings: Settings) -> list[psutil.Process]:
    """Processes of this platform that outlived their parent. Identified by the mark in their environment: the stack's,
    or that of a streaming driver started by hand. Airflow's overwrite their environment with their title, so their
    session identifies them."""
    mark, session, found = identity(settings), Supervisor(settings).session(), []
    for process in psutil.process_iter():
        try:
            environ = process.environ()
            by_hand = IDENTITY in environ and environ.get("ELECTION_VAR") == str(settings.var)
            airflow = os.getsid(process.pid) == session and "airflow" in " ".join(process.cmdline())
            if by_hand or airflow or environ.get(MARK) == mark:
                found.append(process)
        except (psutil.Error, OSError):  # it has just ended, or belongs to another user
            continue
    return found


def end(processes: list[psutil.Process]) -> None:
    """Sends SIGTERM, and SIGKILL after PATIENCE."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, PATIENCE)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, PATIENCE)
