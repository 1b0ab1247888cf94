"""Debian's Prometheus for tests: promtool and the server, unpacked and not installed, because installing starts it.

``python -m tests.promtool`` does so before the tests: root's sessions go on as a user who may not update apt's lists.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

_KEPT = Path(sys.prefix, "debian", "prometheus")


@cache
def program(name: str) -> str:
    """The path of ``promtool`` or ``prometheus``. Raises RuntimeError, which says how to get it."""
    if found := shutil.which(name):
        return found
    file = _KEPT / "usr" / "bin" / name
    if not file.exists():
        _unpack()
    return str(file)


def _unpack() -> None:
    how = "Install Prometheus so that promtool is on the PATH (https://prometheus.io/download)."
    if shutil.which("apt-get") is None:
        raise RuntimeError(how)
    with tempfile.TemporaryDirectory() as folder:
        commands = [["apt-get", "-q", "update"]] if os.geteuid() == 0 else []
        for command in [*commands, ["apt-get", "-q", "download", "prometheus"]]:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{how} (apt-get {command[2]} failed: {done.stderr.strip()[-300:]})")
        (package,) = Path(folder).glob("*.deb")
        _KEPT.mkdir(parents=True, exist_ok=True, mode=0o755)
        subprocess.run(["dpkg-deb", "--extract", package, _KEPT], check=True)


if __name__ == "__main__":
    try:
        program("promtool")
    except (RuntimeError, OSError) as error:
        sys.stderr.write(f"{error}\n")  # the tests that need it skip with the same message
