"""The files of the count's checkpoint, through the file system that its settings name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from election.count.submission import conf
from election.settings import PROJECT, Settings

pytestmark = pytest.mark.slow

SNAPSHOTS = PROJECT / "tests" / "state_snapshots.py"


def submitted(script: Path, folder: Path, *arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a job of Spark's in one process, with the count's settings of files."""
    files = ("spark.hadoop.fs.", "spark.driver.extraClassPath", "spark.sql.streaming.checkpoint")
    options = [f"--conf={k}={v}" for k, v in conf(Settings(var=folder / "var")).items() if k.startswith(files)]
    return subprocess.run(
        [Path(sys.prefix, "bin", "spark-submit"), "--master", "local[2]", *options, script, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(PROJECT), "PYSPARK_PYTHON": sys.executable,
                          "SPARK_LOCAL_IP": "127.0.0.1", "TMPDIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )  # fmt: skip


def test_no_process_is_started_for_a_file_of_the_checkpoint(tmp_path: Path) -> None:
    started, programs = tmp_path / "started", tmp_path / "bin"
    programs.mkdir()
    chmod = programs / "chmod"
    chmod.write_text(f'#!/bin/sh\necho "$@" >>{started}\nexec /bin/chmod "$@"\n')
    chmod.chmod(0o755)
    counted = submitted(
        PROJECT / "spark_jobs" / "tally" / "rehearsal.py", tmp_path, PATH=f"{programs}:{os.environ['PATH']}"
    )
    assert counted.returncode == 0, counted.stderr
    assert not started.exists(), started.read_text()


def test_the_state_is_put_down_whole_now_and_then_and_the_changes_before_are_removed(tmp_path: Path) -> None:
    kept = submitted(SNAPSHOTS, tmp_path, tmp_path / "checkpoint")
    assert kept.returncode == 0, kept.stdout + kept.stderr
