"""``candidates_topic``: the candidates that readers of the totals know, also those without a vote."""

from election.quality.gx import gxe
from election.quality.suites import Look, Suite, protects, table
from election.reconciliation.electorate import PublishedCandidate, published_candidates


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("casting", "schedule") or look.poll.voters_to is None:
        return None
    return Suite(
        "candidates_topic",
        "The published candidates, by digests of their name, party and contest.",
        lambda look: table(PublishedCandidate, published_candidates(look.platform, look.poll)),
        [
            gxe.ExpectColumnPairValuesToBeEqual(
                column_A="stored",
                column_B="published",
                **protects(
                    "same",
                    "The topic has the table's candidates, with the same name, party and contest.",
                    "Clear `publication.publish_candidates` in the run, or run `election publish SLUG`.",
                ),
            )
        ],
    )
