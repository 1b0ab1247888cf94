"""A topic that was deleted and made anew under an open poll: casting says so, and what is left to do."""

import pytest

from election.casting import cast, close_poll, reject_late
from election.contracts.messages import ExternalBallot
from election.errors import StageFailed
from election.quality import require_ok
from election.quality.validating import validate
from election.reconciliation import reconcile
from tests.ballots import send, tally


def set_back(platform, slug, column):
    """Offsets of a topic that is gone: the new one has not come so far."""
    begin, end = '{"0": 99999990, "1": 99999990}', '{"0": 99999999, "1": 99999999}'
    with platform.connect("app") as connection:
        connection.execute(f"UPDATE elections SET {column}_from = %s WHERE slug = %s", [begin, slug])
        connection.execute(f"UPDATE elections SET {column}_to = %s WHERE slug = %s", [end, slug])


@pytest.mark.parametrize(
    ("slug", "ballots", "column"), [("anew-voters", "simulated", "voters"), ("anew-ballots", "external", "ballots")]
)
def test_casting_from_a_topic_that_was_made_anew_ends_with_the_way_on(tables, published, slug, ballots, column):
    poll = published(slug, voters=100, ballots=ballots)
    set_back(tables, poll.slug, column)
    with pytest.raises(StageFailed, match=rf"{column}_topic was recreated.*register .* under another slug"):
        cast(tables, poll.slug)


def test_of_a_closed_poll_whose_feed_was_made_anew_nothing_is_taken(tables, published):
    poll = published("anew-closed", voters=100, ballots="external")
    send(tables, ExternalBallot(1, poll.election_no, 1, 1, 1))
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    set_back(tables, poll.slug, "ballots")
    send(tables, ExternalBallot(1, poll.election_no, 2, 1, 1))
    told: list[str] = []
    assert reject_late(tables, poll.slug, told.append) == 0
    assert "was recreated" in told[0]
    assert cast(tables, poll.slug, log=told.append).records == 0
    assert "was recreated" in told[1]
    assert tally(tables, poll) == {1: 1}


@pytest.mark.parametrize("grown", [False, True])
def test_the_gate_after_casting_asks_what_can_be_asked_of_a_topic_that_was_made_anew(tables, published, grown):
    poll = published(f"anew-gate-{grown}".lower(), voters=100)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    if grown:  # later elections have filled it beyond where this one's voters were
        published("anew-later", voters=200)
        with tables.connect("app") as connection:
            connection.execute(
                "UPDATE elections e SET voters_from = l.voters_from, voters_to = l.voters_to FROM elections l "
                "WHERE l.slug = 'anew-later' AND e.slug = %s",
                [poll.slug],
            )
    else:
        set_back(tables, poll.slug, "voters")
    found = validate(tables, poll.slug, "casting", lambda _: None)
    assert {(finding.name, finding.severity) for finding in found.findings} == {("voters_topic.there", "warning")}
    require_ok([found], "reports")


def test_reconciliation_says_what_it_cannot_ask_of_a_feed_that_was_made_anew(tables, published):
    poll = published("anew-fed", voters=100, ballots="external")
    send(tables, ExternalBallot(1, poll.election_no, 1, 1, 1))
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    assert reconcile(tables, poll.slug).unasked == ()
    set_back(tables, poll.slug, "ballots")
    verdict = reconcile(tables, poll.slug)
    assert len(verdict.unasked) == 1
    assert "ballots_topic was recreated" in verdict.unasked[0]
