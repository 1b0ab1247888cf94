"""A vote in the form in which casting writes it is read by a shorter way; what is read is the same."""

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as fn

from election.contracts.ballots import Choice, Place, VoteEncoder
from election.contracts.messages import Decoder, Unusable, VoteMessage, encode
from spark_jobs.tally import parsing
from spark_jobs.tally.remembering import remembered

Ranking = tuple[int, ...] | None
AT = 1_576_152_000_123
ID = bytes(range(16))
CHOICES = [
    Choice(1, "Ynys Môn", 1, 'Ada "Öre" Lovelace', "Plaid"),
    Choice(2, "Northam", 2, "Bo \\ Bó", "Lab/Co-op"),
    Choice(2, "Northam", None, None, None),
    Choice(30, "Wales", 3, "A list", "Plaid", district=2, position=2),
]
ENCODE = VoteEncoder(3, "party", CHOICES, [Place(7, "Wales", "North", "Bangor")])


def written(
    contest: int = 1, candidate: int | None = 1, at: int = AT, *, district: int = 0, ranking: Ranking = None
) -> bytes:
    return ENCODE(ID, district or contest, contest, candidate, ranking, 7, "female", "25-34", at)


def usual() -> list[tuple[bytes | None, bytes | None]]:
    """A vote for each choice, and one with a ranking."""
    made = [written(c.contest, c.candidate, district=c.district) for c in CHOICES]
    return [(value, ID) for value in (*made, written(ranking=(1, 9, 4)))]


def with_(members: bytes) -> bytes:
    """A good vote with more members."""
    return GOOD.replace(b',"location"', b"," + members + b',"location"')


GOOD = written()
LEAST = VoteMessage(
    schema_version=1, ballot_id=ID.hex(), election=3, contest=2, contest_name="", candidate=2, candidate_name="",
    party="", location=7, country="", region="", city="", gender="male", age_group="75+", series="party", cast_at=AT,
)  # fmt: skip
OTHER: dict[str, tuple[bytes | None, bytes | None]] = {
    "nothing": (None, ID),
    "no key": (GOOD, None),
    "another's key": (GOOD, bytes(16)),
    "a key that is too short": (GOOD, ID[:15]),
    "an id in capitals": (GOOD.replace(ID.hex().encode(), ID.hex().upper().encode()), ID),
    "an id of 15 bytes": (GOOD.replace(ID.hex().encode(), ID[:15].hex().encode()), ID[:15]),
    "a time before 2001": (written(at=999_999_999_999), ID),
    "the first time of all": (written(at=0), ID),
    "a time after 2286": (written(at=10_000_000_000_000), ID),
    "a time below nought": (written(at=-1_576_152_000_123), ID),
    "a time with a leading nought": (GOOD.replace(b":1576152000123}", b":0576152000123}"), ID),
    "a time as text": (GOOD.replace(b":1576152000123}", b':"157615200012"}'), ID),
    "a time that is a fraction": (GOOD.replace(b":1576152000123}", b":15761520001.5}"), ID),
    "another field last": (GOOD[:-1] + b',"more":1576152000123}', ID),
    "the time in another field": (GOOD[:-1] + b',"more":{"x":1,"cast_at":1576152000999}}', ID),
    "the time under another name": (GOOD.replace(b'"cast_at"', b'"cast_is"'), ID),
    "the end of a list": (GOOD[:-1] + b"]", ID),
    "the time in a text": (GOOD[:-1] + b',"cast_at":1576152000999}"}', ID),
    "two times": (GOOD[:-1] + b',"cast_at":1576152000999}', ID),
    "two times, the first a text": (GOOD.replace(b',"series"', b',"cast_at":"x","series"'), ID),
    "two ids": (GOOD.replace(b',"series"', b',"ballot_id":"' + bytes(16).hex().encode() + b'","series"'), ID),
    "a second id that is null": (GOOD.replace(b',"series"', b',"ballot_id":null,"series"'), ID),
    "a second id, spelt with an escape": (GOOD.replace(b',"series"', b',"ballot\\u005fid":null,"series"'), ID),
    "two versions": (GOOD.replace(b',"series"', b',"schema_version":2,"series"'), ID),
    "another version": (GOOD.replace(b'"schema_version":1', b'"schema_version":2'), ID),
    "two candidates": (GOOD.replace(b',"series"', b',"candidate":2,"series"'), ID),
    "two candidates, one spelt with an escape": (GOOD.replace(b',"series"', b',"c\\u0061ndidate":2,"series"'), ID),
    "two candidates, the second the same": (GOOD.replace(b',"series"', b',"candidate":1,"series"'), ID),
    "two places, and no candidate": (
        written(2, None).replace(b'"candidate":null,', b"").replace(b',"series"', b',"location":7,"series"'),
        ID,
    ),
    "an unknown field twice": (GOOD.replace(b',"series"', b',"more":1,"more":2,"series"'), ID),
    "a member twice within an unknown field": (GOOD.replace(b',"series"', b',"more":[{"a":1,"a":2}],"series"'), ID),
    "a member twice within a name": (GOOD.replace(b'"Bangor"', b'{"a":1,"a":2}'), ID),
    "an unknown field": (GOOD.replace(b',"series"', b',"more":[1,{"a":"b"}],"series"'), ID),
    "an unknown field that is not UTF-8": (GOOD.replace(b',"series"', b',"more":"\xff","series"'), ID),
    "a name that is not UTF-8": (GOOD.replace(b"Bangor", b"Bang\xff"), ID),
    "a name with the sign for what is not UTF-8": (GOOD.replace(b"Bangor", "Bang\ufffd".encode()), ID),
    "spaces": (GOOD.replace(b",", b", "), ID),
    "a space at the end": (GOOD + b" ", ID),
    "half of it": (GOOD[:100] + GOOD[-30:], ID),
    "no choice": (GOOD.replace(b'"candidate":1', b'"candidate":null'), ID),
    "no place": (GOOD.replace(b'"location":7,', b""), ID),
    "place nought": (GOOD.replace(b'"location":7', b'"location":0'), ID),
    "an unknown age": (GOOD.replace(b"25-34", b"0-17"), ID),
    "members that say what is supposed": (with_(b'"district":1,"position":1,"ranking":null'), ID),
    "members that are null": (with_(b'"district":null,"position":null'), ID),
    "district nought": (with_(b'"district":0'), ID),
    "a district in quotes": (with_(b'"district":"2"'), ID),
    "position nought": (with_(b'"position":0'), ID),
    "half a position": (with_(b'"position":1.5'), ID),
    "a position that is a list": (with_(b'"position":[2]'), ID),
    "a ranking of nobody": (with_(b'"ranking":[]'), ID),
    "a ranking that begins with another": (with_(b'"ranking":[2,1]'), ID),
    "a ranking that repeats one": (with_(b'"ranking":[1,2,2]'), ID),
    "a ranking with null": (with_(b'"ranking":[1,null]'), ID),
    "a ranking with nought": (with_(b'"ranking":[1,0]'), ID),
    "a ranking with a word": (with_(b'"ranking":[1,"b"]'), ID),
    "a ranking that is a word": (with_(b'"ranking":"1,2"'), ID),
    "a ranking that is a number": (with_(b'"ranking":1'), ID),
    "a ranking of an invalid vote": (
        written(2, None).replace(b',"location"', b',"ranking":[2],"location"'),
        ID,
    ),
    "65 KB": (GOOD.replace(b"Bangor", b"Bangor" * 11_000), ID),
}


def records(spark: SparkSession, found: list[tuple[bytes | None, bytes | None]]) -> DataFrame:
    rows = [(key, value, "votes_topic", 0, offset) for offset, (value, key) in enumerate(found)]
    return spark.createDataFrame(rows, "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT")


def parsed(spark: SparkSession, found: list[tuple[bytes | None, bytes | None]]) -> list[Row]:
    return parsing.parse(records(spark, found)).collect()


def at_once(spark: SparkSession, found: list[tuple[bytes | None, bytes | None]]) -> list[bool]:
    """Which of them are read by the shorter way."""
    of = records(spark, found).withColumn("written_at", parsing._written_at())
    vote = remembered(spark, parsing._written(), parsing._good)
    return [row[0] for row in of.select(vote.isNotNull()).collect()]


def test_every_vote_that_casting_writes_is_read_by_the_shorter_way(spark: SparkSession) -> None:
    votes = usual()
    assert at_once(spark, [*votes, *votes]) == [True] * (2 * len(votes))
    found = [(row.reason, row.district, row.position, row.ranking) for row in parsed(spark, votes)]
    assert found == [
        (None, 1, 1, None),
        (None, 2, 1, None),
        (None, 2, 1, None),
        (None, 2, 2, None),
        (None, 1, 1, "1,9,4"),
    ]


def test_both_ways_find_the_same(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    votes = usual()
    votes.append((encode(LEAST), ID))
    found = [*votes, *OTHER.values(), *votes]
    short = parsed(spark, found)
    monkeypatch.setattr(parsing, "_written", lambda: fn.lit(None).cast("string"))
    assert at_once(spark, found) == [False] * len(found)
    cases = [*[""] * len(votes), *OTHER, *[""] * len(votes)]
    for case, one, other in zip(cases, short, parsed(spark, found), strict=True):
        assert one == other, case


def test_what_cannot_be_used_takes_the_longer_way(spark: SparkSession) -> None:
    usable = {
        "an unknown field", "an unknown field that is not UTF-8", "members that say what is supposed",
        "members that are null",
    }  # fmt: skip
    assert {case for case, short in zip(OTHER, at_once(spark, list(OTHER.values())), strict=True) if short} <= usable
    unusable = {case for case, row in zip(OTHER, parsed(spark, list(OTHER.values())), strict=True) if row.reason}
    assert "two ids" in unusable and "a second id that is null" in unusable and "two versions" in unusable


@pytest.mark.parametrize("case", [case for case in OTHER if case.startswith("two ") or " twice" in case])
def test_a_vote_that_names_a_member_twice_is_no_vote(spark: SparkSession, case: str) -> None:
    value, key = OTHER[case]
    (row,) = parsed(spark, [(value, key)])
    assert row.reason == "wrong_type"
    with pytest.raises(Unusable) as caught:  # every other reader agrees
        Decoder(VoteMessage)(value)
    assert caught.value.reason == "wrong_type"


SAYS = {case for case in OTHER if "ranking" in case or "position" in case or "district" in case}


def test_a_member_that_may_be_absent_is_refused_as_every_other_reader_refuses_it(spark: SparkSession) -> None:
    rows = parsed(spark, [OTHER[case] for case in sorted(SAYS)])
    assert {row.reason for row in rows} == {"wrong_type"}
    # What the form alone cannot say, the comparison of ballots does: no such ballot is stored.
    beyond = {"a ranking that begins with another", "a ranking that repeats one", "a ranking of an invalid vote"}
    for case in SAYS - beyond:
        with pytest.raises(Unusable):
            Decoder(VoteMessage)(OTHER[case][0])
