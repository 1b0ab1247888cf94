"""``voters_topic``: who is offered the ballot."""

from election.quality.gx import gxe
from election.quality.suites import Look, Suite, protects, table
from election.reconciliation.electorate import PublishedVoters, published_voters


def suite(look: Look) -> Suite | None:
    # Once the poll is closed nobody reads the topic any more, and a restored platform's has no voter of before.
    if look.checkpoint == "schedule" and (look.closed or look.stand("voters", "contests")):
        return None
    if look.checkpoint not in ("casting", "schedule") or look.poll.voters_to is None:
        return None
    return Suite(
        "voters_topic",
        "The voters that were published for casting, contest by contest.",
        lambda look: table(PublishedVoters, published_voters(look.platform, look.poll, look.registered)),
        [
            gxe.ExpectColumnPairValuesToBeEqual(
                column_A="stored",
                column_B="published",
                ignore_row_if="either_value_is_missing",
                **protects(
                    "complete",
                    "Every voter of the table is on the topic, once at least.",
                    "Only who is on the topic is offered the ballot. Start the election anew, under another slug.",
                ),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="there",
                value_set=[True],
                **protects(
                    "there",
                    "The topic still has what publication recorded.",
                    "It was created again, as after a restore: who was published cannot be asked any more. The votes "
                    "are compared with the voters' table all the same.",
                    "warning",
                ),
            ),
        ],
    )
