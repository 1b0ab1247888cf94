"""Kafka's users and what each may do. Nothing else is allowed, and a client without a login is refused.

The user ``admin`` is the broker itself: it may do everything, and makes the others.
"""

from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
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
from election.errors import NotReachable
from election.messaging import clients
from election.settings import KAFKA_USERS, KafkaUser, Settings

ADMIN: KafkaUser = "admin"
ITERATIONS = 4096
"""The least that Kafka takes: a password of 24 random bytes needs no stretching, and every login pays for it."""

TOTALS = (*topics.AGGREGATES, topics.TALLY_PROGRESS)
STORED = (topics.VOTERS, topics.CANDIDATES, topics.VOTES)

WRITES: dict[KafkaUser, tuple[str, ...]] = {
    "app": (*STORED, topics.REJECTED, topics.LOG_HEADS),
    "tally": (*TOTALS, topics.REJECTED),
    "feed": (topics.BALLOTS,),
}
READS: dict[KafkaUser, tuple[str, ...]] = {
    "app": (*STORED, topics.BALLOTS, *TOTALS, topics.REJECTED, topics.LOG_HEADS),
    "tally": (topics.VOTES, *TOTALS),
    "dashboard": (*TOTALS, topics.CANDIDATES, topics.REJECTED, topics.LOG_HEADS),
    "results_feed": (*TOTALS, topics.CANDIDATES),
    "metrics": (*TOTALS, topics.CANDIDATES, topics.REJECTED),
}
DESCRIBES: dict[KafkaUser, tuple[str, ...]] = {
    "owner": tuple(topic.name for topic in topics.TOPICS),
    "dashboard": (topics.VOTES,),  # when votes arrive, not the votes
    "metrics": (topics.VOTERS, topics.BALLOTS, topics.VOTES, topics.LOG_HEADS),  # how many there are
}
OWNS = (AclOperation.CREATE, AclOperation.ALTER_CONFIGS, AclOperation.DESCRIBE_CONFIGS)
"""What ``owner`` may do with a topic of the platform. Only ``admin`` may delete one."""

GROUPS: dict[KafkaUser, tuple[str, ...]] = {
    "app": ("election-",),
    "tally": ("spark-kafka-source-", "election-reader"),
    "dashboard": ("election-reader",),
    "results_feed": ("election-reader",),
    "metrics": ("election-reader",),
}
"""Beginnings of the names of consumer groups; ``election-reader`` is for readers that commit nothing."""

LAGS: dict[KafkaUser, str] = {"metrics": "election-casting-"}
"""The beginning of the names of groups whose committed offsets a user may see."""

TRANSACTIONS: dict[KafkaUser, str] = {"feed": "feed-"}
"""The beginning of a transactional id."""


def grant(settings: Settings) -> None:
    """Makes the users and their rights as they must be; rights that are not in ``rules`` are taken away.

    Raises NotReachable when the broker does not do it.
    """
    admin = clients.admin(admin_login(settings))
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    users: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, scram, settings.secret(f"kafka_{user}").encode()) for user in KAFKA_USERS
    ]
    try:
        for answer in admin.alter_user_scram_credentials(users).values():
            answer.result(timeout=60)
        wanted, found = set(rules()), _found(admin)
        changes = [
            *(admin.create_acls(sorted(wanted - found)).values() if wanted - found else ()),
            *(admin.delete_acls([_exactly(rule) for rule in found - wanted]).values() if found - wanted else ()),
        ]
        for change in changes:
            change.result(timeout=60)
    except (KafkaException, TimeoutError) as error:
        raise NotReachable(f"Kafka did not make its users and their rights: {error!r}") from error


def admin_login(settings: Settings) -> dict[str, str]:
    """How ``admin`` logs in while the broker may know no users yet."""
    return settings.kafka_login(ADMIN) | {"sasl.mechanism": "PLAIN"}


def rules() -> list[AclBinding]:
    """One permission each; what is not here is refused."""
    return [
        *(_allow(user, name, AclOperation.READ) for user, names in READS.items() for name in names),
        *(_allow(user, name, AclOperation.WRITE) for user, names in WRITES.items() for name in names),
        *(_allow(user, name, AclOperation.DESCRIBE) for user, names in DESCRIBES.items() for name in names),
        *(_allow("owner", topic.name, operation) for topic in topics.TOPICS for operation in OWNS),
        *(
            _allow(user, name, AclOperation.READ, ResourceType.GROUP, ResourcePatternType.PREFIXED)
            for user, names in GROUPS.items()
            for name in names
        ),
        *(
            _allow(user, name, AclOperation.DESCRIBE, ResourceType.GROUP, ResourcePatternType.PREFIXED)
            for user, name in LAGS.items()
        ),
        *(
            _allow(user, name, operation, ResourceType.TRANSACTIONAL_ID, ResourcePatternType.PREFIXED)
            for user, name in TRANSACTIONS.items()
            for operation in (AclOperation.WRITE, AclOperation.DESCRIBE)
        ),
    ]


def _found(admin: AdminClient) -> set[AclBinding]:
    """The rights that the platform's users have now, of whatever version; other users' are their own business."""
    some: Any = None  # which is any name, user and host
    every = AclBindingFilter(
        ResourceType.ANY, some, ResourcePatternType.ANY, some, some, AclOperation.ANY, AclPermissionType.ANY
    )
    own = {_principal(user) for user in KAFKA_USERS}
    return {rule for rule in admin.describe_acls(every).result(timeout=60) if rule.principal in own}


def _exactly(rule: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        rule.restype, rule.name, rule.resource_pattern_type, rule.principal, rule.host, rule.operation,
        rule.permission_type,
    )  # fmt: skip


def _allow(
    user: KafkaUser,
    name: str,
    operation: AclOperation,
    kind: ResourceType = ResourceType.TOPIC,
    pattern: ResourcePatternType = ResourcePatternType.LITERAL,
) -> AclBinding:
    return AclBinding(kind, name, pattern, _principal(user), "*", operation, AclPermissionType.ALLOW)


def _principal(user: KafkaUser) -> str:
    return f"User:{user}"
