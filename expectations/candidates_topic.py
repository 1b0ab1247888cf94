"""``candidates_topic``: whom readers of the totals know, those without a vote among them."""

from election.quality.gx import gxe
from election.quality.published import published_candidates
from election.quality.suites import Look, Suite, protects


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("casting", "schedule") or look.poll.voters_to is None:
        return None
    return Suite(
        "candidates_topic",
        "The published candidates, by digests of their name, party and contest.",
        published_candidates,
        [
            gxe.ExpectColumnPairValuesToBeEqual(
                column_A="stored",
                column_B="published",
                **protects(
                    "same",
                    "The topic has the candidates of the table, under the same name, party and contest.",
                    "Clear `publication.publish_candidates` in the run, or run `election publish SLUG`.",
                ),
            )
        ],
    )
