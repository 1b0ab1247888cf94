"""Measures the first minutes of a newcomer: set-up, start and the run of `make demo`, beside those of an older commit.

    python -m bench.minutes 62228a1 [--rounds 2]

Both commits are cloned into a folder of their own and take turns. Each set-up begins without a `.venv`, with empty
caches of uv, pip and Ivy. Stop a stack that is up: both use the usual ports. Prints a table and writes
var/bench/minutes.json.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from election.settings import PROJECT

RUN = ("run", "--follow", "--contests", "W07000041")
STEPS = ("set-up", "start", "run")
ASKED = {"set-up and start": 0.6, "run": 0.7}


def main(older: str, rounds: Annotated[int, typer.Option(min=1)] = 1) -> None:
    with tempfile.TemporaryDirectory(prefix="minutes-") as name:
        root = Path(name)
        root.chmod(0o755)  # started by root, the platform runs as another user
        trees = {commit: cloned(root, commit) for commit in (older, head())}
        took: dict[str, dict[str, list[float]]] = {commit: {step: [] for step in STEPS} for commit in trees}
        for _ in range(rounds):
            for commit, tree in trees.items():
                for step, seconds in zip(STEPS, first_minutes(tree), strict=True):
                    took[commit][step].append(seconds)
    show(older, took)


def head() -> str:
    return subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, text=True).strip()


def cloned(root: Path, commit: str) -> Path:
    tree = root / commit
    subprocess.run(["git", "clone", "--quiet", PROJECT, tree], check=True)
    subprocess.run(["git", "checkout", "--quiet", commit], cwd=tree, check=True)
    return tree


def first_minutes(tree: Path) -> tuple[float, float, float]:
    """Seconds of set-up, start and run; afterwards the stack is down and the toolchain is gone."""
    election = str(tree / ".venv" / "bin" / "election")
    quick = "--no-wait-for-pages" in (tree / "Makefile").read_text()  # as its own `make demo`
    with tempfile.TemporaryDirectory(prefix="caches-") as caches:
        empty = {"UV_CACHE_DIR": caches, "PIP_CACHE_DIR": caches}  # Ivy's is in .venv
        set_up = seconds(tree, "make", "setup", **empty)
    try:
        start = seconds(tree, election, "up", *(["--no-wait-for-pages"] if quick else []))
        run = seconds(tree, election, *RUN)
    finally:
        subprocess.run(["make", "distclean"], cwd=tree, check=True, capture_output=True)
    return set_up, start, run


def seconds(tree: Path, *command: str, **environment: str) -> float:
    began = time.monotonic()
    done = subprocess.run(command, cwd=tree, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return time.monotonic() - began


def show(older: str, took: dict[str, dict[str, list[float]]]) -> None:
    medians = {commit: {step: median(times) for step, times in steps.items()} for commit, steps in took.items()}
    for steps in medians.values():
        steps["set-up and start"] = steps["set-up"] + steps["start"]
    before, after = medians[older], next(steps for commit, steps in medians.items() if commit != older)
    table = Table("step", f"{older}, s", "now, s", "ratio", "asked for")
    for step in ("set-up", "start", *ASKED):
        ratio = f"{after[step] / before[step]:.2f}"
        table.add_row(step, f"{before[step]:.0f}", f"{after[step]:.0f}", ratio, str(ASKED.get(step, "")))
    Console().print(table)
    file = PROJECT / "var" / "bench" / "minutes.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"load": os.getloadavg(), "older": older, "seconds": took}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
