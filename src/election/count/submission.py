"""Submits the tally to Spark: command line, configuration, environment (decisions 14, 17, 19)."""

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from election.clients.kubernetes import own_image
from election.clients.spark_access import AUTHENTICATED, METRICS, READ_ONLY, secret_file
from election.count.folder import tally_folder
from election.count.launching import IDENTITY, IDENTITY_HERE
from election.settings import Settings
from election.toolchain import class_archive, jars, java, spark_home

NAME = "tally"
CORES = 2
EXECUTOR_MEMORY = "2g"
DRIVER_MEMORY = "1g"
LOGIN = {"ELECTION_KAFKA_USER": "tally"}
# Spark generates larger methods for so many kinds of totals than Java compiles by default.
EXECUTOR_JVM = "-XX:+UseParallelGC -XX:-DontCompileHugeMethods"


def application(settings: Settings) -> str:
    return str(settings.root / "spark_jobs" / "tally" / "job.py")


def connector(settings: Settings) -> str:
    """Spark's connector to Kafka for ``--jars``, from local files, so that submitting needs no network."""
    return ",".join(str(jar) for jar in sorted(jars(settings, "spark").glob("*.jar")))


def ahead(settings: Settings) -> str:
    """Jars that each JVM loads before Spark's own: access to local files, and RocksDB for the state."""
    return ":".join(str(jar) for jar in sorted(jars(settings, "ahead").glob("*.jar")))


def conf(settings: Settings) -> dict[str, str]:
    """Settings that depend on where the job runs. Settings on which the checkpoint depends are in the job itself."""
    scratch = tally_folder(settings).scratch
    (scratch / "tmp").mkdir(parents=True, exist_ok=True)
    both = f"{_logging(settings)} -Djava.io.tmpdir={scratch / 'tmp'}"
    if archive := class_archive():
        both += f" -XX:SharedArchiveFile={archive}"
    return {
        **_everywhere(settings),
        "spark.cores.max": str(CORES),
        "spark.driver.host": settings.node,
        "spark.driver.bindAddress": settings.node,
        "spark.ui.port": str(settings.spark_driver_ui_port),
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.driver.extraJavaOptions": f"{both} -XX:+UseSerialGC",
        "spark.executor.extraJavaOptions": f"{both} {EXECUTOR_JVM}",
    }


def _everywhere(settings: Settings) -> dict[str, str]:
    """The same natively and in a cluster."""
    return {
        **AUTHENTICATED,
        **READ_ONLY,
        **METRICS,
        "spark.executor.cores": str(CORES),
        "spark.ui.showConsoleProgress": "false",
        # Keeping every batch for the UI would cost the driver more than planning the batch.
        "spark.ui.retainedJobs": "100",
        "spark.ui.retainedStages": "100",
        "spark.ui.retainedTasks": "1000",
        "spark.sql.ui.retainedExecutions": "50",
        "spark.sql.ui.explainMode": "simple",
        # Hadoop's own class starts a `chmod` for every file that it creates, and a batch creates six. The class must be
        # a LocalFileSystem, or Spark never writes a complete snapshot of the state.
        "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem",
        "spark.driver.extraClassPath": ahead(settings),
        "spark.executor.extraClassPath": ahead(settings),
        "spark.sql.streaming.checkpointFileManagerClass": (
            "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
        ),
    }


def _logging(settings: Settings) -> str:
    """The JVM option for Spark's log configuration, which leaves out INFO lines."""
    return f"-Dlog4j2.configurationFile={settings.root / 'stack' / 'spark-log4j2.properties'}"


def environment(settings: Settings) -> dict[str, str]:
    """Variables for the environment of the submitting process."""
    return (
        settings.environment
        | LOGIN
        | {
            "JAVA_HOME": str(java().parents[1]),
            "SPARK_HOME": str(spark_home()),
            "SPARK_LOCAL_IP": settings.node,
            "SPARK_PUBLIC_DNS": settings.public_host,
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "PYTHONPATH": str(settings.root),
            "PYTHONUNBUFFERED": "1",
        }
    )


def cluster_conf(settings: Settings) -> dict[str, str]:
    """Settings for a cluster: one executor of the usual size, with the state's memory outside the Java heap.

    An Airflow connection may override each setting. Kubernetes and YARN create a secret for each application, and give
    executors a folder for scratch files on their node's disk; only the checkpoint is shared.
    """
    return {
        **_everywhere(settings),
        "spark.executor.instances": "1",
        "spark.executor.memoryOverhead": "1g",
        "spark.driver.memoryOverhead": "512m",
        "spark.driver.extraJavaOptions": f"{_logging(settings)} -XX:+UseSerialGC",
        "spark.executor.extraJavaOptions": f"{_logging(settings)} {EXECUTOR_JVM}",
        "spark.pyspark.python": sys.executable,
        # The driver is known by its folder; nothing waits beside it for weeks.
        "spark.kubernetes.submission.waitAppCompletion": "false",
        "spark.yarn.submit.waitAppCompletion": "false",
        **(_pods(settings) if settings.runtime == "kubernetes" else {}),
    }


def _pods(settings: Settings) -> dict[str, str]:
    """Where the platform itself runs on Kubernetes: driver and executors are pods beside its own, of the same image."""
    return {
        "spark.kubernetes.namespace": settings.namespace,
        "spark.kubernetes.container.image": own_image(),
        "spark.kubernetes.driver.pod.name": f"{NAME}-{IDENTITY_HERE}",
        "spark.kubernetes.driver.podTemplateFile": str(settings.pod_templates / "tally-driver.yaml"),
        "spark.kubernetes.executor.podTemplateFile": str(settings.pod_templates / "tally-executor.yaml"),
        "spark.kubernetes.authenticate.driver.serviceAccountName": NAME,
        "spark.kubernetes.authenticate.executor.serviceAccountName": "platform",  # which may nothing
        # Otherwise Spark puts a secret into the executors' environment, where all who may read pods see it.
        "spark.authenticate.secret.file": str(settings.secret_file("spark")),
        # What is reserved; both may take what the node has left.
        "spark.kubernetes.driver.request.cores": "0.25",
        "spark.kubernetes.executor.request.cores": "0.5",
        "spark.ui.port": str(settings.spark_driver_ui_port),
        "spark.sql.warehouse.dir": "/tmp/warehouse",
    }


def cluster_environment(settings: Settings) -> dict[str, str]:
    """Variables for a driver inside a cluster, whose image has this project at the same path."""
    return settings.environment | LOGIN | {"PYTHONPATH": str(settings.root), IDENTITY: IDENTITY_HERE}


def cluster_application(settings: Settings) -> tuple[str, str]:
    """The job's file and the connector's jars, as paths in the image that a cluster starts."""
    jars_there = ",".join(f"local://{jar}" for jar in connector(settings).split(","))
    return f"local://{application(settings)}", jars_there


def in_cluster(command: Sequence[str]) -> bool:
    """Whether the command line submits the driver to a cluster."""
    return ("--deploy-mode", "cluster") in pairwise(command)


def submit_command(settings: Settings) -> list[str]:
    """The command line of ``spark-submit``, the same that Airflow's operator builds from the platform's connection."""
    if settings.runtime == "kubernetes":
        job, connectors = cluster_application(settings)
        env = cluster_environment(settings)
        found = cluster_conf(settings) | {f"spark.kubernetes.driverEnv.{name}": value for name, value in env.items()}
        access, mode = [], "cluster"
    else:
        job, connectors = application(settings), connector(settings)
        found, mode = conf(settings), "client"
        access = ["--properties-file", str(secret_file(settings))]
    options = [f"--conf={key}={value}" for key, value in (found | settings.spark_overrides).items()]
    return [
        str(Path(sys.prefix, "bin", "spark-submit")), "--master", settings.spark_master,
        *access, *options,
        "--jars", connectors, "--executor-memory", EXECUTOR_MEMORY, "--driver-memory", DRIVER_MEMORY,
        "--name", NAME, "--deploy-mode", mode, job,
    ]  # fmt: skip
