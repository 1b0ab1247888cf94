"""What a message is: every form decodes from its own bytes, and unusable bytes say why."""

import json
from hashlib import blake2b

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from election.contracts import aggregates, messages, topics
from election.contracts.ballots import Choice, Place, VoteEncoder, ballot_ids
from election.contracts.messages import (
    CandidateRecord,
    Decoder,
    ExternalBallot,
    ExternalVote,
    Unusable,
    VoteMessage,
    VoterDecoder,
    VoterRecord,
    encode,
)
from election.contracts.rejection import REASONS
from election.contracts.schemas import json_schemas, required, spark_ddl

names = st.text(min_size=1, max_size=40)
decode_vote = Decoder(VoteMessage)


@settings(deadline=None)  # a busy machine stalls
@given(names, names, names, names, st.integers(1, 2**31), st.booleans())
def test_the_fast_encoder_writes_the_same_bytes_as_the_message(contest, name, party, city, cast_at, valid):
    choice = Choice(7, contest, 3, name, party) if valid else Choice(7, contest, None, None, None)
    vote = VoteEncoder(2, "party", [choice], [Place(5, "Wales", "Wales", city)])(
        b"\x01" * 16, 7, 7, choice.candidate, None, 5, "female", "25-34", cast_at
    )
    message = decode_vote(vote)
    assert encode(message) == vote
    assert (message.contest_name, message.candidate_name, message.party, message.city) == (
        contest,
        choice.candidate_name,
        choice.party,
        city,
    )


@pytest.mark.parametrize("ranking", [None, (3,), (3, 12, 1)])
@pytest.mark.parametrize(("district", "position"), [(7, 1), (9, 1), (7, 2), (9, 2)])
def test_the_fast_encoder_names_district_position_and_ranking_only_if_they_are_unusual(district, position, ranking):
    choice = Choice(7, "A", 3, "Ada", "P", district, position)
    encoder = VoteEncoder(2, "party", [choice], [Place(5, "Wales", "Wales", "C")])
    vote = encoder(b"\x01" * 16, district, 7, 3, ranking, 5, "female", "25-34", 9)
    message = decode_vote(vote)
    assert encode(message) == vote
    assert (message.district or 7, message.position or 1, message.ranking) == (district, position, ranking)
    assert [name in json.loads(vote) for name in ("district", "position", "ranking")] == [
        district != 7,
        position != 1,
        ranking is not None,
    ]


def test_a_voters_votes_have_an_id_each_and_the_first_is_that_of_version_0_1():
    ballot_id = ballot_ids(b"a" * 32)
    assert ballot_id(7) == ballot_id(7, 1) == blake2b((7).to_bytes(8, "big"), key=b"a" * 32, digest_size=16).digest()
    assert len({ballot_id(voter, position) for voter in (7, 8) for position in (1, 2, 3)}) == 6


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null"),
        (b"\xff\xfe", "not_utf8"),
        (b"{", "not_json"),
        (b"", "not_json"),
        (b"[" * 5_000, "not_json"),
        (b'{"more":' * 5_000, "not_json"),
        (b'{"schema_version":1,"more":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "not_json"),
        (b'{"gender":"\xff"}', "not_utf8"),
        (b"[]", "wrong_type"),
        (b'{"schema_version":1}', "wrong_type"),
        (b'{"schema_version":2,"votes":"other form"}', "unknown_version"),
        (
            b'{"schema_version":1,"election":1,"voter":"7","contest":1,"location":1,"gender":"male","age_group":"75+"}',
            "wrong_type",
        ),
        (
            b'{"schema_version":1,"election":1,"voter":0,"contest":1,"location":1,"gender":"male","age_group":"75+"}',
            "wrong_type",
        ),
        (
            b'{"schema_version":1,"election":1,"voter":9223372036854775808,"contest":1,"location":1,"gender":"male",'
            b'"age_group":"75+"}',
            "wrong_type",
        ),
        (
            b'{"schema_version":1,"election":1,"voter":7,"contest":1,"location":1,"gender":"m","age_group":"75+"}',
            "wrong_type",
        ),
    ],
)
def test_bytes_that_are_no_voter_say_why(value, reason):
    with pytest.raises(Unusable) as caught:
        Decoder(VoterRecord)(value)
    assert caught.value.reason == reason
    assert reason in REASONS


def test_a_field_from_a_later_version_of_the_same_form_is_ignored():
    voter = VoterRecord(1, 2, 3, 4, 5, "male", "75+")
    assert Decoder(VoterRecord)(encode(voter)[:-1] + b',"new":[1]}') == voter


VOTERS = [encode(VoterRecord(1, 2, number, 4, 5, "male", "75+")) for number in (1, 2, 3)]


def test_a_batch_without_anything_odd_is_decoded_at_once_like_one_after_the_other() -> None:
    decoder = Decoder(VoterRecord, most=200)
    assert decoder.every(VOTERS) == list(map(decoder, VOTERS))
    assert decoder.every([]) == []


@pytest.mark.parametrize(
    "odd",
    [
        None,
        b"{",
        VOTERS[0] + b" " * 200,
        VOTERS[0].replace(b'"schema_version":1', b'"schema_version":2'),
        VOTERS[0][:-1] + b',"a field it skips":"\xff"}',
        VOTERS[0].replace(b'"voter":1', b'"voter":0'),
    ],
)
def test_a_batch_with_anything_odd_in_it_is_not_decoded_at_once(odd: bytes | None) -> None:
    assert Decoder(VoterRecord, most=200).every([VOTERS[0], odd, VOTERS[1]]) is None


def vote_message(candidate=None, candidate_name=None, party=None, **more):
    return VoteMessage(
        schema_version=1, ballot_id="ab" * 16, election=3, contest=2, contest_name="A", candidate=candidate,
        candidate_name=candidate_name, party=party, location=7, country="", region="", city="C", gender="male",
        age_group="75+", series="party", cast_at=1, **more,
    )  # fmt: skip


FORMS: dict[str, msgspec.Struct] = {
    "voter": VoterRecord(1, 2, 3, 4, 5, "male", "75+"),
    "voter of a night": VoterRecord(1, 2, 3, 4, 5, "male", "75+", due=0),
    "ballot": ExternalBallot(1, 2, 3, 4, 5),
    "invalid ballot": ExternalBallot(1, 2, 3, 4, None),
    "ballot with votes": ExternalBallot(
        1, 2, 3, votes=(ExternalVote(4, 5), ExternalVote(6, None), ExternalVote(7, ranking=(9, 8)))
    ),
    "vote": vote_message(candidate=2, candidate_name='Ada "Öre"', party="P"),
    "invalid vote": vote_message(),
    "vote with a ranking": vote_message(
        candidate=2, candidate_name="Ada", party="P", district=9, position=2, ranking=(2, 3)
    ),
    "candidate": CandidateRecord(1, 2, "slug", 3, "C3", "Three", 4, "Ada", "P", "Party"),
    "list without a poll": CandidateRecord(
        1, 2, "slug", 3, "C3", "Three", 4, "Party", "P", "Party", kind="list", unopposed=True
    ),
    "total": aggregates.ContestTotal(
        schema_version=1,
        generation=1,
        election=1,
        votes=1,
        district=1,
        contest=1,
        contest_name="A",
        position=1,
        validity="valid",
    ),
    "rejected record": messages.RejectedRecord(1, "count", None, "votes_topic", 0, 0, None, "aa", "late", "late", 1),
}


def members() -> list[tuple[str, bytes, str]]:
    return [(form, encode(message), name) for form, message in FORMS.items() for name in json.loads(encode(message))]


@pytest.mark.parametrize(("form", "value", "name"), members())
def test_a_message_that_names_a_member_twice_is_of_a_wrong_type(form: str, value: bytes, name: str) -> None:
    decoder: Decoder[msgspec.Struct] = Decoder(type(FORMS[form]))
    assert decoder(value) == FORMS[form]
    known = json.dumps(json.loads(value)[name]).encode()
    for again in (name, f"\\u{ord(name[0]):04x}{name[1:]}"):
        twice = b'%s,"%s":%s}' % (value[:-1], again.encode(), known)
        with pytest.raises(Unusable) as caught:
            decoder(twice)
        assert (caught.value.reason, caught.value.detail) == ("wrong_type", f"duplicate member {name!r}")
        assert decoder.every([value, twice]) is None
    assert decoder.every([value, value]) in ([FORMS[form]] * 2, None)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (b'"x":[{"y":1,"y":1}]', "wrong_type"),
        (b'"x":1,"x":1', "wrong_type"),
        (b'"x":"\\"y\\":1","y":[{"x":1},{"x":1}]', None),
        (b'"x":' + b"1" * 5_000, None),
        (b'"candidate ":2', None),
    ],
)
def test_an_unknown_field_may_be_anything_but_repeated(more: bytes, reason: str | None) -> None:
    value = encode(ExternalBallot(1, 2, 3, 4, 5))[:-1] + b"," + more + b"}"
    try:
        Decoder(ExternalBallot)(value)
        found = None
    except Unusable as why:
        found = why.reason
    assert found == reason


def test_a_ballot_id_depends_on_the_key_and_the_voter_only():
    ours, theirs = ballot_ids(b"a" * 32), ballot_ids(b"b" * 32)
    assert ours(1) == ours(1)
    assert len({ours(1), ours(2), theirs(1), theirs(2)}) == 4
    assert len(ours(1)) == 16


def test_no_ballot_and_no_aggregate_has_a_field_for_a_person():
    personal = {"voter", "voter_no", "name", "email", "phone", "address", "street", "date_of_birth"}
    forms: list[type[msgspec.Struct]] = [VoteMessage, *topics.AGGREGATES.values()]
    for form in forms:
        assert not personal & set(form.__struct_fields__), form


def test_every_topic_has_a_json_schema_and_a_spark_schema():
    assert json_schemas().keys() == {topic.name for topic in topics.TOPICS}
    assert "`ballot_id` STRING" in spark_ddl(VoteMessage)
    assert "`candidate` BIGINT" in spark_ddl(VoteMessage)
    assert "candidate" not in required(VoteMessage)
    assert {"ballot_id", "election", "cast_at"} <= set(required(VoteMessage))
    assert messages.SCHEMA_VERSION == 1


@pytest.mark.parametrize(
    ("changed", "fits"),
    [
        ({}, True),
        ({"candidate": None}, True),
        ({"more": "of the feed's own"}, True),
        ({"schema_version": 2}, False),
        ({"voter": "123"}, False),
        ({"voter": 0}, False),
        ({"contest": None}, False),
        ({"candidate": 1.5}, False),
    ],
)
def test_the_schema_of_a_ballot_takes_what_casting_takes(changed: dict[str, object], fits: bool) -> None:
    ballot = {"schema_version": 1, "election": 7, "voter": 123, "contest": 1, "candidate": 3} | changed
    schema = Draft202012Validator(json_schemas()[topics.BALLOTS])
    assert schema.is_valid(ballot) == fits
    taken = True
    try:
        Decoder(ExternalBallot)(msgspec.json.encode(ballot))
    except Unusable:
        taken = False
    assert taken == fits


def test_a_ballot_without_a_field_fits_no_schema() -> None:
    schema = Draft202012Validator(json_schemas()[topics.BALLOTS])
    for name in ("schema_version", "election", "voter", "contest", "candidate"):
        ballot = {"schema_version": 1, "election": 7, "voter": 123, "contest": 1, "candidate": 3}
        del ballot[name]
        assert not schema.is_valid(ballot), name
        with pytest.raises(Unusable, match=f"wrong_type: Object missing required field `{name}`"):
            Decoder(ExternalBallot)(msgspec.json.encode(ballot))


@pytest.mark.parametrize(
    ("votes", "fits"),
    [
        ([{"contest": 1, "candidate": 3}, {"contest": 2, "candidate": None}], True),
        ([{"contest": 1, "ranking": [3, 1]}], True),
        ([{"contest": 1}], False),
        ([{"candidate": 1}], False),
        ([{"contest": 1, "ranking": None}], False),
        ([{"contest": 1, "ranking": [3, None]}], False),
        ([{"contest": 1, "ranking": "3,1"}], False),
        ({"contest": 1, "candidate": 1}, False),
        (None, False),
    ],
)
def test_the_schema_of_a_ballot_with_votes_takes_what_is_decoded(votes: object, fits: bool) -> None:
    ballot = {"schema_version": 1, "election": 7, "voter": 123, "votes": votes}
    assert Draft202012Validator(json_schemas()[topics.BALLOTS]).is_valid(ballot) == fits
    if fits:
        assert encode(Decoder(ExternalBallot)(msgspec.json.encode(ballot))) == msgspec.json.encode(ballot)
    else:
        with pytest.raises(Unusable, match="wrong_type"):
            Decoder(ExternalBallot)(msgspec.json.encode(ballot))


@pytest.mark.parametrize(
    "ballot",
    [
        {"contest": 1, "candidate": 3, "votes": []},
        {"contest": 1, "votes": [{"contest": 1, "candidate": 3}]},
        {"votes": [{"contest": 1, "candidate": 3, "ranking": [3]}]},
        {"votes": [{"contest": 1, "ranking": []}]},
    ],
)
def test_the_schema_also_refuses_what_casting_refuses_with_a_reason_of_its_own(ballot: dict[str, object]) -> None:
    whole = {"schema_version": 1, "election": 7, "voter": 123} | ballot
    assert not Draft202012Validator(json_schemas()[topics.BALLOTS]).is_valid(whole)
    Decoder(ExternalBallot)(msgspec.json.encode(whole))


def test_a_vote_that_names_a_member_twice_is_refused_within_a_ballot_too() -> None:
    value = encode(ExternalBallot(1, 2, 3, votes=(ExternalVote(4, 5), ExternalVote(6, ranking=(9, 8)))))
    for member in (b'"contest":4', b'"candidate":5', b'"ranking":[9,8]'):
        twice = value.replace(member, member + b"," + member)
        assert twice != value and Decoder(ExternalBallot).every([value, twice]) is None
        with pytest.raises(Unusable, match="wrong_type: duplicate member"):
            Decoder(ExternalBallot)(twice)


def test_both_forms_of_a_ballot_give_its_votes() -> None:
    votes = (ExternalVote(4, 5), ExternalVote(6, ranking=(7, 8)))
    assert ExternalBallot(1, 2, 3, votes=votes).each == votes
    assert ExternalBallot(1, 2, 3, 4, None).each == (ExternalVote(4, None),)


def test_ballots_with_several_votes_are_decoded_at_once() -> None:
    ballots = [FORMS["ballot with votes"], FORMS["ballot"], FORMS["invalid ballot"]]
    assert Decoder(ExternalBallot).every(list(map(encode, ballots))) == ballots


OLDER = b'{"schema_version":1,"election":2,"voter":7,"contest":4,"location":5,"gender":"male","age_group":"75+"}'


def test_a_voters_record_of_version_0_1_names_the_district_contest() -> None:
    decode = VoterDecoder()
    assert decode(OLDER) == VoterRecord(1, 2, 7, 4, 5, "male", "75+")
    assert decode(OLDER[:-1] + b',"due":61}') == VoterRecord(1, 2, 7, 4, 5, "male", "75+", 61)
    assert decode.every([OLDER]) is None, "each is looked at alone"
    assert decode(OLDER[:-1] + b',"district":9}').district == 9
    for odd in (OLDER.replace(b"contest", b"ward"), OLDER.replace(b"4", b"0"), OLDER[:-1] + b',"contest":4}'):
        with pytest.raises(Unusable, match="wrong_type: Object missing required field `district`"):
            decode(odd)
    with pytest.raises(Unusable, match="unknown_version"):
        decode(OLDER.replace(b'"schema_version":1', b'"schema_version":2'))
