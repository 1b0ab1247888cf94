"""Spark 4 standalone: a master that remembers its applications, and one worker."""

import shutil
import sys
from pathlib import Path

from election.clients.spark import master_state
from election.clients.spark_access import AUTHENTICATED, METRICS, READ_ONLY, secret_file
from election.errors import NotReachable
from election.settings import Settings
from election.stack.service import Program, Service, end_predecessor
from election.toolchain import java, spark_home

WORKER_CORES = 2
WORKER_MEMORY = "3g"
# Seconds without a heartbeat after which a worker is given up (default 60), also by a master that recovers.
WORKER_TIMEOUT = 20

# What Spark's own launcher adds on Java 17 and later (org.apache.spark.launcher.JavaModuleOptions).
MODULE_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions", "--add-modules=jdk.incubator.vector",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in (
        "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util",
        "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs", "sun.security.action",
        "sun.util.calendar",
    )),
    "-Djdk.reflect.useDirectMethodHandle=false", "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled", "-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE",
)  # fmt: skip


def prepare_master(settings: Settings) -> None:
    for folder in ("recovery", "work", "tmp"):
        (_home(settings) / folder).mkdir(parents=True, exist_ok=True)


def prepare_worker(settings: Settings) -> None:
    for folder in ("work", "tmp"):  # in a container it has no master's beside it
        (_home(settings) / folder).mkdir(parents=True, exist_ok=True)


def master_program(settings: Settings) -> Program:
    command = _command(
        settings, "master.Master", "512m",
        "-Dspark.master.rest.enabled=false",  # a second way to submit, without a login, on a port of its own
        "-Dspark.master.ui.decommission.allow.mode=DENY",  # by default a POST from this machine removes a worker
        "-Dspark.deploy.recoveryMode=FILESYSTEM",
        f"-Dspark.deploy.recoveryDirectory={_home(settings) / 'recovery'}",
    )  # fmt: skip
    where = ("--host", settings.spark_host, "--port", str(settings.spark_master_port))
    access = ("--webui-port", str(settings.spark_master_ui_port), "--properties-file", secret_file(settings))
    return _guarded("master", settings, *command, *where, *access)


def worker_program(settings: Settings) -> Program:
    command = _command(
        settings, "worker.Worker", "512m",
        "-Dspark.worker.cleanup.enabled=true",
        "-Dspark.worker.cleanup.interval=1800",
        "-Dspark.worker.cleanup.appDataTtl=86400",
        f"-Dspark.local.dir={_home(settings) / 'tmp'}",
    )  # fmt: skip
    where = ("--host", settings.node, "--port", str(settings.spark_worker_port))
    size = ("--cores", str(WORKER_CORES), "--memory", WORKER_MEMORY, "--work-dir", _home(settings) / "work")
    access = ("--webui-port", str(settings.spark_worker_ui_port), "--properties-file", secret_file(settings))
    return _guarded("worker", settings, *command, *where, *access, *size, settings.spark_master)


def master_ready(settings: Settings, _since: float) -> None:
    """The master leads: a recovering one gives no cores."""
    status = master_state(settings)["status"]
    if status != "ALIVE":
        raise NotReachable(f"The Spark master is {status}.")


def worker_ready(settings: Settings, _since: float) -> None:
    """The master lists the worker as alive, at this worker's own address."""
    workers = master_state(settings)["workers"]
    if not any(w["state"] == "ALIVE" and w["port"] == settings.spark_worker_port for w in workers):
        raise NotReachable("The Spark master has no living worker.")


def _command(settings: Settings, name: str, memory: str, *properties: str) -> tuple[str | Path, ...]:
    logging = settings.root / "stack" / "spark-log4j2.properties"
    access = (f"-D{key}={value}" for key, value in {**AUTHENTICATED, **READ_ONLY, **METRICS}.items())
    # The number of seconds is the master's and its workers' in common. Both do little: with Java's quick compiler alone
    # a start takes 2.5 s of processor time in place of 4.2.
    return (
        java(), f"-Xmx{memory}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", *MODULE_OPTIONS,
        f"-Djava.io.tmpdir={_home(settings) / 'tmp'}",
        f"-Dlog4j2.configurationFile={logging}", f"-Dspark.worker.timeout={WORKER_TIMEOUT}",
        *access, *properties,
        "-cp", f"{spark_home()}/jars/*", f"org.apache.spark.deploy.{name}",
    )  # fmt: skip


def _guarded(role: str, settings: Settings, *command: str | Path) -> Program:
    guard = (sys.executable, "-m", "election.stack.spark_guard", role)
    return Program(
        (*end_predecessor(settings, f"spark-{role}"), *guard, *command),
        settings.environment | _environment(settings),
        stop_group=True,
    )


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "SPARK_HOME": str(spark_home()),
        "SPARK_LOCAL_IP": settings.node,
        "SPARK_PUBLIC_DNS": settings.public_host,
        "SPARK_SCALA_VERSION": "2.13",
        "JAVA_HOME": str(java().parents[1]),
    }


def forget(settings: Settings) -> None:
    """Drops what the master remembers. Only for a start after everything was stopped: nothing is left to find again,
    and a master that looks for the workers of before gives no cores until it has given them up."""
    shutil.rmtree(_home(settings) / "recovery", ignore_errors=True)
    shutil.rmtree(_home(settings) / "tmp", ignore_errors=True)
    prepare_master(settings)


def _home(settings: Settings) -> Path:
    return settings.var / "spark"


def _standalone(settings: Settings) -> bool:
    """On Kubernetes there is neither master nor worker: Spark's drivers ask the cluster for executors."""
    return settings.runtime != "kubernetes"


MASTER = Service(
    name="spark-master",
    purpose="gives the tally its processors",
    ports=("spark_master_port", "spark_master_ui_port"),
    prepare=prepare_master,
    program=master_program,
    ready=master_ready,
    url=lambda settings: settings.spark_page,
    exists=_standalone,
)
WORKER = Service(
    name="spark-worker",
    purpose="runs the tally",
    ports=("spark_worker_port", "spark_worker_ui_port"),
    needs=("spark-master",),
    prepare=prepare_worker,
    program=worker_program,
    ready=worker_ready,
    url=lambda settings: f"http://{settings.public_host}:{settings.spark_worker_ui_port}",
    exists=_standalone,
)
