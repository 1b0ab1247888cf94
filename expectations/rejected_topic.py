"""``rejected_topic``: the records that could not be used, by reason."""

from election.quality.gx import gxe
from election.quality.rejections import rejections
from election.quality.suites import Look, Suite, protects


def suite(look: Look) -> Suite | None:
    if look.checkpoint == "electorate" or look.poll.state == "registered":
        return None
    return Suite(
        "rejected_topic",
        "Rejected records by reason.",
        rejections,
        [
            gxe.ExpectColumnValuesToBeInSet(
                column="known",
                value_set=[True],
                **protects(
                    "known",
                    "Every rejected record has a known reason.",
                    "Another program than the platform wrote to the topic: `election rejected SLUG` lists the records.",
                ),
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="records",
                value_set=[0],
                **protects(
                    "none",
                    "No record was rejected, for any reason.",
                    "`election rejected SLUG` lists them; `--replay` offers them again after a fix.",
                    "warning",
                ),
            ),
        ],
    )
