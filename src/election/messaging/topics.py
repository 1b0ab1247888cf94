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
    """Creates the missing topics and configures all of them, as their owner. Returns the names of those created.

    It is safe to run again and concurrently. Partitions of an existing topic stay as they are.
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
    """Waits until the broker lists the new topics: it does so a moment after creation, and readers need it.

    Returns the topics that are still not listed after 30 s. Their readers report them as missing.
    """
    known = client.list_topics(timeout=10).topics if created else {}
    return [name for name in created if name not in known or known[name].error is not None]


def _partitions(platform: Platform, topic: Topic) -> int:
    return topic.partitions if isinstance(topic.partitions, int) else getattr(platform.settings, topic.partitions)
