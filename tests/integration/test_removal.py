"""An election that is removed leaves nothing that names it, and everybody copes with what stays in the log."""

import pytest
from psycopg.errors import InsufficientPrivilege

from election.casting import cast, close_poll
from election.contracts import topics
from election.count import driver, wait_until_counted
from election.count.rebuilding import rebuild
from election.errors import StageFailed, UnknownElection
from election.live.snapshots import Snapshots
from election.messaging.aggregates import folded
from election.messaging.reading import read
from election.messaging.rejected import rejected
from election.platform import Platform
from election.quality.validating import validate
from election.reconciliation import reconcile
from election.removal import remove
from election.results import export
from election.storage.elections import election
from tests import certifying

TABLES = ("elections", "ballot_keys", "contests", "candidates", "voters", "votes", "verdicts", "validations")


def rows(platform: Platform, election_no: int) -> int:
    with platform.connect("owner") as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table} WHERE election_no = %s", [election_no]).fetchone() or (0,)
            for table in TABLES
        ]
    return sum(number for (number,) in counts)


def test_a_certified_election_is_never_removed_and_only_the_owner_removes(tables):
    poll = certifying.voted(tables, "removal-certified", 100)
    certifying.certified(tables, poll.slug, by="admin")
    before = rows(tables, poll.election_no)
    with pytest.raises(StageFailed, match="is certified: it cannot be removed"):
        remove(tables, poll.slug, "admin")
    assert rows(tables, poll.election_no) == before
    for role in ("app", "auditor", "reader", "dashboard", "results_feed"):
        with pytest.raises(InsufficientPrivilege), tables.connect(role) as connection:
            connection.execute("SELECT remove_election('removal-certified', 'nobody')")
    with pytest.raises(UnknownElection):
        remove(tables, "removal-never-was", "admin")


def test_an_election_is_removed_and_the_others_stay_as_they_are(counting, published):
    gone, stays = published("removal-gone", voters=300), published("removal-stays", voters=300)
    for poll in (gone, stays):
        cast(counting, poll.slug)
        close_poll(counting, poll.slug)
        wait_until_counted(counting, poll.slug, timeout_stalled_s=240)
        export(counting, poll.slug)
        validate(counting, poll.slug, "count", lambda _: None)
    feed = Snapshots(counting)
    feed.start()
    try:
        assert driver.wait_for(lambda: feed.count.read(gone.election_no).counted.ballots > 0, 60)
        assert feed.registers.register(gone.slug) is not None
        assert remove(counting, gone.slug, "admin") > 0
        assert driver.wait_for(lambda: feed.count.read(gone.election_no).counted.ballots == 0, 60)
        assert driver.wait_for(lambda: gone.slug not in feed.count.registers(), 60)
        assert driver.wait_for(lambda: feed.registers.register(gone.slug, wait=0) is None, 60)
        assert gone.slug not in {known.slug for known in feed.registers.elections}
    finally:
        feed.stop()
    assert rows(counting, gone.election_no) == 0
    assert list(rejected(counting, gone.election_no)) == []
    settings = counting.settings
    assert not (settings.data_docs / gone.slug).exists() and not (settings.var / "results" / gone.slug).exists()
    assert gone.slug not in (settings.data_docs / "index.html").read_text()
    assert remove(counting, gone.slug, "admin") == 0, "repeated, it finds nothing"
    of_gone = b'"election":%d,' % gone.election_no
    assert any(of_gone in (message.value() or b"") for message in read(counting.kafka, topics.VOTES)), "the log stays"
    rebuild(counting)
    assert folded(counting.kafka).ballots(gone.election_no) == 0, "and is not counted again"
    wait_until_counted(counting, stays.slug, timeout_stalled_s=240)
    assert reconcile(counting, stays.slug).differences == ()
    again = published(gone.slug, voters=10)
    assert again.election_no > stays.election_no, "the number is not given again"
    with counting.connect("reader") as connection:
        assert election(connection, gone.slug).election_no == again.election_no
