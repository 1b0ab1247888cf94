"""The stream that counts: does it keep up?"""

from election.quality.counted import FRESH, stream
from election.quality.gx import gxe
from election.quality.suites import Look, Suite, protects

_LOOK = "`election tally status` says what the stream does; the DAG `tally_stream` starts it again."


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("count", "schedule") or look.poll.state == "registered":
        return None
    return Suite(
        "stream",
        "How fresh the totals are.",
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
                **protects("alive", f"The stream told of itself in the last {FRESH:.0f} seconds.", _LOOK, "warning"),
            ),
        ],
    )
