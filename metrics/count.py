"""The count: totals of each election, the tally's last report, and the topics' ends."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from election.contracts import topics
from election.contracts.messages import TallyProgress
from election.live.count import CountReader, Live
from election.live.status import Stream

TOPICS = tuple(topic.name for topic in topics.TOPICS)
UNKNOWN = ""
"""The label ``election`` of rejected records that no election is known of."""


def metrics(reader: CountReader, slugs: Mapping[int, str]) -> Iterator[Metric]:
    """Of the elections named by ``slugs``; nothing of them before the topics were read to their end."""
    if reader.caught_up.is_set():
        yield from _totals(reader, slugs)
    yield from tally_metrics(reader.live, datetime.now(UTC))


def _totals(reader: CountReader, slugs: Mapping[int, str]) -> Iterator[Metric]:
    counted = GaugeMetricFamily(
        "election_counted_votes",
        "Votes that the tally has counted: several a voter where a ballot paper has several contests.",
        labels=["election", "validity"],
    )
    voters = GaugeMetricFamily("election_counted_voters", "Voters whose ballot was counted.", labels=["election"])
    rejected = GaugeMetricFamily(
        "election_rejected_records",
        "Records on rejected_topic, each once; election is empty if it is unknown.",
        labels=["election", "stage", "reason"],
    )
    for number, slug in {**slugs, 0: UNKNOWN}.items():
        reading = reader.read(number)
        if number:
            counted.add_metric([slug, "valid"], sum(reading.counted.valid.values()))
            counted.add_metric([slug, "invalid"], sum(reading.counted.invalid.values()))
            first = (total.votes for total in reading.by_topic[topics.BALLOTS_PER_CONTEST] if total.position == 1)
            voters.add_metric([slug], sum(first))
        for (stage, reason), records in sorted(reading.rejected.items()):
            rejected.add_metric([slug, stage, reason], records)
    yield from (counted, voters, rejected)


def tally_metrics(live: Live, now: datetime) -> Iterator[Metric]:
    """What the tally last reported, and whether it stands still by the rule of the dashboard's banner."""
    yield _gauge(
        "election_tally_stands_still", "1 while ballots wait and no batch ends.", Stream.of(live).stands_still(now)
    )
    yield _gauge("election_unreadable_messages", "Messages on the topics of totals in no known form.", live.unusable)
    if live.progress is not None:
        yield from _reported(live.progress)


def _reported(told: TallyProgress) -> Iterator[Metric]:
    for name, text, value in (
        ("generation", "The generation that counts; a rebuild begins the next one.", told.generation),
        ("counted_votes", "Votes of all elections that this generation has counted.", told.votes),
        ("lag_messages", "Messages on votes_topic that the tally has not read.", told.lag),
        ("arriving_messages_per_second", "Messages arriving while the last batch ran.", told.input_rate),
        ("processed_messages_per_second", "Messages that the last batch processed.", told.processed_rate),
        ("batch_duration_seconds", "How long the last batch took.", told.batch_ms / 1000),
        ("duplicate_messages", "Redelivered ballots dropped since the driver started.", told.duplicates),
        ("rejected_messages", "Unusable messages since the driver started.", told.rejected),
        ("state_rows", "Ballots that the tally remembers.", told.state_rows),
        ("state_bytes", "Memory of the tally's state.", told.state_bytes),
        ("reported_timestamp_seconds", "When the tally last reported.", told.at / 1000),
        ("batch_ended_timestamp_seconds", "When its last batch ended.", (told.batch_at or told.at) / 1000),
    ):
        yield _gauge(f"election_tally_{name}", text, value)


def topic_metrics(ends: Mapping[str, int]) -> Iterator[Metric]:
    written = CounterMetricFamily(
        "election_topic_messages", "Messages written to a topic, markers of transactions included.", labels=["topic"]
    )
    for topic, end in ends.items():
        written.add_metric([topic], end)
    yield written


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))
