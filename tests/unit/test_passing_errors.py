"""Which errors of Kafka go away by themselves, so that whoever met them asks again."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from election.messaging.clients import is_transient


@pytest.mark.parametrize(
    ("code", "goes_away"),
    [
        (KafkaError._TRANSPORT, True),
        (KafkaError._DESTROY_BROKER, True),  # a question that was under way while the broker went
        (KafkaError._TIMED_OUT_QUEUE, True),
        (KafkaError._UNKNOWN_PARTITION, True),  # where a topic ends, asked of a broker that has just come back
        (KafkaError.NOT_COORDINATOR, True),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, False),
        (KafkaError.OFFSET_OUT_OF_RANGE, False),
        (KafkaError.MSG_SIZE_TOO_LARGE, False),
    ],
)
def test_an_error_of_a_broker_that_comes_and_goes_passes(code: int, goes_away: bool) -> None:
    assert is_transient(KafkaException(KafkaError(code))) is goes_away


def test_an_error_of_something_else_does_not_pass() -> None:
    assert not is_transient(ValueError("no broker's"))
