"""Stage 4, casting: every ballot is taken in, stored once, then published.

The loop: consume a batch → one transaction → read back what is stored → idempotent produce → flush
without an error → commit the offsets. A worker may die after any step: what was stored is published
when the batch is offered again, and what was published again is a duplicate.
"""

from election.casting.late import reject_late
from election.casting.patience import Patience
from election.casting.poll import close_poll, open_poll
from election.casting.progress import Progress, open_polls
from election.casting.replaying import Replayed, replay
from election.casting.republishing import republish
from election.casting.worker import Cast, cast

__all__ = [
    "Cast",
    "Patience",
    "Progress",
    "Replayed",
    "cast",
    "close_poll",
    "open_poll",
    "open_polls",
    "reject_late",
    "replay",
    "republish",
]
