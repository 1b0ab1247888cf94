"""The user that the platform runs as: ``election`` when root starts it, otherwise the user who does.

Root's commands give up root before they do anything else (``unprivileged``). Supervisor, every service, the streaming
driver and every file under ``var/`` therefore belong to that one user: docs/decisions/0003-one-unprivileged-user.md.
"""

import ctypes
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from election.errors import StackError
from election.settings import Settings
from election.stack.passage import closed, open_passage

USER = "election"

STATE = ("stack.json", "up.lock", "secrets")
"""What marks a folder as the state of a platform."""

FOLDERS = {"postgres", "kafka", "tally"}
"""What an operator may put there beforehand: disks of their own for what grows."""

_NOT_OURS = ("TMPDIR", "TMP", "TEMP", "MAIL", "XDG_")
"""Beginnings of variables that name folders of root's own."""

_DUMPABLE, _NO_NEW_PRIVILEGES = 4, 38  # of prctl(2)


@dataclass(frozen=True)
class Account:
    """A system account by its name and numbers."""

    name: str
    uid: int
    gid: int


def unprivileged(settings: Settings, command: str | None = None) -> None:
    """Makes this process private and, if root runs it on the native stack, gives up root for good.

    New files are readable by their owner alone. Root goes on as ``election``, or as the ordinary user who owns the
    state. ``up`` and ``down`` also take over the state that an older version left to root. Raises StackError if the
    state is another user's, or if the user cannot reach the programs.
    """
    os.umask(0o077)
    if settings.runtime != "native":
        return
    if os.geteuid() == 0:
        become(_prepared(settings, command), settings)
    elif settings.var.exists() and settings.var.stat().st_uid != os.geteuid():
        raise StackError(
            f"{settings.var} belongs to {_name(settings.var)}. Run the command as that user or as root, "
            "or choose another folder with ELECTION_VAR."
        )


def become(account: Account, settings: Settings) -> None:
    """Turns this process of root's into one of the account. HOME becomes a folder under ``var/``."""
    needed = [*_programs(settings), settings.var]
    if closed(needed, account.uid, account.gid):
        open_passage(needed, account.uid, account.gid)
    if unreachable := closed(needed, account.uid, account.gid):
        raise StackError(
            f"The user {account.name}, as whom the platform runs, cannot read {unreachable[0]}. "
            f"Type: chmod -R go+rX {settings.root}"
        )
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    kernel = ctypes.CDLL(None)
    kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    kernel.prctl(_DUMPABLE, 1, 0, 0, 0)  # otherwise its entries in /proc stay root's
    _environment(account, settings)


def system_account() -> Account:
    """The account ``election``, created if it is missing. Only root may create it."""
    try:
        return _account(pwd.getpwnam(USER))
    except KeyError:
        useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if useradd is None:
            raise StackError(
                f"The platform does not run as root. Create a user {USER}, or start it as another user."
            ) from None
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    answer = subprocess.run(
        [*command, "--shell", "/usr/sbin/nologin", USER], capture_output=True, text=True, check=False
    )
    if answer.returncode not in (0, 9):  # 9: another command has just created it
        raise StackError(f"The user {USER} could not be created: {answer.stderr.strip()}")
    return _account(pwd.getpwnam(USER))


def hand_over(folder: Path, account: Account) -> None:
    """Gives a folder, with all that is in it, to the account; creates it if it is missing."""
    if not folder.exists():
        umask = os.umask(0o022)
        folder.mkdir(mode=0o711, parents=True)
        os.umask(umask)
    if folder.stat().st_uid == account.uid:
        return
    # By open folders, so that no link that is put there meanwhile leads elsewhere.
    for _, folders, files, here in os.fwalk(folder):
        for name in (*folders, *files):
            os.chown(name, account.uid, account.gid, dir_fd=here, follow_symlinks=False)
    os.chown(folder, account.uid, account.gid)  # last: until then the work counts as not done


def _prepared(settings: Settings, command: str | None) -> Account:
    """The account to go on as, which owns the state."""
    account, var = system_account(), settings.var
    if var.exists() and (owner := var.stat().st_uid) != account.uid:
        if owner != 0:
            return Account(_name(var), owner, var.stat().st_gid)
        if any((var / name).exists() for name in STATE):
            _take_over(settings, command)
        elif var != settings.root / "var" and {path.name for path in var.iterdir()} - FOLDERS:
            raise StackError(f"{var} holds other files than the platform's. Choose an empty folder as ELECTION_VAR.")
    hand_over(var, account)
    if settings.secrets_folder:
        hand_over(settings.secrets, account)
    return account


def _take_over(settings: Settings, command: str | None) -> None:
    """Stops what an older version runs as root, which no other user may stop."""
    from election.stack.stopping import stop

    if command not in ("up", "down"):
        raise StackError(
            f"{settings.var} belongs to root, and the platform runs as the user {USER} now. "
            "`election down`, then `election up`, hands it over."
        )
    stop(settings)


def _environment(account: Account, settings: Settings) -> None:
    for name in [name for name in os.environ if name.startswith(_NOT_OURS)]:
        del os.environ[name]
    home = settings.var / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    os.environ.update(HOME=str(home), USER=account.name, LOGNAME=account.name)
    try:
        os.chdir(os.getcwd())
    except OSError:  # it is root's
        os.chdir(settings.root)


def _programs(settings: Settings) -> Iterable[Path]:
    """The checkout, Python with its packages, and Java."""
    yield settings.root
    yield Path(__file__)
    yield Path(sys.prefix)
    yield Path(sys.prefix, "bin", "python")
    yield Path(sys.base_prefix)
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else shutil.which("java")
    if java and Path(java).exists():
        yield Path(java).resolve().parents[1]


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _name(path: Path) -> str:
    """The owner's."""
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
