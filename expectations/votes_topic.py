"""``votes_topic``: compares the ballots that the tally reads with the stored ones."""

import pandas as pd

from election.quality.gx import gxe
from election.quality.suites import Look, Suite, protects, table
from election.reconciliation.ballots import Row, ballot_rows
from election.reconciliation.mark import Mark, Since

_FORGED = (
    "A process other than casting wrote to the topic. `election reconcile SLUG` names the ballots; `election "
    "quarantine SLUG` has the tally skip them, by a person's decision."
)


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("casting", "schedule") or look.poll.state == "registered":
        return None
    closed = [
        gxe.ExpectColumnValuesToNotBeInSet(
            column="kind",
            value_set=["missing"],
            **protects(
                "published",
                "Every stored ballot is on the topic.",
                "`election republish SLUG` publishes the stored ballots again; the tally drops those it has counted.",
            ),
        ),
        gxe.ExpectColumnPairValuesToBeEqual(
            column_A="stored",
            column_B="published",
            ignore_row_if="both_values_are_missing",
            **protects(
                "buckets",
                "Ballots and choices, hashed by bucket, are the same on the topic and in the table.",
                "The other expectations of this suite, or of the votes, name the ballots.",
            ),
        ),
    ]
    return Suite(
        "votes_topic",
        "Ballots by id and choice. The ids are keyed hashes, which do not identify a voter.",
        _ballots,
        [
            gxe.ExpectColumnValuesToNotBeInSet(
                column="kind",
                value_set=["unknown"],
                **protects("known", "Every ballot on the topic is stored.", _FORGED),
            ),
            gxe.ExpectColumnValuesToNotBeInSet(
                column="kind",
                value_set=["altered"],
                **protects("unaltered", "Every ballot on the topic has the stored choice.", _FORGED),
            ),
            *(closed if look.closed else []),
        ],
    )


def _ballots(look: Look) -> pd.DataFrame:
    since = None if look.changed is None else Since(Mark(**look.seen), look.changed)
    return table(Row, ballot_rows(look.platform, look.poll, since))
