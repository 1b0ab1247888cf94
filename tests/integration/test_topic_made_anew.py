"""A topic that was deleted and made anew under an open poll: casting says so, and what is left to do."""

import pytest

from election.casting import cast, close_poll, reject_late
from election.contracts.messages import ExternalBallot
from election.errors import StageFailed
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
    with pytest.raises(StageFailed, match=rf"{column}_topic was made anew.*register .* under another slug"):
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
    assert "made anew" in told[0]
    assert cast(tables, poll.slug, log=told.append).records == 0
    assert "made anew" in told[1]
    assert tally(tables, poll) == {1: 1}
