"""What the image starts: each of those who start it gets its program, with what it passes."""

import subprocess
from pathlib import Path

import pytest

from election.settings import PROJECT

EXECUTOR = {
    "SPARK_HOME": "/spark",
    "SPARK_CLASSPATH": "/ahead/rocksdb.jar",
    "SPARK_JAVA_OPT_10": "-Dlast=1",
    "SPARK_JAVA_OPT_2": "-Dname=with space",
    "SPARK_EXECUTOR_MEMORY": "2g",
    **{
        f"SPARK_{name}": name.lower()
        for name in ("DRIVER_URL", "EXECUTOR_ID", "EXECUTOR_CORES", "APPLICATION_ID", "EXECUTOR_POD_IP",
                     "RESOURCE_PROFILE_ID", "EXECUTOR_POD_NAME")
    },
}  # fmt: skip


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Stand-ins that print their name and arguments, a line each."""
    for name in ("java", "spark-submit", "election", "airflow", "python"):
        (tmp_path / name).write_text('#!/bin/sh\nprintf "%s\\n" "${0##*/}" "$@"\n')
        (tmp_path / name).chmod(0o755)
    return tmp_path


def started(programs: Path, *arguments: str, **environment: str) -> list[str]:
    answer = subprocess.run(
        [PROJECT / "docker" / "entrypoint", *arguments], env={"PATH": f"{programs}:/usr/bin:/bin"} | environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return answer.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "program"),
    [
        (["tally", "status"], ["election", "tally", "status"]),
        ([], ["election"]),
        (["airflow", "jobs", "check"], ["airflow", "jobs", "check"]),  # probes of Airflow's chart
        (["bash", "-c", "exec airflow scheduler"], ["airflow", "scheduler"]),  # its containers
        (["python", "-m", "airflow.sdk"], ["python", "-m", "airflow.sdk"]),  # its executor
    ],
)
def test_who_starts_the_image_gets_its_program(programs: Path, arguments: list[str], program: list[str]) -> None:
    assert started(programs, *arguments) == program


def test_sparks_driver_listens_at_the_address_of_its_pod(programs: Path) -> None:
    command = started(programs, "driver", "--class", "Runner", "job.py", SPARK_DRIVER_BIND_ADDRESS="10.0.0.7")
    assert command[:3] == ["spark-submit", "--conf", "spark.driver.bindAddress=10.0.0.7"]
    assert command[-5:] == ["--deploy-mode", "client", "--class", "Runner", "job.py"]


def test_sparks_executor_loads_our_jars_first_and_gets_its_options_in_order(programs: Path) -> None:
    command = started(programs, "executor", **EXECUTOR)
    assert command[:5] == ["java", "-Dname=with space", "-Dlast=1", "-Xms2g", "-Xmx2g"]
    assert command[command.index("-cp") + 1] == "/ahead/rocksdb.jar:/spark/jars/*"
    assert dict(zip(command[8::2], command[9::2], strict=True)) == {
        "--driver-url": "driver_url", "--executor-id": "executor_id", "--cores": "executor_cores",
        "--app-id": "application_id", "--hostname": "executor_pod_ip", "--resourceProfileId": "resource_profile_id",
        "--podName": "executor_pod_name",
    }  # fmt: skip
