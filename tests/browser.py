"""Debian's chromium for tests: found, or installed where that is allowed, else a message that says how to get it."""

import os
import shutil
import subprocess
from functools import cache

HOW = "Install a browser for the tests: `sudo apt-get install chromium`."
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""What it needs as root and without a screen, and what keeps it from calling home."""


@cache
def chromium() -> str:
    """The program's path. Raises RuntimeError with the command to type when there is none and none can be had."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeError(HOW)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update",), ("install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core")):
        done = subprocess.run(["apt-get", "-q", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{HOW} (apt-get {command[0]} failed: {done.stderr.strip()[-300:]})")
    if found := shutil.which("chromium"):
        return found
    raise RuntimeError(HOW)
