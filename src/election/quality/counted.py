"""Measures whether the tally keeps up with the votes."""

import time

import pandas as pd

from election.messaging.aggregates import folded, progress
from election.quality.suites import Look

FRESH = 60.0  # seconds within which the tally must count a vote


def stream(look: Look) -> pd.DataFrame:
    """One row: ``waiting`` votes, stored over FRESH seconds ago and not counted; ``silent`` seconds of the tally."""
    with look.platform.connect("reader") as connection:
        (due,) = connection.execute(
            "SELECT count(*) FROM votes WHERE election_no = %s AND cast_at < now() - make_interval(secs => %s)",
            [look.poll.election_no, FRESH],
        ).fetchone() or (0,)
    counted = folded(look.platform.kafka, look.poll.election_no).ballots(look.poll.election_no)
    told = progress(look.platform.kafka)
    silent = None if told is None else round(time.time() - told.at / 1000, 1)
    generation = "the stream" if told is None else f"generation {told.generation}"
    return pd.DataFrame(
        [(generation, max(0, due - counted), silent)],
        columns=["key", "waiting", "silent"],
    )
