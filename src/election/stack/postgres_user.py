"""As whom Postgres runs: it refuses root.

Started by root it runs as the system user ``election-postgres``, which owns ``var/postgres`` and nothing else. A
project in a private folder (mode 0700) is closed to that user. There Postgres runs in a user namespace instead: for
itself it is that user, for the machine it is root without any of root's privileges, so that the folder's owner may
pass. (Giving the system user the capability to pass is not enough: Postgres asks access(2), which ignores it.)
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from election.errors import StackError

USER = "election-postgres"


@dataclass(frozen=True)
class PostgresUser:
    """``prefix`` is put before a command to run it as this user, ``uid`` and ``gid`` own the files on disk."""

    prefix: tuple[str, ...]
    uid: int
    gid: int

    def own(self, *paths: Path) -> None:
        """Gives files, and folders with all that is in them, to this user."""
        for path in paths:
            if path.exists() and path.stat().st_uid != self.uid:
                for folder, _, files in os.walk(path):
                    for name in (".", *files):
                        os.chown(Path(folder, name), self.uid, self.gid, follow_symlinks=False)
                os.chown(path, self.uid, self.gid)


@cache
def postgres_user(var: Path, program: Path) -> PostgresUser:
    """The first that reaches both the folder for state and Postgres' programs. Raises StackError when none does."""
    if os.geteuid() != 0:
        return PostgresUser((), os.geteuid(), os.getegid())
    user = _system_user()
    other = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    inside = ("unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")
    for candidate in (PostgresUser(other, user.pw_uid, user.pw_gid), PostgresUser(inside, 0, 0)):
        probe: list[str | Path] = [*candidate.prefix, "sh", "-c", 'cd "$1" && "$2" --version', "sh", var, program]
        if subprocess.run(probe, capture_output=True, check=False, cwd="/").returncode == 0:
            return candidate
    raise StackError(
        f"The user {USER} reaches not both {var} and {program}, and there are no user namespaces here. "
        "Put the project in a folder that other users may pass (chmod o+x on it and those above it)."
    )


def _system_user() -> pwd.struct_passwd:
    """Made when it is missing."""
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if useradd is None:
            raise StackError(
                f"Postgres refuses to run as root: make a user {USER}, or start as another user."
            ) from None
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    answer = subprocess.run(
        [*command, "--shell", "/usr/sbin/nologin", USER], capture_output=True, text=True, check=False
    )
    if answer.returncode not in (0, 9):  # 9: somebody else has just made it
        raise StackError(f"The user {USER}, as whom Postgres runs, could not be made: {answer.stderr.strip()}")
    return pwd.getpwnam(USER)
