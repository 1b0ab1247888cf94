"""A feed that goes on after the poll: what comes when no worker reads any more is rejected as late all the same."""

from collections import Counter

import pytest
from typer.testing import CliRunner

from election.casting import cast, close_poll, reject_late
from election.casting.range import Range
from election.cli import app
from election.contracts import topics
from election.contracts.messages import ExternalBallot
from election.errors import StageFailed
from election.messaging.rejected import rejected
from tests.ballots import compared, send, tally
from tests.certifying import certified


def came(platform, poll, *voters):
    send(platform, *(ExternalBallot(1, poll.election_no, voter, 1, 1) for voter in voters))


def reasons(platform, poll):
    return Counter(record.reason for record in rejected(platform, poll.election_no))


def test_what_comes_after_the_workers_have_ended_is_rejected_as_late(tables, published):
    poll = published("late-feed", voters=100, ballots="external")
    came(tables, poll, *range(1, 21))
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    came(tables, poll, 30, 31)
    assert reject_late(tables, poll.slug) == 2
    assert reject_late(tables, poll.slug) == 0
    came(tables, poll, 1, 32)  # voter 1 repeats what is stored, and is late with it
    answer = CliRunner().invoke(app, ["cast", poll.slug], catch_exceptions=False)
    assert answer.exit_code == 0 and "2 records rejected" in answer.output
    assert reasons(tables, poll) == {"late": 4}
    assert tally(tables, poll) == {1: 20}
    assert compared(tables, poll).differing == 0


def test_a_certified_election_rejects_what_still_comes_and_stays_as_it_is(tables, published):
    poll = published("late-certified", voters=10, ballots="external")
    came(tables, poll, 1, 2)
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    certified(tables, poll.slug)
    came(tables, poll, 3)
    assert reject_late(tables, poll.slug) == 1
    assert reasons(tables, poll) == {"late": 1}
    assert tally(tables, poll) == {1: 2}


def test_nothing_is_late_before_the_poll_is_closed_nor_where_voters_are_simulated(tables, published):
    poll = published("late-open", voters=10, ballots="external")
    with pytest.raises(StageFailed, match="election close late-open"):
        reject_late(tables, poll.slug)
    close_poll(tables, poll.slug)
    assert reject_late(tables, published("late-simulated", voters=10).slug) == 0


def test_workers_that_saw_the_close_one_after_the_other_do_not_wait_for_each_other():
    """What the one commits is what the other, whose end is later, waits for."""
    sooner = Range(topics.BALLOTS, "a group", {0: 0}, {0: 100})
    assert sooner.holds_all({0: 101}) and sooner.within(0, 101) == 101
    voters = Range(topics.VOTERS, "a group", {0: 0}, {0: 100})  # what comes behind these is another election's
    assert not voters.holds_all({0: 101}) and voters.within(0, 101) == 100
