"""Compares the totals on the aggregated topics with those computed from the votes table, key by key."""

from collections.abc import Iterator
from typing import NamedTuple

from election.contracts import topics
from election.messaging.aggregates import folded
from election.platform import Platform
from election.storage.elections import Election, read_whole_elections
from election.storage.expected import expected_totals
from election.totals import Totals


class Figure(NamedTuple):
    """A total. ``key`` is the topic's Kafka key without the generation, which the database does not know."""

    topic: str
    key: str
    stored: int
    counted: int


def figures(platform: Platform, poll: Election) -> Iterator[Figure]:
    """Every total of the election, as stored (GROUP BY in Postgres) and as counted (on its topic).

    The topics are read first. In an open poll, therefore, no correct total is ahead of the table.
    """
    totals = folded(platform.kafka, poll.election_no)
    with platform.connect("reader") as connection:
        read_whole_elections(connection)
        stored = expected_totals(connection, poll)
    yield from compare_totals(stored, totals, poll)


def compare_totals(stored: dict[str, dict[str, int]], totals: Totals, poll: Election) -> Iterator[Figure]:
    """``stored`` are ballots by topic and key, as ``storage.expected`` computes them."""
    found = totals.keyed(poll.election_no)
    for topic in topics.AGGREGATES:
        counted = {_without_generation(key): total.votes for key, total in found[topic].items()}
        for key in sorted(stored[topic].keys() | counted.keys()):
            yield Figure(topic, key, stored[topic].get(key, 0), counted.get(key, 0))


def _without_generation(key: bytes) -> str:
    election_no, _, rest = key.decode().split("/", 2)
    return f"{election_no}/{rest}"
