"""All metrics of one scrape. A source that does not answer leaves its figures out, and is reported as down."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
from confluent_kafka import KafkaException
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from election.casting import open_polls
from election.errors import ElectionError, NotReachable
from election.live.count import CountReader
from election.messaging.reading import sizes
from election.platform import Platform
from metrics import casting, count, database, services

log = logging.getLogger(__name__)
_AWAY = (ElectionError, psycopg.Error, KafkaException)


class Figures(Collector):
    """Reads every source at each ``collect``, as the Postgres role and the Kafka user of this service."""

    def __init__(self, platform: Platform, reader: CountReader) -> None:
        # Whatever role a function asks for, it gets the one that this service has.
        self._platform = Platform(lambda _role: platform.connect("metrics"), platform.login, platform.settings)
        self._reader = reader

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registration must not read the sources."""
        return ()

    def collect(self) -> Iterator[Metric]:
        elections: list[database.Election] = []

        def postgres() -> Iterator[Metric]:
            with self._platform.connect("metrics") as connection:
                connection.execute("SET statement_timeout = '5s'")
                yield from database.postgres_metrics(connection)
                if database.may_read(connection):
                    elections.extend(database.elections(connection))
                    yield from database.election_metrics(elections)

        def kafka() -> Iterator[Metric]:
            if trouble := self._reader.pulse.now.trouble:  # asking again would take the time that a scrape has
                raise NotReachable(trouble)
            yield from count.topic_metrics(sizes(self._platform.kafka, count.TOPICS))
            yield from casting.metrics(open_polls(self._platform, database.MOST) if elections else [])

        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(services.answers, self._platform.settings)
            postgres_up = yield from _all_or_none("Postgres", postgres)
            kafka_up = yield from _all_or_none("Kafka", kafka)
            up = asked.result() | {"postgres": postgres_up, "kafka": kafka_up}
        yield from count.metrics(self._reader, {election.number: election.slug for election in elections})
        yield from services.metrics(up)
        disk = psutil.disk_usage(str(self._platform.settings.var))
        free = GaugeMetricFamily("election_disk_free", "Free space on the disk of the platform's folder.", unit="bytes")
        size = GaugeMetricFamily("election_disk_size", "The size of that disk.", unit="bytes")
        free.add_metric([], disk.free)
        size.add_metric([], disk.total)
        yield from (free, size)


def _all_or_none(source: str, read: Callable[[], Iterator[Metric]]) -> Generator[Metric, None, bool]:
    """Everything that the source gives, or nothing if it fails on the way. Returns whether it answered."""
    try:
        found = list(read())
    except _AWAY as error:
        log.warning("%s did not answer: %s", source, str(error).splitlines()[0] if str(error) else type(error).__name__)
        return False
    yield from found
    return True
