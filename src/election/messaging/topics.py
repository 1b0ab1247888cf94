"""Creates the topics with their configuration."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from election.contracts.topics import TOPICS, Topic
from election.messaging.clients import admin
from election.platform import Platform


def create_topics(platform: Platform) -> list[str]:
    """Creates the topics that are missing and sets every topic's configuration. Returns the names created.

    Safe to run again and beside itself. Partitions of an existing topic stay as they are.
    Raises KafkaException when the broker refuses.
    """
    client = admin(platform.kafka)
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


def _partitions(platform: Platform, topic: Topic) -> int:
    return topic.partitions if isinstance(topic.partitions, int) else getattr(platform.settings, topic.partitions)
