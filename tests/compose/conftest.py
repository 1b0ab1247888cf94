"""The platform in containers, on a real engine: a project, ports and secrets of its own, images built from here.

Where the engine has the official images of Postgres and Kafka they are used, otherwise the stand-ins.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from election.clients.airflow import Airflow
from election.platform import Platform, native
from election.settings import PROJECT, Settings
from tests.conftest import free_ports

PORTS = ("airflow", "dashboard", "feed", "metrics", "postgres", "kafka", "spark_master_ui", "spark_driver_ui")
FILE, STAND_INS = "docker-compose.yaml", "tests/compose/stand-ins.yaml"
HARDENED, HARDENED_STAND_INS = "docker-compose.hardened.yaml", "tests/compose/stand-in-hardened.yaml"
BROKERS, BROKERS_STAND_INS = "docker-compose.brokers.yaml", "tests/compose/stand-in-brokers.yaml"


@dataclass(frozen=True)
class Deployment:
    """A Compose project; ``platform`` reaches it from this machine, through its published ports."""

    environment: dict[str, str]
    platform: Platform

    @property
    def project(self) -> str:
        return self.environment["COMPOSE_PROJECT_NAME"]

    def compose(self, *arguments: str, check: bool = True, timeout: float = 900) -> str:
        """What `docker compose` printed. Raises AssertionError with all of it when it fails."""
        return self.run("docker", "compose", *arguments, check=check, timeout=timeout)

    def run(self, *command: str, check: bool = True, timeout: float = 900) -> str:
        answer = subprocess.run(
            command, cwd=PROJECT, env=os.environ | self.environment, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=timeout,
        )  # fmt: skip
        if check and answer.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {answer.returncode}:\n{answer.stdout}{answer.stderr}")
        return answer.stdout

    def airflow(self) -> Airflow:
        return Airflow(self.platform.settings)


@pytest.fixture(scope="module")
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """Described, not started; with three brokers, or hardened, where the module says so. Nothing of it is left."""
    profiles = getattr(request.module, "PROFILES", ())
    brokers, hardened = "brokers" in profiles, "hardened" in profiles
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("no container engine is up")
    with tempfile.TemporaryDirectory(prefix="election-compose-") as folder:
        names = (*PORTS, "kafka_2", "kafka_3", "prometheus")
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        secrets = Path(folder, "secrets")
        secrets.mkdir()
        owner = os.getuid() or 10001
        project = f"election-test-{os.getpid()}-{ports['airflow']}"
        environment = {
            "COMPOSE_PROJECT_NAME": project,
            "ELECTION_IMAGE": f"{project}:local",  # what is built elsewhere meanwhile is not taken for this
            "ELECTION_COMPOSE_SECRETS": str(secrets),
            "ELECTION_UID": str(owner),
            **{f"ELECTION_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        }
        files = [FILE, *([BROKERS] if brokers else []), *([HARDENED] if hardened else [])]
        if not _official(("postgres", "apache/kafka")):
            files += [STAND_INS, *([BROKERS_STAND_INS] if brokers else []), *([HARDENED_STAND_INS] if hardened else [])]
        environment["COMPOSE_FILE"] = os.pathsep.join(files)
        settings = Settings.model_validate(
            {"runtime": "containers", "secrets_folder": str(secrets), "var": Path(folder, "var")}
            | {f"{name}_port": ports[name] for name in PORTS}
            | ({"kafka_servers": ",".join(f"127.0.0.1:{ports[n]}" for n in names if "kafka" in n)} if brokers else {})
        )
        made = Deployment(environment, native(settings))
        failed_before = request.session.testsfailed
        try:
            yield made
        finally:
            if request.session.testsfailed > failed_before:
                logs = PROJECT / "var" / f"{made.project}.log"
                logs.parent.mkdir(exist_ok=True)
                logs.write_text(made.compose("logs", "--no-color", check=False))
            made.compose("--profile", "tools", "--profile", "watched", "kill", check=False)
            made.compose(
                "--profile", "tools", "--profile", "watched", "down", "--volumes", "--remove-orphans", check=False
            )
            made.run("docker", "image", "rm", f"{project}:local", check=False)


def _official(names: tuple[str, ...]) -> bool:
    """Whether the engine has these images already, in any version."""
    found = [subprocess.run(["docker", "image", "ls", "-q", n], capture_output=True, check=False) for n in names]
    return all(answer.stdout.strip() for answer in found)
