"""Stage 4, casting: takes every ballot in, stores it once, then publishes it.

The loop: consume a batch → one transaction → read the stored ballots back → idempotent produce → flush without an
error → commit the offsets. A worker may die after any step. When the batch is offered again, stored ballots are
published, and ballots that are published twice are duplicates, which the tally drops.
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
