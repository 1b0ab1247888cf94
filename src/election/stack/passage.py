"""A way for an unprivileged user through private folders, such as a checkout or a Python in root's home (mode 0700).

The modes on disk stay. Instead this process gets a mount namespace of its own, where an empty folder covers each
private one and holds nothing but the files that are needed, at the same paths.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from election.errors import StackError

_NEW_MOUNTS = 0x20000  # CLONE_NEWNS
_BIND, _RECURSIVE, _SLAVE = 4096, 16384, 1 << 19  # MS_BIND, MS_REC, MS_SLAVE

_PROBE = """for path; do
  { [ -r "$path" ] && { [ ! -d "$path" ] || [ -x "$path" ]; }; } || printf '%s\\0' "$path"
done"""
_PASS = """for path; do [ -x "$path" ] || printf '%s\\0' "$path"; done"""


def closed(paths: Iterable[Path], uid: int, gid: int) -> list[Path]:
    """Those that the user cannot read. Asked by a process of that user. Only root may call this for another user."""
    return _refused(_PROBE, paths, uid, gid)


def open_passage(paths: Iterable[Path], uid: int, gid: int) -> None:
    """Lets the user reach the paths, in this process and those that it starts. Raises StackError where root may not."""
    covers = _covers({place for path in paths for place in (path.absolute(), path.resolve())}, uid, gid)
    kernel = ctypes.CDLL(None, use_errno=True)

    def call(function: str, *arguments: object) -> None:
        if getattr(kernel, function)(*arguments):
            reason = os.strerror(ctypes.get_errno())
            raise StackError(
                f"The platform does not run as root, and another user cannot reach {next(iter(covers))}: "
                f"{function} failed ({reason}). Put the project in a folder that other users may pass, such as one "
                "under /opt, with a Python that they may run, or start it as another user than root."
            )

    umask = os.umask(0o022)
    try:
        call("unshare", _NEW_MOUNTS)
        call("mount", None, b"/", None, _RECURSIVE | _SLAVE, None)
        for cover, places in covers.items():
            opened = [(place, os.open(place, os.O_PATH)) for place in places]
            call("mount", b"election", bytes(cover), b"tmpfs", 0, b"mode=755,size=1m")
            for place, handle in opened:
                source = f"/proc/self/fd/{handle}"
                if not place.exists():  # inside one that is there already
                    _place(place, folder=Path(source).is_dir())
                    call("mount", source.encode(), bytes(place), None, _BIND | _RECURSIVE, None)
                os.close(handle)
    finally:
        os.umask(umask)


def _covers(places: set[Path], uid: int, gid: int) -> dict[Path, list[Path]]:
    """The outermost private folders, each with what is needed of it; if it is needed itself, with all that it holds."""
    ways = {place: [*reversed(place.parents), place] for place in sorted(places)}
    shut = set(_refused(_PASS, {folder for way in ways.values() for folder in way if folder.is_dir()}, uid, gid))
    covers: dict[Path, list[Path]] = {}
    for place, way in ways.items():
        first = next((folder for folder in way if folder in shut), None)
        if first is not None:
            covers.setdefault(first, []).extend(sorted(place.iterdir()) if place == first else [place])
    return covers


def _place(place: Path, *, folder: bool) -> None:
    """Something to mount on."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if folder:
        place.mkdir()
    else:
        place.touch()


def _refused(test: str, paths: Iterable[Path], uid: int, gid: int) -> list[Path]:
    command = ["sh", "-c", test, "sh", *map(os.fspath, paths)]
    answer = subprocess.run(
        command, capture_output=True, check=True, cwd="/", user=uid, group=gid, extra_groups=[], text=True
    )
    return [Path(path) for path in answer.stdout.split("\0") if path]
