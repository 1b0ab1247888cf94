"""Kafka 4 in KRaft mode: one process is broker and controller. Its jars come through Ivy, see ``stack/ivy.xml``.

Clients log in with SCRAM, so that no password leaves them. The broker logs in at itself and at its controller as
``admin`` with PLAIN, which needs no users in its metadata: so an older data folder, which has none, comes up too, and
``settle`` makes them.
"""

import secrets
import shutil
import subprocess
from pathlib import Path

import psutil
from confluent_kafka import KafkaException

from election.errors import NotReachable, StackError
from election.messaging import clients
from election.settings import Settings
from election.stack.kafka_access import ADMIN, admin_login, grant
from election.stack.secrets import private_file
from election.stack.service import Program, Service
from election.stack.supervision import Supervisor
from election.toolchain import jars, java

LISTENERS = ("broker", "controller")


def prepare(settings: Settings) -> None:
    """Writes the configuration, and formats the data folder when it is new."""
    home = _home(settings)
    shutil.rmtree(home / "tmp", ignore_errors=True)  # what a killed broker left
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    shared = (settings.root / "stack" / "kafka.properties").read_text()
    private_file(home / "server.properties", shared + _addresses(settings) + _logins(settings))
    if not (home / "data" / "meta.properties").exists():
        shutil.rmtree(home / "data", ignore_errors=True)
        _format(settings)


def accepts(settings: Settings, _since: float) -> None:
    """Cluster metadata from the broker, for ``admin``: before ``settle`` there is no other user.

    Only the platform's own process is asked, because PLAIN sends the password.
    """
    try:
        process = psutil.Process(Supervisor(settings).processes()["kafka"]["pid"])
        ports = {c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    except psutil.Error as error:
        raise NotReachable(f"Kafka's process is not there: {error}") from error
    if settings.kafka_port not in ports:
        raise NotReachable(f"Kafka does not listen at {settings.kafka_bootstrap} yet.")
    _metadata(settings, admin_login(settings))


def settle(settings: Settings) -> None:
    """Makes the users and their rights. Topics are made by the stage that prepares an election."""
    grant(settings)


def ready(settings: Settings, _since: float) -> None:
    """Cluster metadata from the broker, for the user of the stages."""
    _metadata(settings, settings.kafka_login("app"))


def _metadata(settings: Settings, login: dict[str, str]) -> None:
    try:
        metadata = clients.admin(login).list_topics(timeout=2)
    except KafkaException as error:
        raise NotReachable(f"Kafka does not answer at {settings.kafka_bootstrap}: {error}") from error
    if not metadata.brokers:
        raise NotReachable(f"Kafka at {settings.kafka_bootstrap} has no broker yet.")


def program(settings: Settings) -> Program:
    command = _java(
        settings, "-Xms512m", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExitOnOutOfMemoryError"
    )
    return Program(command=(*command, "kafka.Kafka", _home(settings) / "server.properties"), stop_seconds=60)


def _java(settings: Settings, *options: str) -> tuple[str | Path, ...]:
    logging = settings.root / "stack" / "kafka-log4j2.properties"
    return (
        java(), *options, "-XX:-UsePerfData", "-Djava.awt.headless=true",
        "-Dorg.apache.kafka.automatic.config.providers=none",  # nothing is read from other files or the environment
        f"-Djava.io.tmpdir={_home(settings) / 'tmp'}", f"-Dlog4j2.configurationFile={logging}",
        "-cp", f"{jars(settings, 'kafka')}/*",
    )  # fmt: skip


def _addresses(settings: Settings) -> str:
    return f"""
listeners=BROKER://{settings.kafka_host}:{settings.kafka_port},CONTROLLER://{settings.kafka_host}:{settings.kafka_controller_port}
advertised.listeners=BROKER://{settings.kafka_host}:{settings.kafka_port}
controller.quorum.bootstrap.servers={settings.kafka_host}:{settings.kafka_controller_port}
log.dirs={_home(settings) / "data"}
"""


def _logins(settings: Settings) -> str:
    return "".join(f"listener.name.{name}.plain.sasl.jaas.config={own_login(settings)}\n" for name in LISTENERS)


def own_login(settings: Settings) -> str:
    """How the broker logs in, and the one user that may log in so."""
    password = settings.secret(f"kafka_{ADMIN}")
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return f'{module} required username="{ADMIN}" password="{password}" user_{ADMIN}="{password}";'


def _format(settings: Settings) -> None:
    def tool(*arguments: str | Path) -> str:
        command = [*_java(settings, "-Xmx128m", "-XX:TieredStopAtLevel=1"), "kafka.tools.StorageTool", *arguments]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise StackError(f"Kafka could not format its data folder: {(answer.stderr or answer.stdout).strip()}")
        return answer.stdout.strip()

    tool("format", "--standalone", "-t", _cluster_id(), "-c", _home(settings) / "server.properties")


def _cluster_id() -> str:
    """16 random bytes in URL-safe base64 without padding, as Kafka's own UUIDs; one that starts with - is an option."""
    while (text := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return text


def _home(settings: Settings) -> Path:
    return settings.var / "kafka"


SERVICE = Service(
    name="kafka",
    purpose="messages between the stages",
    ports=("kafka_port", "kafka_controller_port"),
    prepare=prepare,
    program=program,
    accepts=accepts,
    settle=settle,
    ready=ready,
    url=lambda settings: settings.kafka_bootstrap,
)
