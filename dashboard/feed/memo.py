"""What readers of the same format see alike is worked out once for a snapshot, not once for each of them."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from election.live.snapshots import Snapshot

Given = ParamSpec("Given")
Piece = TypeVar("Piece")
_KEPT = 500  # readers choose the words of a search: what they ask for must not fill the memory


def memo(piece: Callable[Concatenate[Snapshot, Given], Piece]) -> Callable[Concatenate[Snapshot, Given], Piece]:
    """The piece, kept with its snapshot under whatever else it is made from; these values must be hashable."""

    @wraps(piece)
    def kept(snapshot: Snapshot, /, *values: Given.args, **named: Given.kwargs) -> Piece:
        key = (piece, values, tuple(named.items()))
        with snapshot.drawing:  # emptying a dict while another thread looks something up has ended CPython 3.11
            found: Piece | None = snapshot.pieces.get(key)
        if found is None:  # two who ask at once both make it; what they make is equal
            found = piece(snapshot, *values, **named)
            with snapshot.drawing:
                if len(snapshot.pieces) >= _KEPT:
                    snapshot.pieces.clear()
                snapshot.pieces[key] = found
        return found

    return kept
