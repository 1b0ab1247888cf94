"""Ties, and the lots that settle them: no tie is ever settled by position, spelling or order of arrival."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from election.errors import BadInput

Key = int | str
"""A contender by the number of their first line, or a party by its abbreviation."""

K = TypeVar("K", int, str)


@dataclass(frozen=True)
class Tie:
    """Equal claims to fewer places: ``chosen`` of ``between`` are to be drawn by lot.

    ``contest`` is the contest's number, None for the whole election. ``step`` says what the lot decides, such as
    ``seat`` or ``stage 5: exclusion``. ``between`` is in ascending order.
    """

    contest: int | None
    step: str
    between: tuple[Key, ...]
    chosen: int


Lots = Mapping[Tie, tuple[Key, ...]]
"""Recorded lots. A lot belongs to exactly one tie: if a correction changes who is tied, another lot is needed."""


@dataclass
class Draw:
    """Applies recorded ``lots`` during one decision and keeps the ties met: ``settled`` by a lot, or still ``open``."""

    lots: Lots = field(default_factory=dict)
    settled: list[Tie] = field(default_factory=list)
    open: list[Tie] = field(default_factory=list)

    def settle(self, contest: int | None, step: str, between: Iterable[K], chosen: int) -> tuple[K, ...]:
        """Those whom the recorded lot chose, in the order of ``between``; empty if there is no lot yet.

        Raises BadInput if the lot does not name ``chosen`` of those who are tied.
        """
        tied = tuple(sorted(between))
        tie = Tie(contest, step, tied, chosen)
        drawn = self.lots.get(tie)
        if drawn is None:
            self.open.append(tie)
            return ()
        if len(set(drawn)) != chosen or not set(drawn) <= set(tied):
            raise BadInput(
                f"The lot for {_where(tie)} names {', '.join(map(str, drawn))}. "
                f"Draw {chosen} of {', '.join(map(str, tied))}."
            )
        self.settled.append(tie)
        return tuple(key for key in tied if key in drawn)


def _where(tie: Tie) -> str:
    return f"the {tie.step} of " + ("the election" if tie.contest is None else f"contest {tie.contest}")
