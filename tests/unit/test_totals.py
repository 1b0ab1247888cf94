"""The fold of the aggregated topics: totals never go down, and a rebuild can correct them."""

import random
from typing import Any

from election.contracts import topics
from election.contracts.aggregates import CandidateTotal, ContestTotal, GenderTurnout, RankingTotal
from election.contracts.messages import CandidateRecord, encode
from election.totals import Totals


def ballots(votes, generation=1, election=1, validity="valid", position=1):
    key = f"{election}/{generation}/1/1/{position}/{validity}".encode()
    total = ContestTotal(
        schema_version=1,
        generation=generation,
        election=election,
        votes=votes,
        district=1,
        contest=1,
        contest_name="A",
        position=position,
        validity=validity,
    )
    return topics.BALLOTS_PER_CONTEST, key, encode(total)


def candidate(votes, generation=1, election=1, number=1):
    key = f"{election}/{generation}/1/1/{number}".encode()
    total = CandidateTotal(
        schema_version=1,
        generation=generation,
        election=election,
        votes=votes,
        district=1,
        contest=1,
        contest_name="A",
        candidate=number,
        candidate_name="N",
        party="P",
    )
    return topics.VOTES_PER_CANDIDATE, key, encode(total)


def women(votes, generation=1):
    total = GenderTurnout(schema_version=1, generation=generation, election=1, votes=votes, gender="female")
    return topics.TURNOUT_BY_GENDER, f"1/{generation}/female".encode(), encode(total)


def ranking(votes, generation=1):
    known = {"schema_version": 1, "generation": generation, "election": 1, "votes": votes, "district": 1, "contest": 1}
    return topics.VOTES_PER_RANKING, f"1/{generation}/1/1/1,2".encode(), encode(RankingTotal(**known, ranking="1,2"))


def votes(totals, election=1):
    return {t.candidate: t.votes for t in totals.election(election)[topics.VOTES_PER_CANDIDATE]}


def test_an_election_nobody_has_counted_has_no_totals():
    assert votes(Totals()) == {}
    assert Totals().ballots(1) == 0


def test_the_largest_total_counts_in_whatever_order_they_are_read():
    records = [candidate(n) for n in (1, 5, 9, 12)] + [candidate(n, number=2) for n in (2, 3)]
    for seed in range(20):
        random.Random(seed).shuffle(records)
        totals = Totals()
        for record in records + records[:3]:
            totals.apply(*record)
        assert votes(totals) == {1: 12, 2: 3}


def test_one_that_is_for_one_election_takes_in_its_records_alone():
    totals = Totals(only=1)
    for record in (
        candidate(5),
        candidate(7, election=2),
        candidate(9, election=11),
        (topics.VOTES_PER_CANDIDATE, None, b"{"),
    ):
        totals.apply(*record)
    assert (votes(totals), votes(totals, 2), votes(totals, 11), totals.unusable) == ({1: 5}, {}, {}, 0)
    totals.apply(topics.VOTES_PER_CANDIDATE, b"1/1/1/2", b"{")
    assert totals.unusable == 1


def test_elections_do_not_mix():
    totals = Totals()
    for record in (candidate(5, election=1), candidate(7, election=2), ballots(5, election=1), ballots(7, election=2)):
        totals.apply(*record)
    assert votes(totals, 1) == {1: 5}
    assert votes(totals, 2) == {1: 7}
    assert (totals.ballots(1), totals.ballots(2)) == (5, 7)


def test_a_total_under_anothers_key_is_none():
    totals = Totals()
    totals.apply(*ballots(100))
    topic, _, value = ballots(5_000, generation=7)
    for key in (b"1/1/1/1/1/invalid", b"junk", b"", None):  # a rebuild, which goes by the key, would not remove them
        totals.apply(topic, key, value)
    assert (totals.ballots(1), totals.unusable) == (100, 4)


def test_a_rebuild_is_shown_once_it_has_counted_as_much_and_then_corrects():
    totals = Totals()
    totals.apply(*ballots(100))
    totals.apply(*candidate(999))  # a planted wrong total
    totals.apply(*ballots(60, generation=2))
    totals.apply(*candidate(60, generation=2))
    assert votes(totals) == {1: 999}
    assert totals.ballots(1) == 100
    totals.apply(*ballots(100, generation=2))
    assert votes(totals) == {1: 999}, "its ballots alone are no count: a batch reaches one topic before another"
    totals.apply(*candidate(90, generation=2))
    totals.apply(*ballots(10, generation=2, validity="invalid"))
    assert votes(totals) == {1: 90}


def test_after_the_old_generation_is_removed_the_new_one_stays():
    totals = Totals()
    for record in (ballots(10), candidate(11), ballots(10, generation=2), candidate(10, generation=2)):
        totals.apply(*record)
    assert votes(totals) == {1: 10}
    for topic, key, _ in (ballots(10), candidate(11)):
        totals.apply(topic, key, None)
    assert votes(totals) == {1: 10}


def test_a_reader_that_begins_after_the_removal_sees_the_new_generation():
    totals = Totals()
    topic, key, _ = ballots(10)
    totals.apply(topic, key, None)
    totals.apply(*ballots(10, generation=2))
    totals.apply(*candidate(9, generation=2))
    assert votes(totals) == {1: 9}


def test_ballots_are_everywhere_once_every_topic_has_them():
    totals = Totals()
    for form, topic in ((form, topic) for topic, form in topics.AGGREGATES.items()):
        assert totals.ballots_everywhere(1) == 0, f"{topic} is still without"
        given: dict[str, Any] = {
            "contest_name": "A", "validity": "valid", "candidate_name": "N", "party": "P", "country": "X",
            "region": "Y", "city": "Z", "gender": "female", "age_group": "18-24", "series": "party", "member": "P",
            "label": "P", "ranking": "1",
        }  # fmt: skip
        fields = {name: given.get(name, 1) for name in form.__struct_fields__} | {"votes": 7}
        totals.apply(topic, b"1/1/key", encode(form(**fields)))
    assert totals.ballots_everywhere(1) == 7
    totals.apply(*ballots(3, validity="invalid"))
    assert totals.ballots(1) == 10
    assert totals.ballots_everywhere(1) == 7, "the groups' turnout does not contain them yet"
    assert totals.ranked(1) == 7


def test_a_rebuild_of_several_votes_a_voter_is_shown_once_every_topic_has_its_own():
    """100 voters with two votes each, five of the second ones invalid."""
    old, new = (
        [
            ballots(100, g), ballots(95, g, position=2), ballots(5, g, position=2, validity="invalid"),
            candidate(195, g), women(100, g),
        ]
        for g in (1, 2)
    )  # fmt: skip
    for last in new:
        totals = Totals()
        for record in (*old, *(one for one in new if one is not last)):
            totals.apply(*record)
        assert shown(totals) == 1, last
        totals.apply(*last)
        assert shown(totals) == 2


def test_a_rebuild_of_rankings_is_shown_once_it_has_them():
    old = [ballots(10), ranking(9)]
    assert shown_after([*old, ballots(10, 2), ranking(8, 2)]) == 1
    assert shown_after([*old, ballots(10, 2), ranking(9, 2)]) == 2
    # A forged ranking above the votes by contest keeps no reader from a count without it once these are removed.
    wrong = [ballots(12), ballots(3, validity="invalid"), ranking(12), ballots(10, 2), ranking(10, 2)]
    assert shown_after(wrong) == 1
    assert shown_after([*wrong, (*ballots(12)[:2], None)]) == 2, "the first of them is removed"


def shown(totals):
    return next(total.generation for total in totals.election(1)[topics.BALLOTS_PER_CONTEST])


def shown_after(records):
    totals = Totals()
    for record in records:
        totals.apply(*record)
    return shown(totals)


def test_a_record_of_no_known_form_is_counted_and_changes_nothing():
    totals = Totals()
    totals.apply(*candidate(4))
    totals.apply(topics.VOTES_PER_CANDIDATE, b"1/1/1/1", b"not json")
    totals.apply(topics.VOTES_PER_CANDIDATE, b"1/1/1/1", b'{"schema_version":9}')
    assert votes(totals) == {1: 4}
    assert totals.unusable == 2


def test_a_tombstone_under_a_key_of_no_known_form_is_counted_and_changes_nothing():
    totals = Totals()
    totals.apply(*candidate(4))
    for key in (b"nonsense", b"", None, b"1/x/1"):
        totals.apply(topics.VOTES_PER_CANDIDATE, key, None)
    assert votes(totals) == {1: 4}
    assert totals.unusable == 4


def test_candidates_are_known_before_their_first_vote():
    totals = Totals()
    record = CandidateRecord(1, 1, "slug", 1, "C1", "A", 3, "Name", "P", "Party")
    totals.apply(topics.CANDIDATES, b"1/3", encode(record))
    assert totals.candidates[1][3].candidate_name == "Name"
