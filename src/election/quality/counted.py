"""What the stream has counted against the votes, key by key; and whether it keeps up."""

import time

import pandas as pd

from election.contracts import topics
from election.messaging.aggregates import folded
from election.quality.suites import Look
from election.storage.elections import read_whole_elections
from election.storage.expected import expected_totals

FRESH = 60.0  # seconds within which a vote is to be counted


def counted_totals(look: Look) -> pd.DataFrame:
    """A row a key of an aggregated topic: ballots ``stored`` (GROUP BY in Postgres) and ``counted`` (on the topic).

    The topics are read first, so that in an open poll no total may be ahead.
    """
    found = folded(look.platform.kafka, look.poll.election_no).keyed(look.poll.election_no)
    with look.platform.connect("reader") as connection:
        read_whole_elections(connection)
        stored = expected_totals(connection, look.poll)
    rows = []
    for topic in topics.AGGREGATES:
        counted = {_without_generation(key): total.votes for key, total in found[topic].items()}
        for key in sorted(stored[topic].keys() | counted.keys()):
            rows.append((f"{topic} {key}", stored[topic].get(key, 0), counted.get(key, 0)))
    return pd.DataFrame(rows, columns=["key", "stored", "counted"])


def stream(look: Look) -> pd.DataFrame:
    """One row: votes stored more than FRESH seconds ago that are not ``counted``, and seconds since the stream told."""
    with look.platform.connect("reader") as connection:
        (due,) = connection.execute(
            "SELECT count(*) FROM votes WHERE election_no = %s AND cast_at < now() - make_interval(secs => %s)",
            [look.poll.election_no, FRESH],
        ).fetchone() or (0,)
    totals = folded(look.platform.kafka)
    told = totals.progress
    silent = None if told is None else round(time.time() - told.at / 1000, 1)
    generation = "the stream" if told is None else f"generation {told.generation}"
    return pd.DataFrame(
        [(generation, max(0, due - totals.ballots(look.poll.election_no)), silent)],
        columns=["key", "waiting", "silent"],
    )


def _without_generation(key: bytes) -> str:
    election_no, _, rest = key.decode().split("/", 2)
    return f"{election_no}/{rest}"
