"""Ballots with several votes, and rankings: replayed, simulated and from a feed, each stored whole or refused whole."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from election.casting import cast, close_poll
from election.contracts import topics
from election.contracts.messages import ExternalBallot, ExternalVote, VoteMessage
from election.electorate import check_electorate
from election.messaging.reading import read
from election.messaging.rejected import rejected
from election.platform import Platform
from election.reconciliation.offered import unaccounted
from election.storage.elections import election
from tests.ballots import compared, send

CASES = Path(__file__).parents[1] / "cases"
BRIDGE_OF_DON = "S13002836"  # the ward of Aberdeen with the fewest candidates


@pytest.fixture(scope="module")
def cases(tables: Platform, tmp_path_factory) -> Platform:
    """The platform with a scenario of two votes."""
    root = tmp_path_factory.mktemp("several")
    shutil.copytree(CASES / "two-votes", root / "scenarios" / "two-votes")
    return replace(tables, settings=tables.settings.model_copy(update={"root": root}))


def votes(platform, poll):
    """Stored votes by district, contest and candidate (None: invalid)."""
    with platform.connect("reader") as connection:
        rows = connection.execute(
            """SELECT district_no, contest_no, candidate_no, count(*)
               FROM votes JOIN voters USING (election_no, voter_no)
               WHERE election_no = %s GROUP BY 1, 2, 3""",
            [poll.election_no],
        ).fetchall()
    return {tuple(key): number for *key, number in rows}


def official(platform, poll):
    """The same of the official result."""
    with platform.connect("reader") as connection:
        rows = connection.execute(
            """SELECT district_no, contest_no, candidate_no, votes FROM official_results
               WHERE election_no = %s AND votes > 0""",
            [poll.election_no],
        ).fetchall()
    return {tuple(key): number for *key, number in rows}


def rankings(platform, poll, table, number="1"):
    with platform.connect("reader") as connection:
        rows = connection.execute(
            f"""SELECT contest_no, ranking, sum({number})::bigint FROM {table}
                WHERE election_no = %s AND ranking IS NOT NULL GROUP BY 1, 2""",
            [poll.election_no],
        ).fetchall()
    return {(contest, tuple(ranking)): ballots for contest, ranking, ballots in rows}


def unlike(platform, poll):
    """What reconciliation finds unaccounted for."""
    with platform.connect("auditor") as connection:
        return [
            (what, where, n) for what, where, n in unaccounted(platform, connection, election(connection, poll.slug))
        ]


def positions(platform, poll):
    """The positions at which each voter has a vote, as in "1,2"; equal ones once."""
    with platform.connect("reader") as connection:
        rows = connection.execute(
            """SELECT DISTINCT string_agg(position::text, ',' ORDER BY position) FROM votes
               WHERE election_no = %s GROUP BY voter_no""",
            [poll.election_no],
        ).fetchall()
    return [own for (own,) in rows]


def published_votes(platform, poll):
    begin = {int(partition): offset for partition, offset in poll.votes_from.items()}
    found = (msgspec.json.decode(m.value() or b"", type=VoteMessage) for m in read(platform.kafka, topics.VOTES, begin))
    return [vote for vote in found if vote.election == poll.election_no]


def test_both_votes_of_a_replay_are_the_official_ones_by_district(cases, published):
    poll = published("two-votes-replay", "two-votes", platform=cases)
    done = cast(cases, poll.slug)
    assert votes(cases, poll) == official(cases, poll)
    assert done.ballots == 310
    comparison = compared(cases, poll)
    assert (comparison.stored, comparison.published, comparison.differing) == (620, 620, 0)
    of_lists = Counter((vote.district or vote.contest, vote.position or 1) for vote in published_votes(cases, poll))
    assert of_lists == {(1, 1): 210, (1, 2): 210, (2, 1): 100, (2, 2): 100}


def test_a_replay_of_rankings_casts_exactly_the_official_ballots(tables, published):
    poll = published("ranked-replay", "scotland-aberdeen-2017", contests=(BRIDGE_OF_DON,))
    cast(tables, poll.slug)
    assert votes(tables, poll) == official(tables, poll)
    assert rankings(tables, poll, "votes") == rankings(tables, poll, "official_rankings", "votes")
    assert compared(tables, poll).differing == 0
    ranked = Counter(vote.ranking for vote in published_votes(tables, poll))
    assert sum(number for ranking, number in ranked.items() if ranking) == 7_236
    assert all(ranking is None or len(ranking) == len(set(ranking)) for ranking in ranked)


@pytest.mark.parametrize("scenario", ["mixed-parliament", "stv-wards", "electoral-college"])
def test_simulated_voters_cast_every_vote_of_their_paper_and_reconciliation_knows_them(tables, published, scenario):
    poll = published(f"simulated-{scenario}", scenario, voters=2_000)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    assert compared(tables, poll).differing == 0
    assert unlike(tables, poll) == []
    assert positions(tables, poll) == ["1,2" if scenario == "mixed-parliament" else "1"]
    with tables.connect("owner") as connection:
        voter, contest = connection.execute(
            """SELECT voter_no, contest_no FROM votes WHERE election_no = %s AND candidate_no IS NOT NULL
               AND (ranking IS NULL OR cardinality(ranking) > 1) ORDER BY position DESC, voter_no LIMIT 1""",
            [poll.election_no],
        ).fetchone()
        connection.execute(
            """UPDATE votes SET candidate_no = CASE WHEN ranking IS NULL THEN NULL ELSE candidate_no END,
                                ranking = CASE WHEN ranking IS NOT NULL THEN ranking[1:1] END
               WHERE election_no = %s AND voter_no = %s AND contest_no = %s""",
            [poll.election_no, voter, contest],
        )
    assert unlike(tables, poll) == [("voters whose ballot is not stored as they cast it", f"contest {contest}", 1)]


def test_two_votes_from_a_feed_are_stored_together_or_refused_together(tables, published):
    poll = published("two-votes-feed", "mixed-parliament", voters=300, ballots="external")
    with tables.connect("reader") as connection:
        lists = {
            (contest, candidate)
            for contest, candidate in connection.execute(
                """SELECT contest_no, min(candidate_no) FROM papers JOIN candidates USING (election_no, contest_no)
                   WHERE election_no = %s AND district_no = 1 GROUP BY contest_no""",
                [poll.election_no],
            )
        }
    (first, own), (second, listed) = sorted(lists)

    def both(voter, candidate=own, other=listed):
        return ExternalBallot(
            1, poll.election_no, voter, votes=(ExternalVote(second, other), ExternalVote(first, candidate))
        )

    expected = {
        both(1): None,
        both(2, None): None,
        both(3, own + 1, None): None,
        both(1, own, None): "second_ballot",  # one of the votes is another
        both(2, own): "second_ballot",
        both(4, 10**6): "unknown_candidate",
        both(4, own, own): "unknown_candidate",
        ExternalBallot(1, poll.election_no, 5, first, own): "wrong_ballot",
        ExternalBallot(1, poll.election_no, 5, votes=(ExternalVote(second, listed),)): "wrong_ballot",
        ExternalBallot(1, poll.election_no, 5, votes=()): "wrong_ballot",
        ExternalBallot(1, poll.election_no, 5, votes=(ExternalVote(second, listed),) * 2): "wrong_ballot",
        msgspec.structs.replace(both(5), contest=first, candidate=own): "wrong_ballot",
        ExternalBallot(
            1, poll.election_no, 5, votes=(ExternalVote(first, ranking=(own,)), ExternalVote(second, listed))
        ): "wrong_ranking",
        ExternalBallot(1, poll.election_no, 5, votes=(*both(5).votes, ExternalVote(first + 1, own))): "other_contest",
        b'{"schema_version":1,"election":%d,"voter":5,"votes":[{"contest":1}]}' % poll.election_no: "wrong_type",
    }
    send(tables, *expected, both(1), both(3, own + 1, None))  # repeated ballots change nothing
    close_poll(tables, poll.slug)
    done = cast(tables, poll.slug)
    assert votes(tables, poll) == {
        (1, first, own): 1,
        (1, first, None): 1,
        (1, first, own + 1): 1,
        (1, second, listed): 2,
        (1, second, None): 1,
    }
    assert sorted(r.reason for r in rejected(tables, poll.election_no)) == sorted(filter(None, expected.values()))
    assert (done.ballots, done.rejected) == (5 + 2, len(expected) - 3)
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.differing) == (6, 0)
    assert unlike(tables, poll) == []
    with tables.connect("owner") as connection:
        connection.execute(
            "DELETE FROM votes WHERE election_no = %s AND voter_no = 3 AND position = 2", [poll.election_no]
        )
    found = Counter(what for what, _, _ in unlike(tables, poll))
    assert found == {"ballot neither stored nor rejected": 2, "ballots stored but never offered": 1}


def test_rankings_from_a_feed_are_stored_as_they_are_given_or_refused(tables, published):
    poll = published("ranked-feed", "stv-wards", voters=100, ballots="external")
    no = poll.election_no

    def ranked(voter, *ranking):
        return ExternalBallot(1, no, voter, votes=(ExternalVote(1, ranking=ranking),))

    expected = {
        ranked(1, 3, 1, 2): None,
        ranked(2, 1): None,
        ExternalBallot(1, no, 3, 1, 2): None,  # a candidate alone is the ranking of that one
        ExternalBallot(1, no, 4, 1, None): None,
        ranked(1, 3, 2, 1): "second_ballot",
        ranked(3, 2): None,  # again
        ranked(5): "wrong_ranking",
        ranked(5, 1, 2, 1): "wrong_ranking",
        ranked(5, 1, 10**6): "wrong_ranking",
        ExternalBallot(1, no, 5, votes=(ExternalVote(1, 1, (1,)),)): "wrong_ranking",
        b'{"schema_version":1,"election":%d,"voter":5,"votes":[{"contest":1,"ranking":[1,null]}]}' % no: "wrong_type",
    }
    send(tables, *expected)
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    assert rankings(tables, poll, "votes") == {(1, (3, 1, 2)): 1, (1, (1,)): 1, (1, (2,)): 1}
    assert votes(tables, poll) == {(1, 1, 3): 1, (1, 1, 1): 1, (1, 1, 2): 1, (1, 1, None): 1}
    assert sorted(r.reason for r in rejected(tables, no)) == sorted(filter(None, expected.values()))
    assert compared(tables, poll).differing == 0
    assert unlike(tables, poll) == []


def test_an_electorate_of_several_contests_is_complete(tables, published):
    poll = published("several-complete", "mixed-parliament", voters=40)
    assert check_electorate(tables, poll.slug)["contests"] == 8
