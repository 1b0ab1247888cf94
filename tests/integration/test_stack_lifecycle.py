"""Starting and stopping: what stays, what goes, and what is refused. Each test has a platform of its own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.cimpl import NewTopic
from tenacity import Retrying, retry_if_exception, retry_if_exception_type, stop_after_delay, wait_fixed

from election.contracts.topics import TOPICS
from election.errors import StackError
from election.messaging.clients import SafeProducer, admin, consumer, is_transient
from election.messaging.reading import read
from election.messaging.topics import create_topics
from election.platform import native
from election.settings import PROJECT, Settings
from election.stack import checks, kafka
from election.stack.orphans import orphans
from election.stack.service import MARK
from election.stack.services import STORAGE
from election.stack.starting import start
from election.stack.stopping import stop
from election.stack.supervision import Supervisor, identity
from tests.conftest import free_ports


@pytest.fixture
def own() -> Iterator[Settings]:
    """A platform whose folder for state is private, as is a clone in somebody's home."""
    (PROJECT / "var" / "test").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="own-", dir=PROJECT / "var" / "test") as folder:
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        names = [name for name in Settings.model_fields if name.endswith("_port")]
        settings = Settings.model_validate({"var": folder, **dict(zip(names, free_ports(len(names)), strict=True))})
        yield settings
        stop(settings)


def test_down_leaves_no_process_and_up_finds_everything_again(own: Settings) -> None:
    start(own, STORAGE)
    platform = native(own)
    with platform.connect("owner") as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('Ynys Môn')")
    client = admin(platform.login("admin"))
    client.create_topics([NewTopic("kept", 1)])["kept"].result()
    producer = SafeProducer(platform.login("admin"))
    producer.produce("kept", b"1", b"key")
    producer.flush()
    secrets = {file.name: file.read_text() for file in own.secrets.iterdir()}
    processes = everything(own)

    stop(own)
    assert not any(process.is_running() for process in processes)
    stop(own)

    start(own, STORAGE)
    with platform.connect("owner") as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("Ynys Môn",)]
    assert [message.value() for message in read(platform.login("admin"), "kept")] == [b"1"]
    assert {file.name: file.read_text() for file in own.secrets.iterdir()} == secrets


def test_a_kafka_without_logins_is_upgraded_and_keeps_its_topics_records_and_places(own: Settings) -> None:
    group = "election-casting-older"
    with broker_without_logins(own) as anybody:
        client = admin(anybody)
        topic = next(topic for topic in TOPICS if topic.name == "votes_topic")
        client.create_topics([NewTopic(topic.name, 3, config=topic.config)])[topic.name].result(30)
        producer = SafeProducer(anybody)
        for number in range(3):
            producer.produce(topic.name, b"%d" % number, b"key", number)
        producer.flush()
        reader = consumer(anybody, group)
        # A new broker reads its own log of places first and answers "coordinator load in progress" until then.
        for attempt in Retrying(
            retry=retry_if_exception(is_transient), stop=stop_after_delay(60), wait=wait_fixed(0.2)
        ):
            with attempt:
                reader.commit(offsets=[TopicPartition(topic.name, 2, 1)], asynchronous=False)
        reader.close()
    start(own, ("kafka",))
    platform = native(own)
    assert sorted(message.value() or b"" for message in read(platform.kafka, topic.name)) == [b"0", b"1", b"2"]
    reader = consumer(platform.kafka, group)
    assert [place.offset for place in reader.committed([TopicPartition(topic.name, 2)], timeout=30)] == [1]
    reader.close()
    with pytest.raises(KafkaException):
        admin(anybody).list_topics(timeout=3)
    assert topic.name not in create_topics(platform), "the others are made, this one is there"


@contextmanager
def broker_without_logins(settings: Settings) -> Iterator[dict[str, str]]:
    """Kafka as older versions of this project formatted and started it; gives the configuration of any client."""
    home = settings.var / "kafka"
    (home / "tmp").mkdir(parents=True)
    (home / "server.properties").write_text(WITHOUT_LOGINS + kafka._addresses(settings))
    kafka._format(settings)
    process = subprocess.Popen([os.fspath(part) for part in kafka.program(settings).command])
    anybody = {"bootstrap.servers": settings.kafka_bootstrap}
    try:
        for attempt in Retrying(retry=retry_if_exception_type(KafkaException), stop=stop_after_delay(120)):
            with attempt:
                admin(anybody).list_topics(timeout=2)
        yield anybody
    finally:
        process.terminate()
        process.wait(60)


WITHOUT_LOGINS = """
process.roles=broker,controller
node.id=1
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
"""


def test_a_killed_supervisor_takes_everything_along_and_up_starts_anew(own: Settings) -> None:
    start(own, STORAGE)
    processes = everything(own)
    psutil.Process(processes[0].pid).kill()
    _, alive = psutil.wait_procs(processes, 30)
    assert alive == []
    assert sorted(start(own, STORAGE)) == sorted(STORAGE)
    native(own).connect("app").close()


def test_what_killed_commands_left_is_gone_after_the_next_start(own: Settings) -> None:
    left = own.var / "tmp" / "quality-killed"
    left.mkdir(parents=True)
    (left / "ballots").write_bytes(bytes(16))
    start(own, ("postgres",))
    assert not left.exists()


def test_a_process_that_supervisor_forgot_is_ended_by_down(own: Settings) -> None:
    start(own, ("postgres",))
    environment = os.environ | {MARK: identity(own)}
    stray = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env=environment, start_new_session=True
    )
    assert stray.pid in {process.pid for process in orphans(own)}
    stop(own)
    assert not psutil.pid_exists(stray.pid)


def test_another_platforms_processes_are_left_alone(own: Settings) -> None:
    mark = {MARK: "election-of-somebody-else", "ELECTION_VAR": f"{own.var}/other"}
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=os.environ | mark)
    try:
        start(own, ("postgres",))
        stop(own)
        assert other.poll() is None
    finally:
        other.kill()


@pytest.mark.parametrize("name", ["postgres_port", "kafka_controller_port", "airflow_port", "supervisor_port"])
def test_a_taken_port_is_named_with_its_owner_and_its_setting_before_anything_starts(own: Settings, name: str) -> None:
    port = getattr(own, name)
    with socket.create_server(("127.0.0.1", port)):
        begun = time.monotonic()
        with pytest.raises(StackError, match=rf"Port {port} .* taken by .*{os.getpid()}.*ELECTION_{name.upper()}="):
            start(own)
        assert time.monotonic() - begun < 10
    assert not Supervisor(own).running()


def test_too_little_disk_is_refused_before_anything_starts(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "DISK_NEEDED", 2**60)
    with pytest.raises(StackError, match=r"GiB are free .* ELECTION_VAR="):
        start(own)
    assert not Supervisor(own).running()


def test_ports_that_were_chosen_once_are_found_again(own: Settings) -> None:
    start(own, ("postgres",))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ELECTION_")}
    code = "from election.settings import Settings; print(Settings().postgres_port)"
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment | {"ELECTION_VAR": str(own.var)}, capture_output=True, check=True
    )
    assert int(answer.stdout) == own.postgres_port


def test_an_unknown_service_is_refused(own: Settings) -> None:
    with pytest.raises(StackError, match="No such service: zookeeper"):
        start(own, ("zookeeper",))


def everything(settings: Settings) -> list[psutil.Process]:
    """supervisor first, then every process below it."""
    daemon = Supervisor(settings).daemon()
    assert daemon is not None
    return [daemon, *daemon.children(recursive=True)]
