"""Only the platform's user reads its state: votes, voters, rejected bytes, reports, logs, checkpoints, secrets.

The folder ``var/`` can be passed but not listed (0711); each folder and file in it is closed to others.
"""

import os
from pathlib import Path

import psutil

PASSABLE = 0o711
OTHERS = 0o077


def make_private(var: Path) -> None:
    """Creates the folder, and closes files that an older version left readable. New files: ``account.unprivileged``.

    Another user's files stay as they are: only their owner may close them, and ``foreign`` names them.
    """
    os.umask(OTHERS)
    var.mkdir(parents=True, exist_ok=True)
    if var.stat().st_uid == os.geteuid():
        var.chmod(PASSABLE)
    for path in var.iterdir():
        if not path.is_symlink() and path.stat().st_uid == os.geteuid() and path.stat().st_mode & OTHERS:
            path.chmod(path.stat().st_mode & ~OTHERS & 0o777)


def exposed(var: Path) -> list[Path]:
    """The folder and its entries that others may read or enter."""
    paths = [path for path in sorted(var.iterdir()) if not path.is_symlink() and path.stat().st_mode & OTHERS]
    return [var, *paths] if var.stat().st_mode & OTHERS & ~PASSABLE else paths


def foreign(var: Path) -> list[Path]:
    """The folder and its entries that do not belong to this process's user."""
    return [path for path in (var, *sorted(var.iterdir())) if path.lstat().st_uid != os.geteuid()]


def of_root(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that run with root's rights."""
    return [process for process in processes if process.is_running() and 0 in process.uids()]
