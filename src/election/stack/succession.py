"""Runs a program after ending what its predecessor left: ``python -m election.stack.succession NAME COMMAND…``

supervisor restarts a program whose main process was killed, but that process's children live on: Airflow's executor
workers would hold their queue for ever, and a task would run beside its own repetition. A detached child (its own
session), such as the streaming driver, is meant to outlive its parent and is left alone.
"""

import os
import sys

import psutil

from election.stack.service import MARK

PROGRAM = "ELECTION_PROGRAM"
"""A variable that the program's children inherit, with its name."""


def main() -> None:
    name, *command = sys.argv[1:]
    for process in predecessors(name):
        process.kill()
    os.execvpe(command[0], command, os.environ | {PROGRAM: name})


def predecessors(name: str) -> list[psutil.Process]:
    """Living processes of an earlier start of this program, in this supervisor's session but not in this group."""
    found = []
    for process in psutil.process_iter():
        try:
            environ = process.environ()
            if (
                environ.get(PROGRAM) == name
                and environ.get(MARK) == os.environ.get(MARK)
                and os.getsid(process.pid) == os.getsid(0)
                and os.getpgid(process.pid) != os.getpgid(0)
            ):
                found.append(process)
        except (psutil.Error, OSError):  # it has just ended, or belongs to somebody else
            continue
    return found


if __name__ == "__main__":
    main()
