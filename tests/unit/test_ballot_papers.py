"""A ballot from a feed has a vote in each contest on the paper of its voter's district, or is refused with a reason."""

import pytest

from election.casting.ballot_papers import BallotPapers, Checked
from election.contracts.messages import ExternalBallot, ExternalVote, Unusable
from election.contracts.rejection import REASONS

# District 1 votes for a candidate and a list, 2 for a list, 3 by ranking, 4 not at all: contest 5 has no poll.
PAPERS = BallotPapers(
    {1: {1: 1, 9: 2}, 2: {9: 1}, 3: {3: 1}},
    {1: "candidates", 9: "lists", 3: "ranking", 5: "candidates"},
    {1: frozenset({1, 2}), 9: frozenset({91, 92}), 3: frozenset({31, 32, 33}), 5: frozenset({51})},
)


def simple(contest, candidate=1):
    return ExternalBallot(1, 7, 1, contest, candidate)


def votes(*those, **more):
    return ExternalBallot(1, 7, 1, votes=those, **more)


@pytest.mark.parametrize(
    ("district", "ballot", "stored"),
    [
        (2, simple(9, 91), [Checked(1, 9, 91, None)]),
        (2, simple(9, None), [Checked(1, 9, None, None)]),
        (2, votes(ExternalVote(9, 92)), [Checked(1, 9, 92, None)]),
        (1, votes(ExternalVote(9, 91), ExternalVote(1, 2)), [Checked(1, 1, 2, None), Checked(2, 9, 91, None)]),
        (1, votes(ExternalVote(1, None), ExternalVote(9, 91)), [Checked(1, 1, None, None), Checked(2, 9, 91, None)]),
        (3, votes(ExternalVote(3, ranking=(33, 31))), [Checked(1, 3, 33, (33, 31))]),
        (3, simple(3, 32), [Checked(1, 3, 32, (32,))]),
        (3, votes(ExternalVote(3, 32)), [Checked(1, 3, 32, (32,))]),
        (3, simple(3, None), [Checked(1, 3, None, None)]),
    ],
)
def test_a_ballot_that_fits_its_paper_is_taken_by_position(district, ballot, stored):
    assert PAPERS.checked(ballot, district) == stored


@pytest.mark.parametrize(
    ("district", "ballot", "reason", "detail"),
    [
        (2, simple(77), "unknown_contest", "has no contest 77"),
        (4, simple(5, 51), "unknown_contest", "no poll is held in contest 5"),
        (2, simple(1), "other_contest", "contest 1 is not on the ballot paper of the voter's district"),
        (2, simple(9, 1), "unknown_candidate", "contest 9 has no candidate 1"),
        (3, simple(3, 1), "unknown_candidate", "contest 3 has no candidate 1"),
        (1, simple(1), "wrong_ballot", "lacks a vote in contest 9 "),
        (1, votes(ExternalVote(9, 91)), "wrong_ballot", "lacks a vote in contest 1 "),
        (1, votes(), "wrong_ballot", "lacks a vote in contest 1, 9 "),
        (
            1,
            votes(ExternalVote(1, 1), ExternalVote(1, 1), ExternalVote(9, 91)),
            "wrong_ballot",
            "two votes in contest 1",
        ),
        (1, votes(ExternalVote(1, 1), ExternalVote(9, 91), ExternalVote(3, 31)), "other_contest", "contest 3 "),
        (2, votes(ExternalVote(9, 91), contest=9, candidate=91), "wrong_ballot", "both `votes` and"),
        (2, votes(ExternalVote(9, 91), candidate=None), "wrong_ballot", "both `votes` and"),
        (2, votes(ExternalVote(9, ranking=(91,))), "wrong_ranking", "contest 9 takes one candidate"),
        (3, votes(ExternalVote(3, ranking=())), "wrong_ranking", "is empty"),
        (3, votes(ExternalVote(3, ranking=(31, 32, 31))), "wrong_ranking", "names a candidate twice"),
        (3, votes(ExternalVote(3, ranking=(31, 91))), "wrong_ranking", "candidate 91, who does not stand in contest 3"),
        (3, votes(ExternalVote(3, 31, (31,))), "wrong_ranking", "both a candidate and a ranking"),
    ],
)
def test_every_other_ballot_is_refused_with_its_reason(district, ballot, reason, detail):
    with pytest.raises(Unusable) as caught:
        PAPERS.checked(ballot, district)
    assert (caught.value.reason, detail in caught.value.detail) == (reason, True), caught.value
    assert reason in REASONS
