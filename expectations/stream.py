"""The tally: whether it keeps up with the votes."""

from election.quality.counted import FRESH, stream
from election.quality.gx import gxe
from election.quality.suites import Look, Suite, protects

_LOOK = "`election tally status` shows the state of the tally; the DAG `tally_stream` starts it again."


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("count", "schedule") or look.poll.state == "registered":
        return None
    return Suite(
        "stream",
        "The age of the totals.",
        stream,
        [
            gxe.ExpectColumnMaxToBeBetween(
                column="waiting",
                max_value=0,
                **protects("fresh", f"Every vote is counted within {FRESH:.0f} seconds.", _LOOK, "warning"),
            ),
            gxe.ExpectColumnMaxToBeBetween(
                column="silent",
                max_value=FRESH,
                **protects("alive", f"The tally reported progress in the last {FRESH:.0f} seconds.", _LOOK, "warning"),
            ),
        ],
    )
