"""Faults that a trainer plants in a box, for an audit to find: what is counted and what the papers say then differ."""

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from election.errors import BadInput

Says = NDArray[np.int32]
"""What each paper of a box says: a candidate's number, INVALID or LOST."""
INVALID, LOST = 0, -1


@dataclass(frozen=True)
class Faults:
    """In one contest, the first unless ``contest`` names another one by its number.

    ``flipped``: papers for another candidate whose ballots were counted for the winner. ``swapped``: pairs of boxes
    that stand in each other's place. ``lost``: papers that are not in their box any more.
    """

    flipped: int = 0
    swapped: int = 0
    lost: int = 0
    contest: int | None = None

    @property
    def planned(self) -> bool:
        return bool(self.flipped or self.swapped or self.lost)


def plant(boxes: list[Says], faults: Faults, winner: int, runner_up: int, chance: Random) -> list[Says]:
    """The papers of a contest's boxes with the faults in them; which papers they meet, ``chance`` says.

    Raises BadInput when there are not so many papers or boxes.
    """
    planted = [box.copy() for box in boxes]
    _each(planted, winner, faults.flipped, runner_up, chance, "papers for the winner to flip")
    if faults.swapped * 2 > len(planted):
        raise BadInput(f"There are {len(planted):,} boxes, not {faults.swapped * 2:,} to swap. Swap fewer.")
    drawn = chance.sample(range(len(planted)), faults.swapped * 2)
    for one, other in zip(drawn[::2], drawn[1::2], strict=True):
        planted[one], planted[other] = planted[other], planted[one]
    _each(planted, None, faults.lost, LOST, chance, "papers to lose")
    return planted


def _each(boxes: list[Says], which: int | None, number: int, becomes: int, chance: Random, what: str) -> None:
    places = [
        (box, int(place))
        for box, says in enumerate(boxes)
        for place in np.flatnonzero(says != LOST if which is None else says == which)
    ]
    if number > len(places):
        raise BadInput(f"There are {len(places):,} {what}, not {number:,}. Plant fewer.")
    for box, place in chance.sample(places, number):
        boxes[box][place] = becomes
