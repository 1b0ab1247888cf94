"""Debian's packages for tests: installed where that is allowed, else a message that says what to install."""

import os
import shutil
import subprocess


def install(*packages: str) -> None:
    """Installs the packages, as root. Raises RuntimeError with the command to type where it cannot."""
    how = f"Install what the tests need: `sudo apt-get install {' '.join(packages)}`."
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeError(how)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
        done = subprocess.run(["apt-get", "-q", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{how} (apt-get {command[0]} failed: {done.stderr.strip()[-300:]})")
