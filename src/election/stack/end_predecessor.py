"""Runs a program after ending what its predecessor left: ``python -m election.stack.end_predecessor FILE COMMAND…``

supervisor restarts a program whose main process was killed, but that process's children live on. Airflow's executor
workers would wait on their queue for ever, and a task would run beside its own retry. A hanging Spark executor would
keep its memory and cores beside its replacement. ``FILE`` keeps the program's process group, by which the next start
finds them. A child with its own session, such as the streaming driver, outlives its parent and is left alone.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil


def main() -> None:
    record, *command = sys.argv[1:]
    file = Path(record)
    if file.exists():
        for process in left_by(int(file.read_text())):
            with suppress(psutil.NoSuchProcess):
                process.kill()
    file.write_text(str(os.getpgid(0)))
    os.execvp(command[0], command)


def left_by(group: int) -> list[psutil.Process]:
    """Living processes of that group in this session, and their descendants in other groups of it."""
    if group == os.getpgid(0):
        return []
    mine = [process for process in psutil.process_iter() if _place(process) == (os.getsid(0), group)]
    below = []
    for process in mine:
        with suppress(psutil.NoSuchProcess):
            below += process.children(recursive=True)
    return [*mine, *(child for child in below if child not in mine and _place(child)[0] == os.getsid(0))]


def _place(process: psutil.Process) -> tuple[int, int]:
    """The session and the group of a process, (-1, -1) if it has just ended."""
    try:
        return os.getsid(process.pid), os.getpgid(process.pid)
    except OSError:
        return -1, -1


if __name__ == "__main__":
    main()
