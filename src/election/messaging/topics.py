"""Creates the topics with their configuration."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from election.contracts.topics import TOPICS, Topic
from election.messaging.clients import admin
from election.platform import Platform


def create_topics(platform: Platform) -> list[str]:
    """Creates the topics that are missing and sets the configuration of all, as their owner. Returns the names created.

    Safe to run again and beside itself. Partitions of an existing topic stay as they are.
    Raises KafkaException when the broker refuses.
    """
    client = admin(platform.login("owner"))
    new = [
        NewTopic(
            topic.name,
            num_partitions=_partitions(platform, topic),
            replication_factor=platform.settings.replication,
            config=topic.config,
        )
        for topic in TOPICS
    ]
    created = []
    for name, future in client.create_topics(new, operation_timeout=30).items():
        try:
            future.result()
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    _await_known(client, created)
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.name,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in topic.config.items()
            ],
        )
        for topic in TOPICS
        if topic.name not in created and topic.config
    ]
    if resources:
        for altered in client.incremental_alter_configs(resources).values():
            altered.result()
    return created


@retry(
    retry=retry_if_result(bool),
    wait=wait_fixed(0.1),
    stop=stop_after_delay(30),
    retry_error_callback=lambda last: last.outcome and last.outcome.result(),
)
def _await_known(client: AdminClient, created: list[str]) -> list[str]:
    """A broker names a new topic a moment after it has created it; until then readers would miss it.

    Returns what it still does not name after 30 s: whoever needs one of these says so.
    """
    known = client.list_topics(timeout=10).topics if created else {}
    return [name for name in created if name not in known or known[name].error is not None]


def _partitions(platform: Platform, topic: Topic) -> int:
    return topic.partitions if isinstance(topic.partitions, int) else getattr(platform.settings, topic.partitions)
