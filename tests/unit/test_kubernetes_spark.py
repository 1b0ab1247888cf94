"""The pods that Spark itself makes of our templates and settings keep to the same schemas and policies."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest

from election.count import submission
from election.count.launching import IDENTITY, IDENTITY_HERE
from election.settings import PROJECT, Settings
from tests.kubernetes.api import api_server
from tests.kubernetes.manifests import TEMPLATES, Object
from tests.kubernetes.policies import POLICIES

pytestmark = pytest.mark.slow
IMAGE = "registry.example/election:7"

# Spark's driver as it runs in its pod, as far as asking for executors.
DRIVER = """
import sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master(sys.argv[1])
for pair in sys.argv[2:]:
    builder = builder.config(*pair.split("=", 1))
builder.getOrCreate()
input()
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(submission, "own_image", lambda: IMAGE)
        folder = tmp_path_factory.mktemp("spark")
        (folder / "spark").write_text("a secret of the test")
        yield Settings.model_validate(
            {"runtime": "kubernetes", "var": folder / "var", "secrets_folder": str(folder), "pod_templates": TEMPLATES}
        )


@pytest.fixture(scope="module")
def driver(settings: Settings) -> Object:
    """The driver's pod, as ``spark-submit`` asks for it."""
    with api_server() as (address, made):
        command = [part.replace(IDENTITY_HERE, "7e57") for part in submission.submit_command(settings)]
        command[command.index("--master") + 1] = f"k8s://{address}"
        answer = subprocess.run(command, env=_environment(settings), capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        return _pod(made, "driver")


@pytest.fixture(scope="module")
def executor(settings: Settings) -> Object:
    """An executor's pod, as the driver asks for it."""
    conf = submission.cluster_conf(settings) | {"spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false"}
    del conf["spark.kubernetes.driver.pod.name"]  # which this driver has not
    with api_server() as (address, made):
        command = [sys.executable, "-c", DRIVER, f"k8s://{address}", *(f"{k}={v}" for k, v in conf.items())]
        process = subprocess.Popen(command, env=_environment(settings), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            deadline = time.monotonic() + 300
            while not any(found["kind"] == "Pod" for found in made):
                assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1].decode()
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
        return _pod(made, "executor")


def _environment(settings: Settings) -> dict[str, str]:
    proxies = {name for name in os.environ if name.lower().endswith("_proxy")}
    return {k: v for k, v in os.environ.items() if k not in proxies} | submission.environment(settings)


def _pod(made: list[Object], role: str) -> Object:
    (pod,) = [found for found in made if found["kind"] == "Pod"]
    assert pod["metadata"]["labels"]["spark-role"] == role
    return pod


@pytest.mark.parametrize("role", ["driver", "executor"])
def test_sparks_pods_keep_to_schemas_and_policies(role: str, request: pytest.FixtureRequest) -> None:
    pod: Object = request.getfixturevalue(role)
    for version in ("1.34", "1.37"):
        kubernetes_validate.validate(pod, version, strict=True)
    name = pod["metadata"]["labels"]["app.kubernetes.io/name"]
    assert name == f"tally-{role}"
    assert {policy.__name__: broken for policy in POLICIES if (broken := list(policy(name, pod["spec"])))} == {}


@pytest.mark.parametrize("role", ["driver", "executor"])
def test_sparks_pods_run_our_image_with_scratch_files_apart_from_the_checkpoint(
    role: str, request: pytest.FixtureRequest
) -> None:
    pod: Object = request.getfixturevalue(role)
    (container,) = pod["spec"]["containers"]
    assert container["image"] == IMAGE and container["args"][0] == role and "command" not in container
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounts["/opt/election/var/tally"] == "tally"
    assert mounts[_variables(container)["SPARK_LOCAL_DIRS"]] == "spark-local-dir-1"
    # Spark copies its jars into the folder where it starts, and the image's is read-only.
    assert mounts[container["workingDir"]] == "spark-local-dir-1"


def test_the_driver_has_its_identity_and_its_own_login(driver: Object) -> None:
    variables = _variables(driver["spec"]["containers"][0])
    assert variables[IDENTITY] == "7e57" and driver["metadata"]["name"] == "tally-7e57"
    assert variables["ELECTION_KAFKA_USER"] == "tally" and variables["PYTHONPATH"] == str(PROJECT)
    assert driver["spec"]["serviceAccountName"] == "tally"
    assert driver["spec"]["containers"][0]["lifecycle"]["preStop"], "it finishes its batch on a node that is drained"


def test_an_executor_loads_our_jars_first_and_has_no_secret_in_its_environment(
    executor: Object, settings: Settings
) -> None:
    variables = _variables(executor["spec"]["containers"][0])
    assert variables["SPARK_CLASSPATH"] == submission.ahead(settings)
    assert not [name for name, value in variables.items() if "SECRET" in name or "a secret" in value]
    assert executor["spec"]["serviceAccountName"] == "platform"


def _variables(container: Any) -> dict[str, str]:
    return {variable["name"]: str(variable.get("value", "")) for variable in container["env"]}
