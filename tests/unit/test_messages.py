"""What a message is: every form decodes from its own bytes, and unusable bytes say why."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from election.contracts import aggregates, messages, topics
from election.contracts.ballots import Choice, Place, VoteEncoder, ballot_ids
from election.contracts.messages import Decoder, ExternalBallot, Unusable, VoteMessage, VoterRecord, encode
from election.contracts.rejection import REASONS
from election.contracts.schemas import json_schemas, required, spark_ddl

names = st.text(min_size=1, max_size=40)
decode_vote = Decoder(VoteMessage)


@settings(deadline=None)  # a busy machine stalls
@given(names, names, names, names, st.integers(1, 2**31), st.booleans())
def test_the_fast_encoder_writes_the_same_bytes_as_the_message(contest, name, party, city, cast_at, valid):
    choice = Choice(7, contest, 3, name, party) if valid else Choice(7, contest, None, None, None)
    vote = VoteEncoder(2, "party", [choice], [Place(5, "Wales", "Wales", city)])(
        b"\x01" * 16, 7, choice.candidate, 5, "female", "25-34", cast_at
    )
    message = decode_vote(vote)
    assert encode(message) == vote
    assert (message.contest_name, message.candidate_name, message.party, message.city) == (
        contest,
        choice.candidate_name,
        choice.party,
        city,
    )


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


FORMS: dict[str, msgspec.Struct] = {
    "voter": VoterRecord(1, 2, 3, 4, 5, "male", "75+"),
    "voter of a night": VoterRecord(1, 2, 3, 4, 5, "male", "75+", due=0),
    "ballot": ExternalBallot(1, 2, 3, 4, 5),
    "invalid ballot": ExternalBallot(1, 2, 3, 4, None),
    "vote": VoteMessage(1, "ab" * 16, 3, 2, "A", 2, 'Ada "Öre"', "P", 7, "", "", "C", "male", "75+", "party", 1),
    "invalid vote": VoteMessage(1, "ab" * 16, 3, 2, "A", None, None, None, 7, "", "", "", "male", "75+", "party", 1),
    "total": aggregates.ContestTotal(
        schema_version=1, generation=1, election=1, votes=1, contest=1, contest_name="A", validity="valid"
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
    for name in ("schema_version", "election", "voter", "contest"):
        ballot = {"schema_version": 1, "election": 7, "voter": 123, "contest": 1, "candidate": 3}
        del ballot[name]
        assert not schema.is_valid(ballot), name
