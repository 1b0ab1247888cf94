"""With three brokers and two workers, one of each may die during an election and stay away: the result is exact."""

import pytest
from confluent_kafka.admin import ConfigResource, ResourceType

from election.messaging.clients import admin
from tests.compose.conftest import Deployment
from tests.compose.driving import Polling, bring_up, told

pytestmark = pytest.mark.timeout(1800)
PROFILES = ("brokers",)


@pytest.fixture(scope="module")
def up(deployment: Deployment) -> Deployment:
    return bring_up(deployment, "--scale", "spark-worker=2")


# The first is the one that clients begin with, and on a fresh platform often the controller.
@pytest.mark.parametrize("broker", ["kafka", "kafka-2"])
def test_a_broker_and_a_worker_are_away_while_ballots_are_cast(up, broker):
    polling = Polling(up, f"without-{broker}", rate=400)
    polling.await_casting()
    up.compose("kill", broker)
    with told(f"casting goes on without {broker}"):
        polling.await_casting()
    up.run("docker", "kill", up.compose("ps", "--quiet", "spark-worker").split()[0])
    polling.exact()
    with told(f"{broker} and the worker back"):
        up.compose("up", "--detach", "--wait", "--scale", "spark-worker=2")


def test_every_record_is_on_three_brokers_and_acknowledged_by_two(up):
    client = admin(up.platform.kafka)
    topics = client.list_topics(timeout=20).topics
    assert {len(p.replicas) for topic in topics.values() for p in topic.partitions.values()} == {3}
    asked = client.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in topics])
    assert {answer.result()["min.insync.replicas"].value for answer in asked.values()} == {"2"}
