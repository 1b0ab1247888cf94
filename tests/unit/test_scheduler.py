"""Airflow's scheduler as the platform starts it."""

import os
import subprocess
import sys
from pathlib import Path

LISTENS = """
import atexit, runpy, sys
atexit.register(lambda: print("Great Expectations" if "great_expectations" in sys.modules else "nothing", "is there"))
sys.argv = ["-m", "/somewhere/bin/airflow", "version"]
runpy.run_module("election.orchestration.scheduler", run_name="__main__")
"""


def test_it_is_airflows_own_and_its_tasks_find_great_expectations_imported(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTENS],
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    version, found = done.stdout.strip().splitlines()[-2:]
    assert version.startswith("3.")
    assert found == "Great Expectations is there"
