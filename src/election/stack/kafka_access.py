"""Who may do what on Kafka, where it has logins: the stages, the count and the dashboard, each as itself."""

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from election.contracts import topics
from election.settings import Settings
from election.stack.secrets import KAFKA_USERS

TOTALS = (*topics.AGGREGATES, topics.TALLY_PROGRESS)
INPUTS = (topics.VOTERS, topics.CANDIDATES, topics.BALLOTS, topics.VOTES)

WRITES: dict[str, tuple[str, ...]] = {
    "app": (*INPUTS, topics.REJECTED),
    "tally": (*TOTALS, topics.REJECTED),
    "dashboard": (),
}
READS: dict[str, tuple[str, ...]] = {
    "app": (*INPUTS, *TOTALS, topics.REJECTED),
    "tally": (topics.VOTES, *TOTALS),
    "dashboard": (*TOTALS, topics.CANDIDATES, topics.REJECTED),
}
GROUPS = {
    "app": ("election-",),
    "tally": ("spark-kafka-source-", "election-reader"),
    "dashboard": ("election-dashboard", "election-reader"),
}
"""Beginnings of the names of consumer groups; ``election-reader`` is everybody's who commits nothing."""


def grant(settings: Settings, bootstrap: str) -> None:
    """Makes the users and what they may. Asks the broker at ``bootstrap``, which takes it from whoever reaches it."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192)
    users: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, scram, settings.secret(f"kafka_{user}").encode()) for user in KAFKA_USERS
    ]
    answers = [*admin.alter_user_scram_credentials(users).values(), *admin.create_acls(rules()).values()]
    for answer in answers:
        answer.result(timeout=30)


def rules() -> list[AclBinding]:
    """One permission each; what is not here is refused."""
    found = []
    for user in KAFKA_USERS:
        found += [_allow(user, topic, AclOperation.READ) for topic in READS[user]]
        found += [_allow(user, topic, AclOperation.WRITE) for topic in WRITES[user]]
        found += [
            _allow(user, group, AclOperation.READ, ResourceType.GROUP, ResourcePatternType.PREFIXED)
            for group in GROUPS[user]
        ]
    # The stages create the topics and keep their configuration; the dashboard sees when votes arrive, not the votes.
    for operation in (AclOperation.CREATE, AclOperation.ALTER_CONFIGS, AclOperation.DESCRIBE_CONFIGS):
        found += [_allow("app", topic.name, operation) for topic in topics.TOPICS]
    found.append(_allow("dashboard", topics.VOTES, AclOperation.DESCRIBE))
    return found


def _allow(
    user: str,
    name: str,
    operation: AclOperation,
    kind: ResourceType = ResourceType.TOPIC,
    pattern: ResourcePatternType = ResourcePatternType.LITERAL,
) -> AclBinding:
    return AclBinding(kind, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
