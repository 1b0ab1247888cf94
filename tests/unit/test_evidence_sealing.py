"""Entries made of remembered texts are those of messages that were decoded one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from election.contracts.ballots import Choice, Place, VoteEncoder
from election.evidence.entries import SIMPLE, Entry, EntryForm
from election.evidence.sealing import Entries

ENCODE = VoteEncoder(
    7,
    "candidate",
    [Choice(1, "Ynys Môn", 1, 'Ada "Ace" Able', "A"), Choice(1, "Ynys Môn", None, None, None)],
    [Place(3, "Wales", "Gwynedd", "Caergybi")],
)
OWN = bytes(range(16))


def vote(own: bytes = OWN, candidate: int | None = None, cast_at: int = 120_001) -> tuple[bytes, bytes]:
    return (own, ENCODE(own, 1, 1, candidate, None, 3, "female", "25-34", cast_at))


def remembering() -> Entries:
    entries = Entries(7, SIMPLE)
    entries({0: [vote(candidate=None), vote(candidate=1)]})
    return entries


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16), st.sampled_from([None, 1]), st.integers(0, 10**14))
def test_a_ballot_gives_the_same_entry_whether_or_not_its_text_is_remembered(own, candidate, cast_at):
    message = {0: [vote(own, candidate, cast_at)]}
    made, odd = remembering()(message)
    assert (made, odd) == Entries(7, SIMPLE)(message)
    assert list(SIMPLE.unpack(made)) == [Entry(own, 1, candidate or 0, 3, 0, 1, cast_at // 60_000)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"cast_at":120001}', b'"cast_at":0120001}'),
        (b'"cast_at":120001}', b'"cast_at":-120001}'),
        (b'"cast_at":120001}', b'"cast_at":120001.5}'),
        (b'"cast_at":120001}', b'"cast_at":1200\xb2}'),
        (b'"cast_at":120001}', b'"cast_at":120001]'),
        (b'"cast_at":120001}', b'"cast_at":}'),
        (b'"cast_at":120001}', b'"cast_at":120001}}'),
        (b"0a0b0c0d0e0f", b"0A0B0C0D0E0F"),
        (b"0a0b0c0d0e0f", b"0a0b0c0d0e0e"),
        (b"0a0b0c0d0e0f", b" a0b0c0d0e0f"),
        (b'"schema_version":1,', b'"schema_version":2,'),
        (b'"location":3', b'"location":99999999999'),
        (b'"election":7,', b'"election":7,"election":7,'),
        (b'"contest":1,', b'"contest":"1",'),
    ],
)
def test_a_message_that_is_no_ballot_gives_no_entry_though_the_rest_of_it_is_remembered(before, after):
    changed = vote()[1].replace(before, after)
    assert changed != vote()[1]
    for entries in (remembering(), Entries(7, SIMPLE)):
        assert entries({0: [(OWN, changed)]}) == (b"", 1)


def test_another_spelling_of_a_ballot_gives_its_entry():
    changed = vote()[1].replace(b",", b" , ").replace(b":", b" : ")
    assert remembering()({0: [(OWN, changed)]}) == Entries(7, SIMPLE)({0: [vote()]})


def test_messages_of_other_elections_are_passed_over():
    other = vote()[1].replace(b'"election":7,', b'"election":77,')
    assert remembering()({0: [(OWN, other), (OWN, b""), (OWN, b"no JSON")]}) == (b"", 0)


def test_a_ballot_under_another_key_gives_no_entry():
    for entries in (remembering(), Entries(7, SIMPLE)):
        assert entries({0: [(b"\x42" * 16, vote()[1]), (b"", vote()[1])]}) == (b"", 2)


def test_partitions_come_in_ascending_order():
    first, second = vote(b"\1" * 16), vote(b"\2" * 16)
    made, _ = Entries(7, SIMPLE)({1: [second], 0: [first]})
    assert [one.ballot[0] for one in SIMPLE.unpack(made)] == [1, 2]


PAPERS = VoteEncoder(
    7,
    "party",
    [Choice(2, "Ward 2", n, f"C{n}", "P", district=9, position=2) for n in range(1, 5)]
    + [Choice(2, "Ward 2", None, None, None, district=9, position=2)],
    [Place(3, "Wales", "Gwynedd", "Caergybi")],
)
FORM = EntryForm(district=True, preferences=4)


def paper(candidate: int | None, ranking: tuple[int, ...] | None) -> tuple[bytes, bytes]:
    return OWN, PAPERS(OWN, 9, 2, candidate, ranking, 3, "female", "25-34", 120_001)


@pytest.mark.parametrize(
    ("candidate", "ranking", "preferences"),
    [(3, (3, 1), "0003000100000000"), (1, (1, 2, 3, 4), "0001000200030004"), (None, None, "0" * 16)],
)
def test_an_entry_has_district_and_ranking_before_its_last_four_bytes_where_the_election_has_them(
    candidate, ranking, preferences
):
    made, odd = Entries(7, FORM)({0: [paper(candidate, ranking)]})
    assert (len(made), FORM.size, odd) == (46, 46, 0)
    assert made[:30].hex() == f"{OWN.hex()}00000002{candidate or 0:08x}000000030001"
    assert made[30:].hex() == f"00000009{preferences}00000002"
    assert list(FORM.unpack(made)) == [Entry(OWN, 2, candidate or 0, 3, 0, 1, 2, 9, ranking or ())]


def test_a_remembered_vote_has_the_ranking_of_its_own_text():
    entries = Entries(7, FORM)
    texts = [paper(3, (3, 1)), paper(3, (3, 2)), paper(3, (3, 1))]
    made, _ = entries({0: texts})
    assert [one.ranking for one in FORM.unpack(made)] == [(3, 1), (3, 2), (3, 1)]
    assert entries({0: texts}) == (made, 0)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (SIMPLE, paper(3, None)),  # another district than the contest's number
        (EntryForm(district=True, preferences=1), paper(3, (3, 1))),
        (EntryForm(district=True), paper(3, (3,))),
    ],
)
def test_a_message_of_which_a_part_has_no_place_in_an_entry_gives_none(form, message):
    assert Entries(7, form)({0: [message]}) == (b"", 1)


def test_a_candidate_beyond_two_bytes_has_no_place_in_a_ranking():
    own, value = paper(3, (3, 1))
    assert Entries(7, FORM)({0: [(own, value.replace(b"[3,1]", b"[3,65536]"))]}) == (b"", 1)
