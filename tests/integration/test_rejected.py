"""Rejected records are listed, counted and put back after a fix; stored votes are published again."""

import json
from collections import Counter

import pytest
from typer.testing import CliRunner

from election.casting import cast, close_poll, replay, republish
from election.cli import app
from election.contracts.messages import ExternalBallot
from election.errors import StageFailed
from election.preparation import Registration, register
from tests.ballots import compared, send, tally
from tests.certifying import certified


def asked(*arguments, status=0):
    """What the command answers as JSON."""
    answer = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert answer.exit_code == status, answer.output
    return json.loads(answer.output)


@pytest.fixture(scope="module")
def faulty(tables, published):
    """A closed poll whose feed named a candidate that nobody had registered, ten times, and sent garbage once."""
    poll = published("rejected-candidate", voters=100, ballots="external")
    known = [ExternalBallot(1, poll.election_no, voter, 1, 1) for voter in range(1, 21)]
    unknown = [ExternalBallot(1, poll.election_no, voter, 1, 9) for voter in range(21, 31)]
    send(tables, *known, *unknown, b"garbage")
    close_poll(tables, poll.slug)
    send(tables, ExternalBallot(1, poll.election_no, 40, 1, 1))
    cast(tables, poll.slug)
    return poll


def test_rejected_records_are_counted_and_listed_by_reason(faulty):
    answer = asked("rejected", faulty.slug)
    assert (answer["election"], answer["rejected"]) == (faulty.slug, 12)
    assert answer["reasons"] == {"unknown_candidate": 10, "not_json": 1, "late": 1}
    assert Counter(record["reason"] for record in answer["records"]) == answer["reasons"]
    shown = CliRunner().invoke(app, ["rejected", faulty.slug, "--limit", "3"], catch_exceptions=False)
    assert "12 records" in shown.output and "unknown_candidate" in shown.output


def test_records_put_back_before_the_fix_stay_rejected_and_count_once(tables, faulty):
    assert asked("rejected", faulty.slug, "--replay", status=1)["replayed"] == {"offered": 12, "accepted": 0}
    assert asked("rejected", faulty.slug)["rejected"] == 12
    assert tally(tables, faulty) == {1: 20}


def test_records_put_back_after_the_fix_are_stored_published_and_no_longer_rejected(tables, faulty):
    with tables.connect("app") as connection:
        connection.execute(
            """INSERT INTO candidates SELECT election_no, contest_no, 9, given_name, 'Added', gender, party,
                   party_abbreviation, NULL, NULL
               FROM candidates WHERE election_no = %s AND candidate_no = 1""",
            [faulty.election_no],
        )
    answer = asked("rejected", faulty.slug, "--replay")
    assert answer["replayed"] == {"offered": 12, "accepted": 10}
    # What came after the poll stays late: a fix does not turn back the clock.
    assert answer["reasons"] == {"not_json": 1, "late": 1}
    assert tally(tables, faulty) == {1: 20, 9: 10}
    assert asked("rejected", faulty.slug, "--replay", status=1)["replayed"] == {"offered": 2, "accepted": 0}
    comparison = compared(tables, faulty)
    assert (comparison.stored, comparison.published, comparison.differing) == (30, 30, 0)


def test_ballots_that_came_too_early_can_be_put_back_once_the_poll_is_open(tables, published):
    poll = published("rejected-early", voters=10, ballots="external")
    with tables.connect("app") as connection:  # as if the poll had opened after the ballots came
        send(tables, *(ExternalBallot(1, poll.election_no, voter, 1, 2) for voter in range(1, 6)))
        connection.execute(
            """UPDATE elections SET ballots_open = (SELECT jsonb_object_agg(key, value::int + 5)
                                                    FROM jsonb_each(ballots_open)) WHERE election_no = %s""",
            [poll.election_no],
        )
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    assert asked("rejected", poll.slug)["reasons"] == {"not_open": 5}
    assert replay(tables, poll.slug).accepted == 5
    assert tally(tables, poll) == {2: 5}


def next_number(platform):
    """The number of the election that is registered next."""
    with platform.connect("owner") as connection:
        (last,) = connection.execute("SELECT last_value FROM elections_election_no_seq").fetchone()
        return last + 1


def test_a_ballot_of_an_election_that_was_registered_later_stays_rejected(tables, published):
    before = published("rejected-before", voters=10, ballots="external")
    meanwhile = published("rejected-meanwhile", voters=10, ballots="external")
    number = next_number(tables)
    send(tables, ExternalBallot(1, number, 1, 1, 1))
    close_poll(tables, before.slug)
    cast(tables, before.slug)
    later = published("rejected-later", voters=10, ballots="external")
    assert later.election_no == number
    send(tables, ExternalBallot(1, number, 2, 1, 1))
    # Its own workers begin behind the ballot, so one that knows it by now must not take it for theirs.
    for poll in (meanwhile, later):
        close_poll(tables, poll.slug)
        cast(tables, poll.slug)
    assert tally(tables, later) == {1: 1}
    for poll in (before, meanwhile):
        assert asked("rejected", poll.slug)["reasons"] == {"unknown_election": 1}
        assert replay(tables, poll.slug).accepted == 0
        assert asked("rejected", poll.slug)["reasons"] == {"unknown_election": 1}
    assert asked("rejected", later.slug)["rejected"] == 0


def test_nothing_is_put_back_into_a_certified_election(tables, published):
    poll = published("rejected-certified", voters=10)
    certified(tables, poll.slug)
    answer = CliRunner().invoke(app, ["rejected", poll.slug, "--replay"])
    assert answer.exit_code == 1
    assert "it is certified" in answer.output and "`election rejected rejected-certified` lists them" in answer.output


def test_nothing_is_put_back_before_the_poll_is_open(tables):
    register(tables, Registration("single-race", "rejected-unopened", voters=10))
    with pytest.raises(StageFailed, match="`election cast rejected-unopened` opens it"):
        replay(tables, "rejected-unopened")


def test_stored_votes_are_published_again_and_change_nothing(tables, published):
    poll = published("republished", voters=2_000)
    ballots = cast(tables, poll.slug).ballots
    assert republish(tables, poll.slug) == ballots
    comparison = compared(tables, poll)
    assert (comparison.published, comparison.duplicates, comparison.differing) == (ballots, ballots, 0)


def test_ballots_missing_from_a_topic_made_anew_are_all_there_again(tables, published):
    poll = published("republished-anew", voters=500)
    ballots = cast(tables, poll.slug).ballots
    with tables.connect("app") as connection:  # offsets of a topic that is gone: the new one has not come so far
        connection.execute(
            'UPDATE elections SET votes_from = \'{"0": 99999999, "1": 99999999}\' WHERE slug = %s', [poll.slug]
        )
    assert len(compared(tables, poll).missing) > 0
    republish(tables, poll.slug)
    comparison = compared(tables, poll)
    assert (comparison.published, comparison.differing) == (ballots, 0)
