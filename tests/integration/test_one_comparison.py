"""The one comparison of ballots against a slow oracle of another make, on ballots that casting did not write so."""

import json

import msgspec
import pytest

from election.casting import cast, republish
from election.contracts import topics
from election.contracts.messages import Decoder, VoteMessage, encode
from election.messaging.clients import SafeProducer
from election.reconciliation import reading
from election.storage.ballots import stored_votes
from election.storage.columns import columns
from tests.ballot_oracle import agree

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def poll(tables, published):
    made = published("one-comparison", voters=400)
    cast(tables, made.slug)
    return made


@pytest.fixture(scope="module")
def votes(tables, poll):
    """(key, bytes) of the stored ballots."""
    with tables.connect("auditor") as connection:
        return list(stored_votes(connection, poll))


def publish(platform, *messages):
    producer = SafeProducer(platform.kafka)
    for key, value in messages:
        producer.produce(topics.VOTES, value, key)
    producer.flush()


def said(value) -> VoteMessage:
    return Decoder(VoteMessage)(value)


def test_an_election_in_order_differs_nowhere_however_often_it_is_published(tables, poll):
    republish(tables, poll.slug)
    found = agree(tables, poll)
    assert found.duplicates >= found.stored == found.published > 100
    assert not (found.missing or found.forged or found.altered)


def test_many_ballots_are_read_by_a_process_of_its_own(tables, poll, monkeypatch):
    monkeypatch.setattr(reading, "APART", 1)
    ran = []
    monkeypatch.setattr(reading.Job, "run", lambda _: ran.append(True))
    assert not agree(tables, poll).forged
    assert ran == [], "this process read nothing"


def planted(votes, made):
    """What somebody who may write to the topic puts there, by what it is; keys and values."""
    (first, one), (second, two), (third, three), (fourth, four), (fifth, five), (sixth, six), *more = votes[:9]
    (seventh, seven), (eighth, eight), (ninth, nine) = more
    unknown = [bytes([0xA0 + at]) * 16 for at in range(16)]
    vote = said(one)
    other = 2 if vote.candidate != 2 else 1
    named = {"candidate": other, "candidate_name": "N", "party": "P"}

    def under(own, value, **changes):
        return own, encode(replace(said(value), ballot_id=own.hex(), **changes))

    spelt = json.loads(two)
    return {
        "forged": under(unknown[0], one),
        "forged twice, with two choices": [under(unknown[1], one), under(unknown[1], one, **named)],
        "forged for a contest that cannot be": under(unknown[2], one, contest=2**40),
        "forged with the largest numbers": under(unknown[3], one, contest=2**63 - 1, location=2**63 - 1),
        "another choice": under(first, one, **named),
        "another name for the same choice": under(third, three, contest_name="Elsewhere"),
        "another time": under(fourth, four, cast_at=said(four).cast_at + 1),
        "a time of another length": under(fifth, five, cast_at=7),
        "the same in another order of members": (second, json.dumps(dict(reversed(spelt.items()))).encode()),
        "the same with spaces": (second, json.dumps(spelt, indent=1).encode()),
        "a member twice": (unknown[4], under(unknown[4], one)[1][:-1] + b',"contest":1}'),
        "a time that is none": (unknown[5], under(unknown[5], one)[1].replace(b'"cast_at":1', b'"cast_at":0')),
        "cut off": (unknown[6], under(unknown[6], one)[1][:-1]),
        "a time in quotes": (unknown[7], under(unknown[7], one)[1][:-14] + b'"1"}'),
        "a district spelt out": under(unknown[13], one, district=vote.contest),
        "the position spelt out": under(sixth, six, position=1),
        "another district": under(unknown[14], one, district=77),
        "another position": under(seventh, seven, position=2),
        "a ranking": under(eighth, eight, ranking=(said(eight).candidate or 1,)),
        "another election's": under(unknown[8], one, election=made.election_no + 10_000),
        "ours, as another election's": under(ninth, nine, election=made.election_no + 10_000),
        "under another key": (unknown[9], one),
        "with a capital in its id": (unknown[12], under(unknown[12], one)[1].replace(b"acac", b"ACAC")),
        "a key that is too short": (b"short", one),
        "no JSON": (unknown[10], b"votes"),
        "too large": (unknown[11], under(unknown[11], one, city="x" * 70_000)[1]),
    }


HARMLESS = {
    "the same in another order of members", "the same with spaces", "another election's", "ours, as another election's",
    "under another key", "a key that is too short", "no JSON",
}  # fmt: skip


def test_what_is_planted_on_the_topic_is_found_as_the_oracle_finds_it(tables, poll, votes):
    kinds = {kind: made if isinstance(made, list) else [made] for kind, made in planted(votes, poll).items()}
    publish(tables, *(message for messages in kinds.values() for message in messages))
    found = agree(tables, poll)
    wrong = found.forged | found.altered
    assert {kind for kind, messages in kinds.items() if messages[0][0].hex() not in wrong} == HARMLESS


def test_columns_are_read_as_the_connection_tells_the_planner(tables):
    with tables.connect("reader") as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        query = "SELECT current_setting('max_parallel_workers_per_gather') AS workers"
        assert [batch.column("workers").to_pylist() for batch in columns(connection, query, {})] == [["0"]]


def test_the_comparison_in_a_process_of_its_own_finds_the_same(tables, poll, monkeypatch):
    before = agree(tables, poll)
    monkeypatch.setattr(reading, "APART", 1)
    assert agree(tables, poll) == before
    assert before.forged and before.altered


@pytest.mark.parametrize("scenario", ["mixed-parliament", "stv-wards"])
def test_several_votes_and_rankings_are_compared_as_the_oracle_compares_them(tables, published, scenario):
    made = published(f"one-{scenario}", scenario, voters=400)
    cast(tables, made.slug)
    found = agree(tables, made)
    assert found.stored == found.published > 200
    assert not (found.missing or found.forged or found.altered)
    with tables.connect("auditor") as connection:
        valid = [vote for _, value in stored_votes(connection, made) if (vote := said(value)).candidate]
    (first, second, third, fourth), last = valid[:4], valid[-1]
    unknown = b"\x61" * 16
    changed = {
        "forged": replace(first, ballot_id=unknown.hex()),
        "another position": replace(first, position=7),
        "another district": replace(second, district=77),
        "another's vote": replace(last, ballot_id=third.ballot_id),
    }
    ranked = next((vote for vote in valid if vote.ranking and len(vote.ranking) > 1), None)
    if ranked is None:
        changed["a ranking where there is none"] = replace(fourth, ranking=(fourth.candidate,))
    else:
        assert ranked.ranking is not None
        changed["a shorter ranking"] = replace(ranked, ranking=ranked.ranking[:1])
        changed["a ranking that is not stored"] = replace(ranked, ranking=(*ranked.ranking, 99))
    publish(tables, *((bytes.fromhex(vote.ballot_id), encode(vote)) for vote in changed.values()))
    found = agree(tables, made)
    assert found.forged == {unknown.hex()}
    assert found.altered == {vote.ballot_id for what, vote in changed.items() if what != "forged"}
    assert found.other_choice == found.altered
