"""Two sets of ballots compared by buckets: what the engine finds is what sets in Python find."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from election.buckets import compared, named, records, spill

# Few ids and contents, so that sides have much in common; ids differ in their first byte or in their last.
IDS = st.sampled_from([bytes([first]) + bytes(14) + bytes([last]) for first in (0, 1, 64, 255) for last in (0, 1, 128)])
SIDE = st.lists(st.tuples(IDS, st.tuples(st.integers(-3, 3), st.integers(-(2**62), 2**62))), max_size=40)


def spilled(folder, side):
    """In parts of three records."""
    parts = [side[at : at + 3] for at in range(0, len(side), 3)]
    return spill(
        folder,
        (
            records(b"".join(own for own, _ in part), *np.array([said for _, said in part], np.int64).T)
            for part in parts
        ),
    )


@settings(deadline=None, max_examples=30)
@given(SIDE, SIDE)
def test_what_differs_is_what_sets_say(ours, theirs):
    with TemporaryDirectory() as scratch:
        files = [spilled(Path(scratch, name), side) for name, side in (("ours", ours), ("theirs", theirs))]
        buckets = list(compared(files[0], files[1], 2))
    here, there = {own for own, _ in ours}, {own for own, _ in theirs}
    other = {own for own, said in theirs if own in here and (own, said) not in ours}
    for what, ids in (("missing", here - there), ("unknown", there - here), ("altered", other)):
        assert sorted(own for bucket in buckets for own in named(getattr(bucket, what))) == sorted(i.hex() for i in ids)
    assert sum(bucket.stored for bucket in buckets) == len(ours)
    assert sum(bucket.published for bucket in buckets) == len(there)
    assert sum(bucket.duplicates for bucket in buckets) == len(theirs) - len(set(theirs))
    assert all(bucket.equal for bucket in buckets) == (set(ours) == set(theirs))


def test_only_the_first_are_named_when_that_is_asked(tmp_path):
    files = [
        spilled(tmp_path / "ours", []),
        spilled(tmp_path / "theirs", [(bytes([64, n]) + bytes(14), (1, 1)) for n in range(9)]),
    ]
    (found,) = [bucket.unknown for bucket in compared(files[0], files[1], 2) if len(bucket.unknown)]
    assert len(named(found)) == 9 and named(found, 2) == named(found)[:2] and named(found, 0) == []
