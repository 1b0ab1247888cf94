"""The count's command line, natively and for a cluster, as Airflow's operator builds it from the connection."""

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from election.clients.spark_access import AUTHENTICATED, METRICS, READ_ONLY
from election.count import driver, submission
from election.count.folder import Folder
from election.count.launching import IDENTITY, launch
from election.errors import StackError
from election.settings import PROJECT, Settings
from election.stack.airflow_connections import connections
from election.stack.secrets import generate
from election.stack.spark import master_program, worker_program

KUBERNETES = {
    "conn_type": "spark",
    "host": "k8s://https://cluster.example",
    "port": 6443,
    "extra": {
        "deploy-mode": "cluster",
        "namespace": "election",
        "conf": {"spark.kubernetes.container.image": "election:0.1", "spark.executor.cores": "8"},
    },
}
YARN = {
    "conn_type": "spark",
    "host": "yarn",
    "extra": {"deploy-mode": "cluster", "yarn_resourcemanager_webapp_address": "http://yarn.example:8088"},
}
NATIVE = {"conn_type": "spark", "host": "spark://127.0.0.1", "port": 7077, "extra": {"deploy-mode": "client"}}
JOB = str(PROJECT / "spark_jobs" / "tally" / "job.py")

Operator = Callable[[dict[str, Any]], Any]


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Operator:
    """The DAG's operator with this connection."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("ELECTION_VAR", str(tmp_path / "var"))
    from election.orchestration.tally import TallyOperator

    def make(connection: dict[str, Any]) -> Any:
        monkeypatch.setenv("AIRFLOW_CONN_ELECTION_SPARK", json.dumps(connection))
        return TallyOperator(task_id="count", conn_id="election_spark")

    return make


def options(command: list[str]) -> dict[str, str]:
    """Options and configuration by name."""
    pairs = list(pairwise(command))
    found = {name: value for name, value in pairs if name.startswith("--") and name != "--conf"}
    return found | dict(value.split("=", 1) for name, value in pairs if name == "--conf")


def test_on_kubernetes_the_driver_runs_in_the_cluster(operator: Operator) -> None:
    command = operator(KUBERNETES).command(Settings())
    found = options(command)
    assert found["--master"] == "k8s://https://cluster.example:6443"
    assert found["--deploy-mode"] == "cluster" and submission.in_cluster(command)
    assert found["spark.kubernetes.namespace"] == "election"
    assert found["spark.kubernetes.container.image"] == "election:0.1"
    assert found["spark.executor.cores"] == "8", "the connection wins over what is usual"
    assert found["spark.kubernetes.submission.waitAppCompletion"] == "false"
    assert found["spark.kubernetes.driverEnv.PYTHONPATH"] == str(PROJECT)
    assert command[-1] == f"local://{JOB}"


def test_on_yarn_the_driver_runs_in_the_cluster(operator: Operator) -> None:
    command = operator(YARN).command(Settings())
    found = options(command)
    assert (found["--master"], found["--deploy-mode"]) == ("yarn", "cluster")
    assert found["spark.yarn.submit.waitAppCompletion"] == "false"
    assert found["spark.yarn.appMasterEnv.PYTHONPATH"] == str(PROJECT)
    assert command[-1] == JOB


@pytest.mark.parametrize(
    ("connection", "variable"),
    [(KUBERNETES, "spark.kubernetes.driverEnv"), (YARN, "spark.yarn.appMasterEnv")],
    ids=["kubernetes", "yarn"],
)
def test_a_driver_in_a_cluster_gets_the_identity_by_which_its_starter_finds_it(
    operator: Operator, folder: Folder, connection: dict[str, Any], variable: str
) -> None:
    command = operator(connection).command(Settings())
    shown = [sys.executable, "-c", "import sys; print(chr(10).join(sys.argv[1:]))", *command]
    assert launch(folder, shown, {}, "7e57").wait(30) == 0
    assert f"{variable}.{IDENTITY}=7e57" in folder.log.read_text().splitlines()


@pytest.mark.parametrize("connection", [KUBERNETES, YARN], ids=["kubernetes", "yarn"])
def test_in_a_cluster_nothing_is_fetched_and_no_secret_is_sent(operator: Operator, connection: dict[str, Any]) -> None:
    command = operator(connection).command(Settings())
    jars = options(command)["--jars"].split(",")
    assert [jar for jar in jars if not jar.startswith("local:///")] == []
    assert any("spark-sql-kafka" in jar for jar in jars)
    assert "--packages" not in command
    for jvm in ("driver", "executor"):
        assert f"{PROJECT}/stack/spark-log4j2.properties" in options(command)[f"spark.{jvm}.extraJavaOptions"]
    assert not any("password" in part.lower() for part in command)


@pytest.mark.parametrize("connection", [KUBERNETES, YARN], ids=["kubernetes", "yarn"])
def test_in_a_cluster_state_and_files_are_kept_as_on_the_native_stack(
    operator: Operator, tmp_path: Path, connection: dict[str, Any]
) -> None:
    settings = Settings.model_validate({"var": tmp_path / "var"})
    in_cluster, native = options(operator(connection).command(settings)), submission.conf(settings)
    ahead = submission.ahead(settings)
    assert "rocksdbjni" in ahead
    for name in ("spark.driver.extraClassPath", "spark.executor.extraClassPath", "spark.hadoop.fs.file.impl"):
        assert in_cluster[name] == native[name]
    assert in_cluster["spark.executor.extraClassPath"] == ahead
    assert "spark.local.dir" not in in_cluster, "scratch files are on the disk of each node"


@pytest.fixture
def on_kubernetes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """The platform itself runs on Kubernetes."""
    monkeypatch.setenv("ELECTION_RUNTIME", "kubernetes")
    monkeypatch.setenv("ELECTION_SPARK_CONF", '{"spark.executor.instances": "2"}')
    monkeypatch.setenv("ELECTION_VAR", str(tmp_path / "var"))
    monkeypatch.setattr(submission, "own_image", lambda: "registry.example/election:7")
    generate(Settings())
    return Settings()


def test_on_kubernetes_the_command_line_submits_what_airflow_submits(
    operator: Operator, on_kubernetes: Settings
) -> None:
    (spark,) = (c for c in connections(on_kubernetes) if c["conn_type"] == "spark")
    connection = {name: spark[name] for name in ("conn_type", "host", "port", "extra")}
    by_airflow = operator(connection).command(on_kubernetes)
    by_hand = _apart(submission.submit_command(on_kubernetes))
    assert options(by_airflow) == options(by_hand)
    assert by_airflow[-1] == by_hand[-1] == f"local://{JOB}"
    assert options(by_hand)["spark.executor.instances"] == "2", "the setting wins over what is usual"
    assert options(by_hand)["spark.kubernetes.container.image"] == "registry.example/election:7"
    assert options(by_hand)["spark.authenticate.secret.file"] == str(on_kubernetes.secret_file("spark"))


def test_on_the_native_stack_airflow_submits_what_the_command_line_submits(operator: Operator, tmp_path) -> None:
    settings = Settings.model_validate({"var": tmp_path / "var", "spark_master_port": 7077})
    generate(settings)
    by_airflow = operator(NATIVE).command(settings)
    assert options(by_airflow) == options(_apart(submission.submit_command(settings)))
    assert by_airflow[-1] == submission.submit_command(settings)[-1] == JOB


def test_the_count_proves_who_it_is_with_a_secret_from_a_file(operator: Operator, tmp_path) -> None:
    settings = Settings.model_validate({"var": tmp_path / "var"})
    with pytest.raises(StackError, match="make up"):
        submission.submit_command(settings)
    generate(settings)
    file = settings.secret_file("spark")
    name, _, secret = file.read_text().strip().partition("=")
    assert name == "spark.authenticate.secret" and len(secret) >= 64
    for command in (_apart(submission.submit_command(settings)), operator(NATIVE).command(settings)):
        found = options(command)
        assert found["--properties-file"] == str(file)
        assert found.items() >= (AUTHENTICATED | READ_ONLY | METRICS).items()
        assert not any(secret in part for part in command)


@pytest.mark.parametrize("connection", [KUBERNETES, YARN], ids=["kubernetes", "yarn"])
def test_in_a_cluster_spark_logs_in_as_well_with_a_secret_that_the_cluster_makes(
    operator: Operator, connection: dict[str, Any]
) -> None:
    command = operator(connection).command(Settings())
    assert options(command).items() >= (AUTHENTICATED | READ_ONLY | METRICS).items()
    assert "--properties-file" not in command


def test_in_a_container_without_sparks_secret_the_error_says_where_it_is(tmp_path) -> None:
    settings = Settings.model_validate({"var": tmp_path / "var", "runtime": "containers"})
    with pytest.raises(StackError, match="exec airflow-scheduler"):
        submission.submit_command(settings)


def test_master_and_worker_have_the_secret_by_file_and_pages_that_change_nothing(tmp_path) -> None:
    settings = Settings.model_validate({"var": tmp_path / "var"})
    generate(settings)
    for program in (master_program(settings), worker_program(settings)):
        command = [str(part) for part in program.command]
        assert command[command.index("--properties-file") + 1] == str(settings.secret_file("spark"))
        assert {f"-D{key}={value}" for key, value in (AUTHENTICATED | READ_ONLY | METRICS).items()} <= set(command)
        secret = settings.secret("spark").partition("=")[2]
        assert secret not in " ".join([*command, *program.environment.values()])


def _apart(command: list[str]) -> list[str]:
    """``--conf=name=value`` as two arguments, as the provider writes it."""
    return [part for word in command for part in (["--conf", word[7:]] if word.startswith("--conf=") else [word])]


def test_the_count_logs_in_at_kafka_as_itself_wherever_it_runs(tmp_path) -> None:
    settings = Settings.model_validate({"var": tmp_path / "var"})
    for environment in (submission.environment(settings), submission.cluster_environment(settings)):
        assert environment["ELECTION_KAFKA_USER"] == "tally"


def test_a_driver_that_failed_is_tried_again_and_one_that_is_refused_is_not(operator: Operator) -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    task = operator(NATIVE)
    ended = {"phase": "failed", "batch": 7, "error": "files of it are gone"}
    with pytest.raises(AirflowFailException, match="driver ended: files of it are gone"):
        task.ended({}, ended | {"refused": True})
    with pytest.raises(AirflowException, match="driver ended: files of it are gone") as tried:
        task.ended({}, ended | {"refused": False})
    assert not isinstance(tried.value, AirflowFailException)
    task.ended({}, {"phase": "stopped", "batch": 7, "error": None, "refused": False})


def test_after_drivers_that_failed_early_the_task_waits_without_a_runner(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
    from airflow.sdk.exceptions import TaskDeferred

    monkeypatch.setattr(driver, "patience", lambda settings: 30.0)
    with pytest.raises(TaskDeferred) as deferred:
        operator(NATIVE).execute({})
    assert isinstance(deferred.value.trigger, TimeDeltaTrigger)
    assert deferred.value.method_name == "start"
