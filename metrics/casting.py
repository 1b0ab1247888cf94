"""Polls that are open: the same progress that `election status` shows."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from election.casting import Progress


def metrics(polls: Iterable[Progress]) -> Iterator[Metric]:
    total = GaugeMetricFamily(
        "election_casting_records", "Voters, or a feed's ballots, that an open poll offers.", labels=["election"]
    )
    done = GaugeMetricFamily(
        "election_casting_done_records", "Records of an open poll that are stored and published.", labels=["election"]
    )
    lag = GaugeMetricFamily(
        "election_casting_lag_records", "Records of an open poll that casting has not done.", labels=["election"]
    )
    for poll in polls:
        total.add_metric([poll.election], poll.total)
        done.add_metric([poll.election], poll.done)
        lag.add_metric([poll.election], poll.total - poll.done)
    yield from (total, done, lag)
