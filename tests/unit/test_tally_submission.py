"""The count's command line for a cluster, as Airflow's operator builds it from nothing but the connection."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from election.clients.spark_access import AUTHENTICATED, METRICS, READ_ONLY
from election.count import driver, submission
from election.errors import StackError
from election.settings import PROJECT, Settings
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
    """The DAG's operator with this connection, and what it would submit instead of submitting it."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("ELECTION_VAR", str(tmp_path / "var"))
    from airflow.providers.apache.spark.hooks import spark_submit
    from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

    from election.orchestration.tally import TallyOperator

    def submitted(self: Any, context: Any) -> list[str]:
        """What the provider checks before it submits, then its command line."""
        self._hook = self._get_hook()
        if self._track_driver_via_k8s_api:
            self._hook._validate_track_driver_via_k8s_api_config()
        self._hook._validate_yarn_track_via_rm_api_config()
        self.built = self._hook._build_spark_submit_command(self.application)
        return self.built

    monkeypatch.setattr(SparkSubmitOperator, "execute", submitted)
    # The provider for Kubernetes is no part of the native stack; the command line needs only that it is there.
    monkeypatch.setattr(spark_submit, "kube_client", object(), raising=False)

    def make(connection: dict[str, Any]) -> Any:
        monkeypatch.setenv("AIRFLOW_CONN_ELECTION_SPARK", json.dumps(connection))
        return TallyOperator(task_id="count", conn_id="election_spark")

    return make


def options(command: list[str]) -> dict[str, str]:
    """Options and configuration by name."""
    pairs = list(pairwise(command))
    found = {name: value for name, value in pairs if name.startswith("--") and name != "--conf"}
    return found | dict(value.split("=", 1) for name, value in pairs if name == "--conf")


def test_on_kubernetes_the_driver_runs_in_the_cluster_and_is_followed_through_its_api(operator: Operator) -> None:
    task = operator(KUBERNETES)
    task.execute({})
    found = options(task.built)
    assert found["--master"] == "k8s://https://cluster.example:6443"
    assert found["--deploy-mode"] == "cluster"
    assert found["spark.kubernetes.namespace"] == "election"
    assert found["spark.kubernetes.container.image"] == "election:0.1"
    assert found["spark.executor.cores"] == "8", "the connection wins over what is usual"
    assert found["spark.kubernetes.submission.waitAppCompletion"] == "false"
    assert found["spark.kubernetes.driverEnv.PYTHONPATH"] == str(PROJECT)
    assert task.built[-1] == f"local://{JOB}"
    assert task._hook._should_track_driver_via_k8s_api()


def test_on_yarn_the_driver_runs_in_the_cluster_and_is_followed_through_the_resource_manager(
    operator: Operator,
) -> None:
    task = operator(YARN)
    task.execute({})
    found = options(task.built)
    assert (found["--master"], found["--deploy-mode"]) == ("yarn", "cluster")
    assert found["spark.yarn.submit.waitAppCompletion"] == "false"
    assert found["spark.yarn.appMasterEnv.PYTHONPATH"] == str(PROJECT)
    assert task.built[-1] == JOB
    assert task._hook._should_track_yarn_application_via_rm_api()


@pytest.mark.parametrize("connection", [KUBERNETES, YARN], ids=["kubernetes", "yarn"])
def test_in_a_cluster_nothing_is_fetched_and_no_secret_is_sent(operator: Operator, connection: dict[str, Any]) -> None:
    task = operator(connection)
    task.execute({})
    jars = options(task.built)["--jars"].split(",")
    assert [jar for jar in jars if not jar.startswith("local:///")] == []
    assert any("spark-sql-kafka" in jar for jar in jars)
    assert "--packages" not in task.built
    for jvm in ("driver", "executor"):
        assert f"{PROJECT}/stack/spark-log4j2.properties" in options(task.built)[f"spark.{jvm}.extraJavaOptions"]
    assert not any("password" in part.lower() for part in task.built)


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
    task = operator(connection)
    task.execute({})
    assert options(task.built).items() >= (AUTHENTICATED | READ_ONLY | METRICS).items()
    assert "--properties-file" not in task.built


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
