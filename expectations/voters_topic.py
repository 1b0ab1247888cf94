"""``voters_topic``: the voters to whom casting offers the ballot."""

from election.quality.gx import gxe
from election.quality.suites import Look, Suite, protects, table
from election.reconciliation.electorate import PublishedVoters, published_voters


def suite(look: Look) -> Suite | None:
    # After the close of the poll the topic is not read again, and after a restore it has none of the earlier voters.
    if look.checkpoint == "schedule" and (look.closed or look.stand("voters", "districts")):
        return None
    if look.checkpoint not in ("casting", "schedule") or look.poll.voters_to is None:
        return None
    return Suite(
        "voters_topic",
        "The voters that were published for casting, district by district.",
        lambda look: table(PublishedVoters, published_voters(look.platform, look.poll, look.registered)),
        [
            gxe.ExpectColumnPairValuesToBeEqual(
                column_A="stored",
                column_B="published",
                ignore_row_if="either_value_is_missing",
                **protects(
                    "complete",
                    "Every voter of the table is on the topic, at least once.",
                    "Only voters on the topic are offered the ballot. Start the election again, under another slug.",
                ),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="there",
                value_set=[True],
                **protects(
                    "there",
                    "The topic still has what publication recorded.",
                    "It was recreated, as after a restore, so the published voters are unknown. The votes are still "
                    "compared with the voters' table.",
                    "warning",
                ),
            ),
        ],
    )
