"""The archive of Spark's classes is whole or is not there, and its maker says which."""

import os
import subprocess
from pathlib import Path

import pytest

from election.settings import PROJECT

pytestmark = pytest.mark.slow

NAMED = """
for word in "$@"; do
  case $word in *ArchiveClassesAtExit=*) file=${word#*AtExit=}; file=${file%% *};; esac
done
"""


def made(folder: Path, spark_submit: str, seconds: int = 60) -> subprocess.CompletedProcess[str]:
    """The step with a Spark that does this in place of its work; an old archive is there."""
    program = folder / "spark-submit"
    program.write_text(f"#!/bin/sh\n{NAMED}{spark_submit}\n")
    program.chmod(0o755)
    (folder / "spark.jsa").write_text("old")
    return subprocess.run(
        [PROJECT / "stack" / "archive.sh", "sh", folder / "spark.jsa"],
        env={**os.environ, "SPARK_SUBMIT": str(program), "ARCHIVE_SECONDS": str(seconds)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def archives(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("spark.jsa*")}


def test_an_archive_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    done = made(tmp_path, 'echo new >"$file"; [ ! -e "${file%.new}" ]')
    assert (done.returncode, done.stderr, archives(tmp_path)) == (0, "", {"spark.jsa": "new\n"})


@pytest.mark.parametrize(
    ("spark_submit", "why"),
    [
        ('echo part >"$file"; exit 3', "exit status 3"),
        ('echo part >"$file"; exec sleep 90', "it took too long"),
        ('echo part >"$file"; kill -KILL $$', "it was killed"),
        ("exit 0", "Java made none"),
        (': >"$file"', "Java made none"),
    ],
)
def test_one_that_could_not_be_made_leaves_none_and_the_set_up_says_why(spark_submit, why, tmp_path: Path) -> None:
    done = made(tmp_path, spark_submit, seconds=2 if "sleep" in spark_submit else 60)
    assert done.returncode == 1
    assert archives(tmp_path) == {}
    assert why in done.stderr
    assert "the count takes longer to start" in done.stderr
