"""Fault points for drills: a worker that dies at a chosen step of the loop.

``ELECTION_CASTING_FAULT=stored:3`` kills the process, as SIGKILL does, when its third batch has reached that step.
"""

import os
import signal
from typing import Literal, get_args

from election.errors import BadInput

Step = Literal["consumed", "sent", "stored", "produced", "flushed", "committed"]
STEPS: tuple[Step, ...] = get_args(Step)


class FaultPoints:
    def __init__(self, setting: str) -> None:
        step, _, batch = setting.partition(":")
        if setting and (step not in STEPS or not batch.isdigit()):
            raise BadInput(
                f"ELECTION_CASTING_FAULT={setting!r} is not a fault point. Use one of {', '.join(STEPS)}, then :N."
            )
        self._step, self._left = step, int(batch or 0)

    def reach(self, step: Step) -> None:
        if step == self._step:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
