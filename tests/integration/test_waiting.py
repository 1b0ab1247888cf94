"""Whoever waits for a count gives up when it stands still, not when it is busy with other votes first."""

import json
import threading
import time

import pytest

from election.casting import cast
from election.contracts import topics
from election.count import wait_until_counted
from election.count.folder import tally_folder
from election.errors import StageFailed

STALLED = 2.0  # seconds


@pytest.fixture
def checkpoint(tables):
    """The folder in which a count notes its batches; no driver runs here."""
    folder = tally_folder(tables.settings)
    found = folder.checkpoint(folder.generation)
    for log in ("offsets", "commits"):
        (found / log).mkdir(parents=True)
    yield found
    for file in found.glob("*/*"):
        file.unlink()
    for folder_of_log in found.iterdir():
        folder_of_log.rmdir()
    found.rmdir()


def test_a_count_that_is_busy_with_other_votes_is_waited_for(tables, published, checkpoint):
    poll = published("wait-behind", voters=500)
    cast(tables, poll.slug)
    busy = threading.Event()

    def other_votes_are_counted():
        for batch in range(12):
            (checkpoint / "offsets" / str(batch)).write_text(f"v1\n{{}}\n{json.dumps({topics.VOTES: {'0': batch}})}")
            (checkpoint / "commits" / str(batch)).touch()
            time.sleep(0.5)
        busy.set()

    began = time.monotonic()
    threading.Thread(target=other_votes_are_counted).start()
    with pytest.raises(StageFailed, match="nothing has moved for"):
        wait_until_counted(tables, poll.slug, timeout_stalled_s=STALLED)
    assert busy.is_set(), f"given up after {time.monotonic() - began:.1f} s, while it counted"
