"""The aggregated topics: compares the totals, which the dashboard shows, with the votes."""

import pandas as pd

from election.quality.gx import gxe
from election.quality.suites import Look, Suite, protects, table
from election.reconciliation.aggregates import Figure, figures
from election.reconciliation.mark import Mark, counted_since

_RECOUNT = "`election tally rebuild` counts the ballots again; totals on screen stay until it has caught up."


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("count", "schedule") or look.poll.state == "registered":
        return None
    unchanged = look.stand("votes", "voters", "candidates", "districts")
    if unchanged and not counted_since(look.platform, look.poll, Mark(**look.seen)):
        return None
    expectation = (
        gxe.ExpectColumnPairValuesToBeEqual(
            column_A="stored",
            column_B="counted",
            **protects("equal", "Every total equals GROUP BY on the votes, key by key.", _RECOUNT),
        )
        if look.counted
        else gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="stored",
            column_B="counted",
            or_equal=True,
            **protects("not_ahead", "While the poll is open, no total is ahead of the table.", _RECOUNT),
        )
    )
    return Suite(
        "aggregated_topics",
        "Every key of every aggregated topic, with the stored and the counted number of votes.",
        _totals,
        [expectation],
    )


def _totals(look: Look) -> pd.DataFrame:
    made = table(Figure, figures(look.platform, look.poll))
    made["key"] = made["topic"] + " " + made["key"]
    return made
