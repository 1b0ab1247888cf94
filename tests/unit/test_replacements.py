"""What replaces a part of Spark, Hadoop or Airflow says beside the code with which version it is reviewed.

``Review at PACKAGE VERSION: what to look at.`` is read here. With that version in the lock, or among Spark's jars, the
test fails and names the place. Then the replacement goes, or the sentence gets the next version.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from election.settings import PROJECT

REPLACEMENTS = {
    "spark_jobs/tally/MergeEqualRows.java",
    "spark_jobs/tally/NoThreadDumps.java",
    "spark_jobs/tally/Remembered.java",
    "src/election/orchestration/control_room/session.py",
    "src/election/orchestration/decision.py",
    "src/election/orchestration/executor.py",
    "src/election/orchestration/scheduler.py",
    "src/election/orchestration/tally.py",
    "src/election/stack/spark_guard.py",
    "stack/ivy.xml",
}
JARS = ("rocksdbjni", "hadoop-client-api")
"""Packages that come with pyspark; their versions are in the names of its jars."""
MARK = re.compile(r"Review\s+at\s+([a-z][a-z-]+)\s+(\d+(?:\.\d+)*)\b")
FOLDERS = ("src", "dags", "plugins", "dashboard", "spark_jobs", "expectations", "stack")
CODE = (".py", ".java", ".xml", ".sh", ".toml")
_LINE_BEGINS = re.compile(r"^\s*(\*|#|//)?\s*", re.MULTILINE)


def marks() -> Iterator[tuple[str, str, str]]:
    """(file, package, version) of every mark in the code."""
    for file in sorted(file for folder in FOLDERS for file in (PROJECT / folder).rglob("*.*")):
        if file.suffix in CODE:
            for package, version in MARK.findall(_LINE_BEGINS.sub(" ", file.read_text())):
                yield str(file.relative_to(PROJECT)), package, version


MARKS = sorted(marks())


def test_each_replacement_has_its_mark() -> None:
    assert {file for file, _, _ in MARKS} == REPLACEMENTS
    java = {str(file.relative_to(PROJECT)) for file in PROJECT.glob("spark_jobs/**/*.java")}
    assert java <= REPLACEMENTS, "every class of our own inside Spark is one"


@pytest.mark.parametrize(("file", "package", "version"), MARKS, ids=lambda value: value)
def test_no_review_is_due(file: str, package: str, version: str) -> None:
    assert parts(known(package)) < parts(version), f"{package} {known(package)} is here: see {file}, 'Review at'"


def test_airflow_still_has_the_faults_that_are_worked_around() -> None:
    """Each may be fixed in a release of the series that is installed."""
    airflow = installed("airflow")
    handing_over = between(airflow / "executors" / "local_executor.py", "def _process_workloads", "\n    def ")
    assert "running.add" not in handing_over, "apache/airflow#71914 is here: see orchestration/executor.py"
    asking = between(airflow / "api_fastapi/execution_api/routes/hitl.py", "def upsert_hitl_detail", "\ndef ")
    assert asking.count("payload.subject") == 1, "apache/airflow#73235 is here: see orchestration/decision.py"


def test_streamlit_compares_all_of_a_charts_data() -> None:
    """Before, it compared the first and last cells, and each table had a column against that (streamlit#6689)."""
    scripts = (installed("streamlit") / "static" / "static" / "js").glob("ArrowVegaLiteChart.*.js")
    assert any("hasSameBytes" in script.read_text() for script in scripts)


def known(package: str) -> str:
    """The version of a package in the lock, or of a jar of pyspark's."""
    if package in JARS:
        (jar,) = (installed("pyspark") / "jars").glob(f"{package}-[0-9]*.jar")
        return jar.stem.removeprefix(f"{package}-")
    (version,) = re.findall(rf"^{package}==(\S+)", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    return str(version)


def parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def installed(package: str) -> Path:
    found = find_spec(package)
    assert found and found.origin
    return Path(found.origin).parent


def between(file: Path, begin: str, end: str) -> str:
    text = file.read_text()
    start = text.index(begin)
    return text[start : text.find(end, start + 1)]
