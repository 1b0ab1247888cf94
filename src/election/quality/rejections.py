"""Counts rejected records by reason."""

from collections import Counter

import pandas as pd

from election.contracts.rejection import REASONS
from election.messaging.rejected import rejected
from election.quality.suites import Look


def rejections(look: Look) -> pd.DataFrame:
    """A row for each reason: the number of ``records``, and whether it is a ``known`` one. Bytes stay on the topic."""
    found = Counter(record.reason for record in rejected(look.platform, look.poll.election_no))
    reasons = [*REASONS, *sorted(found.keys() - set(REASONS))]
    return pd.DataFrame(
        [
            (
                f"{reason} ({found[reason]:,})" if reason in REASONS else "an unknown reason",
                found[reason],
                reason in REASONS,
            )
            for reason in reasons
        ],
        columns=["key", "records", "known"],
    )
