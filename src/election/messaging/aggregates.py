"""Reads the aggregated topics from the beginning and folds them."""

from collections.abc import Mapping

from election.contracts import topics
from election.contracts.messages import TallyProgress
from election.messaging.reading import read
from election.totals import Totals

FOLDED = (topics.CANDIDATES, *topics.AGGREGATES, topics.TALLY_PROGRESS)
"""The topics that ``Totals`` reads."""


def folded(kafka: Mapping[str, str], only: int | None = None) -> Totals:
    """The current totals of all elections, or of ``only`` one (then without the progress).

    Raises NotReachable when Kafka or a topic is missing.
    """
    totals = Totals(only)
    for message in read(kafka, FOLDED):
        totals.apply(message.topic() or "", message.key(), message.value())
    return totals


def progress(kafka: Mapping[str, str]) -> TallyProgress | None:
    """The tally's latest progress message. Raises NotReachable as ``folded`` does."""
    totals = Totals()
    for message in read(kafka, topics.TALLY_PROGRESS):
        totals.apply(message.topic() or "", message.key(), message.value())
    return totals.progress
