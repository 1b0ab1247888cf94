"""Who may do what on Kafka, tried by every user on every topic, on a broker of the tests' own."""

import socket
import struct
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future

import psutil
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from election.contracts.topics import AGGREGATES, TOPICS
from election.errors import NotReachable
from election.messaging import clients
from election.messaging.topics import create_topics
from election.platform import native
from election.settings import KAFKA_USERS, PROJECT, KafkaUser, Settings
from election.stack import kafka
from election.stack.kafka_access import grant
from election.stack.starting import start
from election.stack.stopping import stop
from election.stack.supervision import Supervisor
from tests.conftest import free_ports

NAMES = {topic.name for topic in TOPICS}
TOTALS = {*AGGREGATES, "tally_progress_topic"}
USERS = [user for user in KAFKA_USERS if user != "admin"]
Login = dict[str, str]

MAY_READ: dict[KafkaUser, set[str]] = {
    "owner": set(),
    "app": NAMES,
    "tally": {"votes_topic", *TOTALS},
    "dashboard": {"candidates_topic", "rejected_topic", "log_heads_topic", *TOTALS},
    "results_feed": {"candidates_topic", *TOTALS},
    "metrics": {"candidates_topic", "rejected_topic", *TOTALS},
    "feed": set(),
}
MAY_WRITE: dict[KafkaUser, set[str]] = {
    "owner": set(),
    "app": {"voters_topic", "candidates_topic", "votes_topic", "rejected_topic", "log_heads_topic"},
    "tally": {"rejected_topic", *TOTALS},
    "dashboard": set(),
    "results_feed": set(),
    "metrics": set(),
    "feed": {"ballots_topic"},
}


@pytest.fixture(scope="module")
def broker() -> Iterator[Settings]:
    """Kafka with a record on every topic."""
    folder = PROJECT / "var" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="access-", dir=folder) as var:
        names = [name for name in Settings.model_fields if name.endswith("_port")]
        settings = Settings.model_validate({"var": var, **dict(zip(names, free_ports(len(names)), strict=True))})
        try:
            start(settings, ("kafka",))
            create_topics(native(settings))
            assert write(settings.kafka_login("admin"), *NAMES) == NAMES
            yield settings
        finally:
            stop(settings)


@pytest.mark.parametrize("user", USERS)
def test_each_user_reads_what_it_needs_and_no_more(broker, user):
    assert readable(broker.kafka_login(user)) == MAY_READ[user]


@pytest.mark.parametrize("user", USERS)
def test_each_user_writes_what_it_needs_and_no_more(broker, user):
    assert write(broker.kafka_login(user), *NAMES) == MAY_WRITE[user]


@pytest.mark.parametrize("user", USERS)
def test_only_the_owner_creates_and_configures_the_topics_and_no_others(broker, user):
    client = clients.admin(broker.kafka_login(user))
    names = [*NAMES, "another_topic"]
    created = client.create_topics([NewTopic(name, 1) for name in names])
    altered = client.incremental_alter_configs([retention(name) for name in names])
    may = NAMES if user == "owner" else set()
    assert {name for name, answer in created.items() if allowed(answer)} == may
    assert {resource.name for resource, answer in altered.items() if allowed(answer)} == may
    partitions = client.create_partitions([NewPartitions(name, 20) for name in NAMES])
    assert not [name for name, answer in partitions.items() if allowed(answer)]


@pytest.mark.parametrize("user", USERS)
def test_nobody_deletes_a_topic(broker, user):
    client = clients.admin(broker.kafka_login(user))  # kept until the answers are there
    answers = client.delete_topics([*NAMES])
    assert not [name for name, answer in answers.items() if allowed(answer)]


@pytest.mark.parametrize("user", USERS)
def test_nobody_makes_users_or_rights_or_configures_the_broker(broker, user):
    client = clients.admin(broker.kafka_login(user))
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    right = AclBinding(
        ResourceType.TOPIC, "votes_topic", ResourcePatternType.LITERAL, f"User:{user}", "*", AclOperation.ALL,
        AclPermissionType.ALLOW,
    )  # fmt: skip
    entry = ConfigEntry("log.retention.ms", "1", incremental_operation=AlterConfigOpType.SET)
    asked = [
        *client.create_acls([right]).values(),
        *client.alter_user_scram_credentials([UserScramCredentialUpsertion("stranger", scram, b"secret")]).values(),
        *client.incremental_alter_configs(
            [ConfigResource(ResourceType.BROKER, "1", incremental_configs=[entry])]
        ).values(),
    ]
    assert not [answer for answer in asked if allowed(answer)]


@pytest.mark.parametrize(
    ("user", "group"),
    [
        ("feed", "election-reader"),
        ("owner", "election-reader"),
        ("dashboard", "election-casting-x"),
        ("tally", "own"),
        ("metrics", "election-evidence"),
    ],
)
def test_groups_of_others_are_closed(broker, user, group):
    client = clients.admin(broker.kafka_login(user))
    (answer,) = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
    assert not allowed(answer)


@pytest.mark.parametrize(("user", "name", "may"), [("feed", "feed-1", True), ("feed", "other", False),
                                                   ("app", "feed-1", False), ("tally", "tally", False)])  # fmt: skip
def test_a_feed_writes_in_transactions_of_its_own_and_nobody_else_does(broker, user, name, may):
    producer = Producer({**broker.kafka_login(user), "transactional.id": name, "log_level": 0})
    if may:
        producer.init_transactions(30)
        return
    with pytest.raises(KafkaException, match="Transactional Id authorization failed"):
        producer.init_transactions(30)


@pytest.mark.parametrize("port", ["kafka_port", "kafka_controller_port"])
def test_no_listener_answers_without_a_login(broker, port):
    assert described(getattr(broker, port)) == b""


@pytest.mark.parametrize("port", ["kafka_port", "kafka_controller_port"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"sasl.password": "wrong"},
        {"sasl.username": "owner"},  # with the password of another user
        {"sasl.username": "stranger"},
        {"sasl.mechanism": "PLAIN"},  # which only the broker's own user has
        {"sasl.mechanism": "PLAIN", "sasl.username": "admin"},
        {"security.protocol": "plaintext"},
    ],
    ids=lambda wrong: "-".join(wrong.values()),
)
def test_a_wrong_login_is_refused(broker, port, wrong):
    assert not lets_in(broker.kafka_login("app") | {"bootstrap.servers": f"127.0.0.1:{getattr(broker, port)}"} | wrong)


@pytest.mark.parametrize("user", KAFKA_USERS)
def test_every_user_logs_in_with_its_own_password(broker, user):
    assert lets_in(broker.kafka_login(user))


def test_rights_of_an_older_version_are_taken_away_and_missing_ones_given_by_the_next_start(broker):
    client = clients.admin(broker.kafka_login("admin"))
    older = AclBinding(
        ResourceType.TOPIC, "voters_topic", ResourcePatternType.LITERAL, "User:dashboard", "*", AclOperation.READ,
        AclPermissionType.ALLOW,
    )  # fmt: skip
    client.create_acls([older])[older].result(30)
    assert readable(broker.kafka_login("dashboard")) == MAY_READ["dashboard"] | {"voters_topic"}
    grant(broker)
    assert readable(broker.kafka_login("dashboard")) == MAY_READ["dashboard"]


def test_no_password_is_in_a_command_line_an_environment_or_a_log(broker):
    passwords = {user: broker.secret(f"kafka_{user}") for user in KAFKA_USERS}
    process = psutil.Process(Supervisor(broker).processes()["kafka"]["pid"])
    shown = [*process.cmdline(), *process.environ().values()]
    shown += [file.read_text() for file in (broker.var / "logs").iterdir()]
    assert not [user for user, password in passwords.items() if any(password in text for text in shown)]
    assert (broker.var / "kafka" / "server.properties").stat().st_mode & 0o077 == 0


def test_the_password_of_the_broker_goes_to_no_other_process(broker, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        moved = broker.model_copy(update={"kafka_port": stranger.getsockname()[1]})
        with pytest.raises(NotReachable, match="does not listen"):
            kafka.accepts(moved, 0)


def readable(login: Login) -> set[str]:
    """The topics whose first record comes."""
    return {name for name in NAMES if reads(login, name)}


def reads(login: Login, topic: str) -> bool:
    reader = Consumer({**login, "group.id": "election-reader", "enable.auto.commit": False, "log_level": 0})
    try:
        if refused := reader.list_topics(topic, timeout=30).topics[topic].error:
            assert refused.name() == "TOPIC_AUTHORIZATION_FAILED"
            return False
        reader.assign([TopicPartition(topic, 0, 0)])
        while message := reader.poll(30):
            error = message.error()
            if error is None:
                return True
            if not error.name().startswith("GROUP"):  # the reader's group is another right
                assert error.name() == "TOPIC_AUTHORIZATION_FAILED"
                return False
        raise AssertionError(f"{topic}: no record and no error")
    finally:
        reader.close()


def write(login: Login, *names: str) -> set[str]:
    """The topics that took a record."""
    taken, errors = set(), dict[str, KafkaError]()

    def delivered(error, message):
        if error is None:
            taken.add(message.topic())
        else:
            errors[message.topic()] = error

    producer = Producer({**login, "message.timeout.ms": 30_000, "log_level": 0})
    for name in names:
        producer.produce(name, b"{}", b"planted", 0, on_delivery=delivered)
    producer.flush(40)
    assert taken | errors.keys() == set(names)
    assert {error.name() for error in errors.values()} <= {"TOPIC_AUTHORIZATION_FAILED"}
    return taken


def allowed(answer: "Future[object]") -> bool:
    """Whether it was not for a lack of rights that it was not done."""
    error = answer.exception(30)
    if error is None:
        return True
    assert isinstance(error, KafkaException)
    assert not error.args[0].name().startswith("_"), "no answer of the broker"
    return "AUTHORIZATION_FAILED" not in error.args[0].name()


def retention(name: str) -> ConfigResource:
    entry = ConfigEntry("retention.ms", "-1", incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])


def lets_in(login: Login) -> bool:
    """Whether the broker tells this login of itself."""
    try:
        return bool(clients.admin(login).list_topics(timeout=3).brokers)
    except KafkaException:
        return False


def described(port: int) -> bytes:
    """What comes back when a stranger asks for the cluster, as both broker and controller can be asked: DescribeCluster
    (60), version 0, correlation 1, no client name."""
    request = struct.pack(">hhih", 60, 0, 1, -1) + b"\x00" + b"\x00\x00"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        try:
            return connection.recv(1024)
        except ConnectionResetError:
            return b""
