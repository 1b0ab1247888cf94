"""What readers of live results follow while Kafka fails in between."""

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from tenacity import Retrying, retry_if_exception_type, stop_after_delay

from election.live.count import FOLLOWED, CountReader
from election.messaging.clients import consumer


class FailsOnce:
    """A consumer to which Kafka does not answer the first time it is asked for the ends of the third partition."""

    def __init__(self, reader: Consumer) -> None:
        self._reader, self._asked = reader, 0

    def __getattr__(self, name):
        return getattr(self._reader, name)

    def get_watermark_offsets(self, place: TopicPartition, timeout: float):
        self._asked += 1
        if self._asked == 3:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return self._reader.get_watermark_offsets(place, timeout=timeout)


def test_partitions_that_were_found_before_kafka_failed_are_followed_too(tables):
    reader = FailsOnce(consumer(tables.kafka))
    count = CountReader(tables.kafka)
    followed: dict[tuple[str, int], int] = {}
    try:
        # Topics that were just made fail by themselves for a moment.
        for attempt in Retrying(retry=retry_if_exception_type(KafkaException), stop=stop_after_delay(30)):
            with attempt:
                count._follow_new(reader, followed)  # type: ignore[arg-type]
        assert attempt.retry_state.attempt_number > 1
        assert {(place.topic, place.partition) for place in reader.assignment()} == set(followed)
        assert {name for name, _ in followed} == set(FOLLOWED)
    finally:
        reader.close()
