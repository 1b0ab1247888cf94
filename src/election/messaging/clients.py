"""Kafka clients with the settings that keep every record."""

from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient

from election.contracts.topics import MAX_REJECTED_BYTES
from election.errors import NotReachable, StageFailed

# librdkafka logs to stderr even what it recovers from. What it cannot recover from is an error at the call.
_QUIET = {"log_level": 0}


# Errors that a consumer returns among records while a leader is elected, a broker restarts, or the process paused for
# longer than max.poll.interval.ms. Records follow later. librdkafka's `retriable()` is true in transactions only.
_BETWEEN_RECORDS = {
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._RESOLVE,  # a broker whose container is down has no address either
    KafkaError._DESTROY_BROKER,
    KafkaError._MAX_POLL_EXCEEDED,
    KafkaError._PARTITION_EOF,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._WAIT_COORD,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.NOT_COORDINATOR,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
}


# Permanent errors: they stay until a person fixes a right, a setting or a record.
_LASTING = {
    KafkaError._AUTHENTICATION,
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError._FATAL,
    KafkaError._INVALID_ARG,
    KafkaError._UNSUPPORTED_FEATURE,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.INVALID_CONFIG,
    KafkaError.INVALID_GROUP_ID,
    KafkaError.INVALID_RECORD,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError.POLICY_VIOLATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError.UNSUPPORTED_VERSION,
}


def is_transient(error: BaseException) -> bool:
    """Whether the error is a transient Kafka error, so that a retry may succeed.

    Every error is transient except the known permanent ones: a broker that stops during a call causes too many
    different errors to list.
    """
    return isinstance(error, KafkaException) and error.args[0].code() not in _LASTING


def admin(kafka: Mapping[str, str]) -> AdminClient:
    return AdminClient({**kafka, **_QUIET})


RESTFUL: dict[str, object] = {"fetch.wait.max.ms": 500}
"""Long polling, for a consumer that follows topics for long: records arrive as soon, with fewer empty fetches."""


def consumer(kafka: Mapping[str, str], group: str | None = None, **config: object) -> Consumer:
    """A consumer that commits only on request. Without a group, use it with ``assign`` alone."""
    return Consumer(
        {
            **kafka,
            **_QUIET,
            "group.id": group or "election-reader",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            # Other requests, such as the one for a topic's end, wait behind an empty fetch.
            "fetch.wait.max.ms": 50,
            **config,
        }
    )


class SafeProducer:
    """An idempotent producer that loses nothing silently: ``flush`` returns only when every record is on the topic.

    ``produce`` and ``flush`` raise NotReachable when a record could not be delivered, and StageFailed when Kafka
    refuses a record permanently.
    """

    def __init__(self, kafka: Mapping[str, str], **config: object) -> None:
        self._error: KafkaError | None = None
        self._producer = Producer(
            {
                **kafka,
                **_QUIET,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 5,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 200_000,
                "queue.buffering.max.kbytes": 262_144,
                "delivery.timeout.ms": 120_000,
                "message.max.bytes": MAX_REJECTED_BYTES,
                # A callback for each record would cost more than the record, so only failures call back.
                "delivery.report.only.error": True,
                "on_delivery": self._delivered,
                **config,
            }
        )

    def produce(self, topic: str, value: bytes | None, key: bytes, partition: int = -1) -> None:
        """Queues one record; waits while the local queue is full. ``partition`` -1 chooses it by the key's hash."""
        while True:
            try:
                self._producer.produce(topic, value, key, partition)
                return
            except BufferError:  # the local queue is full: let it drain, then offer the record again
                self._producer.poll(0.1)
                self._check()

    def produce_all(self, topic: str, records: Iterable[tuple[bytes, bytes, int]]) -> None:
        """``produce`` for each (value, key, partition); waits and raises as it does."""
        produce = self._producer.produce
        for value, key, partition in records:
            try:
                produce(topic, value, key, partition)
            except BufferError:
                self.produce(topic, value, key, partition)

    def flush(self, seconds: float = 130) -> None:
        left = self._producer.flush(seconds)
        self._check()
        if left:
            raise NotReachable(f"{left} records are not on their topic after {seconds:.0f} s; is Kafka up?")

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._error = error

    def _check(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            if error.code() in _LASTING:
                raise StageFailed(
                    f"Kafka refuses a record: {error}. Fix the topic or the rights, then go on from there."
                )
            raise NotReachable(f"Kafka did not take a record: {error}")


def consume(source: Consumer, number: int, seconds: float) -> list[Message]:
    """Up to ``number`` records, waiting at most ``seconds``. Raises KafkaException for each error not known to pass."""
    found = source.consume(number, seconds)
    errors = list(filter(None, map(Message.error, found)))
    for error in errors:
        if error.code() not in _BETWEEN_RECORDS:
            raise KafkaException(error)
    return [message for message in found if message.error() is None] if errors else found
