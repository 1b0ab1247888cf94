"""With three brokers and two workers, one of each may die during an election and stay away: the result is exact."""

import pytest

from tests.compose.conftest import Deployment
from tests.compose.driving import await_polling, begin, bring_up, exact, told

pytestmark = pytest.mark.timeout(700)
THREE_BROKERS = True


@pytest.fixture(scope="module")
def up(deployment: Deployment) -> Deployment:
    return bring_up(deployment, "--scale", "spark-worker=2")


@pytest.mark.parametrize("broker", ["kafka-2", "kafka"])
def test_a_broker_is_away_while_ballots_are_cast(up, broker):
    begin(up, f"without-{broker}", rate=400)
    await_polling(up, f"without-{broker}")
    up.compose("kill", broker)
    exact(up, f"without-{broker}")
    with told(f"{broker} back"):
        up.compose("up", "--detach", "--wait", "--scale", "spark-worker=2")


def test_a_worker_is_away_while_ballots_are_counted(up):
    begin(up, "one-worker", rate=400)
    await_polling(up, "one-worker")
    first = up.compose("ps", "--quiet", "spark-worker").split()[0]
    up.run("docker", "kill", first)
    exact(up, "one-worker")
