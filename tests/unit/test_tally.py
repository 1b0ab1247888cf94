"""The count's graph, as it runs in production, fed batch by batch: what goes in, what totals come out."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from election.contracts import topics
from election.contracts.aggregates import TURNOUT_BY_HOUR
from election.contracts.messages import Decoder, RejectedRecord, VoteMessage, encode
from spark_jobs.tally.transforms import tally

GENERATION = 3
NOON = 1_576_152_000_000
Batches = list[list[dict[str, Any]]]
Count = Callable[..., list[dict[str, dict[str, Any]]]]


@pytest.fixture
def count(spark: SparkSession, tmp_path: Path) -> Count:
    """Streams each batch through the graph; gives what each batch emitted: topic -> Kafka key -> message."""

    def run(batches: Batches, **left_out: Any) -> list[dict[str, dict[str, Any]]]:
        source = tmp_path / "source"
        source.mkdir()
        for number, batch in enumerate(batches):
            file = source / f"{number}.json"
            file.write_text("\n".join(json.dumps(record) for record in batch))
            os.utime(file, (number, number))  # files are read in the order of their times
        records = (
            spark.readStream.schema("key STRING, value STRING, topic STRING, partition INT, offset BIGINT")
            .option("maxFilesPerTrigger", 1)
            .json(str(source))
            .withColumns({"key": fn.unbase64("key"), "value": fn.unbase64("value")})
        )
        emitted: list[dict[str, dict[str, Any]]] = []

        def take(rows: Any, _batch: int) -> None:
            by_topic: dict[str, dict[str, Any]] = {}
            for row in rows.collect():
                form = topics.AGGREGATES.get(row.topic, RejectedRecord)
                message: Any = Decoder(form)(row.value.encode())
                assert encode(message) == row.value.encode(), "the job's bytes are those of the declared message"
                by_topic.setdefault(row.topic, {})[row.key] = message
            emitted.append(by_topic)

        writer = tally(records, GENERATION, **left_out).writeStream.outputMode("update").foreachBatch(take)
        query = writer.option("checkpointLocation", str(tmp_path / "checkpoint")).trigger(availableNow=True).start()
        query.awaitTermination()
        return emitted

    return run


_offsets = iter(range(1_000_000))


def ballot(voter: int, **changes: Any) -> VoteMessage:
    """A valid ballot for Ada of the Blues in Northam, unless it says otherwise."""
    fields: dict[str, Any] = {
        "schema_version": 1,
        "ballot_id": f"{voter:032x}",
        "election": 1,
        "contest": 10,
        "contest_name": "Northam",
        "candidate": 100,
        "candidate_name": 'Ada "Öre" Lovelace',
        "party": "Blue",
        "location": 7,
        "country": "Wales",
        "region": "North",
        "city": "Bangor",
        "gender": "female",
        "age_group": "25-34",
        "series": "candidate",
        "cast_at": NOON,
    }
    return VoteMessage(**fields | changes)


def invalid(voter: int, **changes: Any) -> VoteMessage:
    return ballot(voter, candidate=None, candidate_name=None, party=None, **changes)


def record(vote: VoteMessage | bytes | None, key: bytes | None = None) -> dict[str, Any]:
    """A ballot, or bytes in its place, as a record of votes_topic."""
    if isinstance(vote, VoteMessage):
        key, vote = key or bytes.fromhex(vote.ballot_id), encode(vote)

    def text(data: bytes | None) -> str | None:
        return None if data is None else base64.b64encode(data).decode()

    return {"key": text(key), "value": text(vote), "topic": topics.VOTES, "partition": 0, "offset": next(_offsets)}


def votes(emitted: dict[str, dict[str, Any]], topic: str) -> dict[str, int]:
    return {key: message.votes for key, message in emitted.get(topic, {}).items()}


def test_one_valid_ballot_adds_to_every_total(count: Count) -> None:
    (emitted,) = count([[record(ballot(1))]])
    assert {topic: list(votes(emitted, topic).items()) for topic in topics.AGGREGATES} == {
        topics.VOTES_PER_CANDIDATE: [("1/3/10/10/100", 1)],
        topics.BALLOTS_PER_CONTEST: [("1/3/10/10/1/valid", 1)],
        topics.VOTES_PER_PARTY: [("1/3/1/Blue", 1)],
        topics.VOTES_PER_RANKING: [],
        topics.TURNOUT_BY_LOCATION: [("1/3/7", 1)],
        topics.TURNOUT_BY_GENDER: [("1/3/female", 1)],
        topics.TURNOUT_BY_AGE_GROUP: [("1/3/25-34", 1)],
        topics.VOTES_PER_MINUTE: [(f"1/3/{NOON}/1/candidate/100", 1)],
        TURNOUT_BY_HOUR.topic: [(f"1/3/{NOON}", 1)],
    }
    total = emitted[topics.VOTES_PER_CANDIDATE]["1/3/10/10/100"]
    assert (total.candidate_name, total.contest_name, total.party) == ('Ada "Öre" Lovelace', "Northam", "Blue")
    assert topics.REJECTED not in emitted


def test_an_invalid_ballot_counts_for_turnout_and_for_nobody(count: Count) -> None:
    (emitted,) = count([[record(invalid(1))]])
    assert votes(emitted, topics.BALLOTS_PER_CONTEST) == {"1/3/10/10/1/invalid": 1}
    assert votes(emitted, topics.TURNOUT_BY_LOCATION) == {"1/3/7": 1}
    for topic in (topics.VOTES_PER_CANDIDATE, topics.VOTES_PER_PARTY, topics.VOTES_PER_MINUTE):
        assert topic not in emitted


def test_each_vote_of_a_paper_adds_to_its_district_and_position_and_its_voter_counts_once(count: Count) -> None:
    lists = {"contest": 30, "contest_name": "Wales", "candidate": 300, "candidate_name": "A list", "party": "Red"}
    first, second, third = ballot(1), ballot(2, district=10, position=2, **lists), ballot(3, district=11)
    (emitted,) = count([[record(first), record(second), record(third), record(invalid(4, district=11, position=2))]])
    assert votes(emitted, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 1, "1/3/10/30/300": 1, "1/3/11/10/100": 1}
    assert votes(emitted, topics.BALLOTS_PER_CONTEST) == {
        "1/3/10/10/1/valid": 1, "1/3/10/30/2/valid": 1, "1/3/11/10/1/valid": 1, "1/3/11/10/2/invalid": 1,
    }  # fmt: skip
    assert votes(emitted, topics.VOTES_PER_PARTY) == {"1/3/1/Blue": 2, "1/3/2/Red": 1}
    assert votes(emitted, topics.VOTES_PER_MINUTE) == {
        f"1/3/{NOON}/1/candidate/100": 2, f"1/3/{NOON}/2/candidate/300": 1,
    }  # fmt: skip
    turnout = (topics.TURNOUT_BY_LOCATION, topics.TURNOUT_BY_GENDER, topics.TURNOUT_BY_AGE_GROUP, TURNOUT_BY_HOUR.topic)
    assert [list(votes(emitted, topic).values()) for topic in turnout] == [[2]] * 4
    total = emitted[topics.VOTES_PER_CANDIDATE]["1/3/10/30/300"]
    assert (total.district, total.contest, total.candidate, total.contest_name) == (10, 30, 300, "Wales")


def test_rankings_are_totals_of_their_own_beside_the_first_preferences(count: Count) -> None:
    ranked = [(100, 101), (100,), (100, 101), (101, 100), None]
    records = [
        record(ballot(at, candidate=(order or [100])[0], ranking=order)) for at, order in enumerate(ranked, start=1)
    ]
    first, second = count([records, [record(ballot(9, ranking=(100, 101)))]])
    assert votes(first, topics.VOTES_PER_RANKING) == {
        "1/3/10/10/100,101": 2,
        "1/3/10/10/100": 1,
        "1/3/10/10/101,100": 1,
    }
    assert votes(first, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 4, "1/3/10/10/101": 1}
    assert votes(second, topics.VOTES_PER_RANKING) == {"1/3/10/10/100,101": 3}
    assert second[topics.VOTES_PER_RANKING]["1/3/10/10/100,101"].ranking == "100,101"


def test_totals_are_absolute_and_only_changed_ones_are_told(count: Count) -> None:
    first, second = count(
        [
            [record(ballot(1)), record(ballot(2, candidate=101, candidate_name="Bo", party="Red"))],
            [record(ballot(3))],
        ]
    )
    assert votes(first, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 1, "1/3/10/10/101": 1}
    assert votes(second, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 2}
    assert votes(second, topics.VOTES_PER_PARTY) == {"1/3/1/Blue": 2}


def test_a_ballot_delivered_three_times_counts_once(count: Count) -> None:
    first, second = count([[record(ballot(1)), record(ballot(1))], [record(ballot(1)), record(ballot(2))]])
    assert votes(first, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 1}
    assert votes(second, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 2}


def test_a_vote_that_is_a_day_late_corrects_its_minute(count: Count) -> None:
    day = 24 * 3600 * 1000
    first, second, third = count(
        [[record(ballot(1, cast_at=NOON + 5))], [record(ballot(2, cast_at=NOON + day))], [record(ballot(3))]]
    )
    assert votes(first, topics.VOTES_PER_MINUTE) == {f"1/3/{NOON}/1/candidate/100": 1}
    assert votes(second, topics.VOTES_PER_MINUTE) == {f"1/3/{NOON + day}/1/candidate/100": 1}
    assert votes(third, topics.VOTES_PER_MINUTE) == {f"1/3/{NOON}/1/candidate/100": 2}


def test_ballots_are_counted_in_the_hour_in_which_they_were_cast_whether_valid_or_not(count: Count) -> None:
    hour = 3600 * 1000
    late = [record(invalid(2, cast_at=NOON + hour - 1)), record(ballot(3, cast_at=NOON + hour))]
    (emitted,) = count([[record(ballot(1)), *late]])
    assert votes(emitted, TURNOUT_BY_HOUR.topic) == {f"1/3/{NOON}": 2, f"1/3/{NOON + hour}": 1}


def test_a_large_election_keeps_its_minutes_per_party(count: Count) -> None:
    (emitted,) = count([[record(ballot(1, series="party", party="Lab/Co-op"))]])
    ((key, total),) = emitted[topics.VOTES_PER_MINUTE].items()
    assert key == f"1/3/{NOON}/1/party/Lab/Co-op"
    assert (total.series, total.member, total.label) == ("party", "Lab/Co-op", "Lab/Co-op")


def test_elections_do_not_mix(count: Count) -> None:
    (emitted,) = count([[record(ballot(1)), record(ballot(2, election=2))]])
    assert votes(emitted, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 1, "2/3/10/10/100": 1}


def test_a_name_spelt_differently_does_not_split_a_total(count: Count) -> None:
    first, second = count(
        [[record(ballot(1)), record(ballot(2, candidate_name="Ada Lovelace"))], [record(ballot(3, city="Bangor Aye"))]]
    )
    assert votes(first, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 2}
    assert votes(second, topics.TURNOUT_BY_LOCATION) == {"1/3/7": 3}


GOOD = encode(ballot(1))
UNUSABLE: dict[str, tuple[bytes | None, bytes | None, str]] = {
    "no value": (None, bytes(16), "null"),
    "not UTF-8": (GOOD.replace(b"Northam", b"North\xff"), None, "not_utf8"),
    "half a message": (GOOD[:80], None, "not_json"),
    "another kind of JSON": (b"[1, 2]", bytes(16), "wrong_type"),
    "a later version": (GOOD.replace(b'"schema_version":1', b'"schema_version":2'), None, "unknown_version"),
    "a missing field": (GOOD.replace(b'"gender":"female",', b""), None, "wrong_type"),
    "a mistyped field": (GOOD.replace(b'"contest":10', b'"contest":"ten"'), None, "wrong_type"),
    "a fraction of a contest": (GOOD.replace(b'"contest":10', b'"contest":10.5'), None, "wrong_type"),
    "contest nought": (GOOD.replace(b'"contest":10', b'"contest":0'), None, "wrong_type"),
    "an unheard-of age": (GOOD.replace(b"25-34", b"0-17"), None, "wrong_type"),
    "a candidate without a name": (GOOD.replace(b'"candidate_name":"Ada', b'"other":"Ada'), None, "wrong_type"),
    "somebody else's key": (GOOD, bytes(16), "key_mismatch"),
    "no key": (GOOD, b"", "key_mismatch"),
    "a ranking of somebody else": (encode(ballot(1, ranking=(101, 100))), None, "wrong_type"),
    "position nought": (encode(ballot(1, position=0)), None, "wrong_type"),
    "65 KB": (GOOD.replace(b"Ada", b"Ada" * 22_000), None, "too_large"),
    "a ballot id of 15 bytes": (encode(ballot(1, ballot_id="00" * 15)), bytes(15), "wrong_type"),
}


def test_records_that_cannot_be_used_are_rejected_whole_each_with_its_reason_and_stop_nothing(count: Count) -> None:
    bad = {
        case: record(value, bytes.fromhex(ballot(1).ballot_id) if key is None else key)
        for case, (value, key, _) in UNUSABLE.items()
    }
    (emitted,) = count([[*bad.values(), record(ballot(2))]])
    assert votes(emitted, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 1}
    rejected = {case: emitted[topics.REJECTED][f"votes_topic/0/{origin['offset']}"] for case, origin in bad.items()}
    assert {case: found.reason for case, found in rejected.items()} == {
        case: reason for case, (_, _, reason) in UNUSABLE.items()
    }
    for case, origin in bad.items():
        found = rejected[case]
        assert (found.stage, found.topic, found.partition, found.offset) == ("count", topics.VOTES, 0, origin["offset"])
        # What is larger than a vote may be stays where it came from.
        kept = ("", None) if found.reason == "too_large" else (origin["key"], origin["value"])
        assert (found.key or "", found.value) == kept


def test_the_same_unusable_bytes_twice_are_two_rejected_records(count: Count) -> None:
    first, second = count([[record(b"{", bytes(16)), record(b"{", bytes(16))], [record(b"{", bytes(16))]])
    assert (len(first[topics.REJECTED]), len(second[topics.REJECTED])) == (2, 1)


def test_what_is_quarantined_is_rejected_and_the_ballot_itself_is_counted(count: Count) -> None:
    forged = {"offset": 7, "partition": 1}
    first = [record(ballot(1, candidate=101)) | forged, record(ballot(2, candidate=101)) | {"offset": 7}]
    emitted, more = count([first, [record(ballot(1))]], left_out={"0": [1, 8], "1": [3, 7], "2": []})
    assert votes(emitted, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/101": 1}
    assert {key: reject.reason for key, reject in emitted[topics.REJECTED].items()} == {
        "votes_topic/1/7": "quarantined"
    }
    assert votes(more, topics.VOTES_PER_CANDIDATE) == {"1/3/10/10/100": 1}


def test_votes_of_an_election_that_was_removed_are_passed_over(count: Count) -> None:
    batch = [record(ballot(1)), record(ballot(2, election=2)), record(b"{}", bytes(16)), record(invalid(3, election=4))]
    (emitted,) = count([batch], removed=[2, 4])
    assert votes(emitted, topics.BALLOTS_PER_CONTEST) == {"1/3/10/10/1/valid": 1}
    assert [reject.reason for reject in emitted[topics.REJECTED].values()] == ["wrong_type"]
