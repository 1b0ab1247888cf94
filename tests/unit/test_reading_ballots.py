"""Messages on votes_topic as numbers: equal numbers are equal contents, and odd messages are looked at one by one."""

from dataclasses import dataclass
from datetime import date

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from election.buckets import records
from election.contracts.ages import AGE_GROUPS, age_group, age_on
from election.contracts.ballots import Choice, Place, VoteEncoder
from election.contracts.messages import Decoder, VoteMessage, encode
from election.reconciliation.contents import GENDERS, ODD, UNHEARD, Contents, Stored
from election.reconciliation.published import NOTHING, OTHER, Reader
from election.reconciliation.sums import Sums

CHOICES = [Choice(1, "Ynys Môn", 1, "Ada", "A"), Choice(1, "Ynys Môn", 2, 'Bob "B" Bell', "B"),
           Choice(2, "Weston", 3, "Cid", "A"), Choice(1, "Ynys Môn", None, None, None),
           Choice(2, "Weston", None, None, None)]  # fmt: skip
PLACES = [Place(5, "Wales", "North", "Holyhead"), Place(9, "Wales", "North", "Amlwch")]
KNOWN = Contents(7, "candidate", CHOICES, PLACES)
VOTE = VoteEncoder(7, "candidate", CHOICES, PLACES)
DAY = date(2019, 12, 12)
AT = 1_576_137_600_000


@dataclass
class Record:
    """A record with its place, as Kafka's reader gives it."""

    own: bytes
    said: bytes | None
    at: int = 0

    def key(self):
        return self.own

    def value(self):
        return self.said

    def partition(self):
        return 0

    def offset(self):
        return self.at


def vote(own=b"\x01" * 16, contest=1, candidate=1, location=5, gender="female", age="25-34", cast_at=AT):
    return Record(own, VOTE(own, contest, candidate, location, gender, age, cast_at))


def changed(record, **changes):
    return Record(record.own, encode(msgspec.structs.replace(Decoder(VoteMessage)(record.said), **changes)))


def read(*messages, refused=(), reader=None):
    """(code, time) of each; twice, so that what is remembered is used."""
    reader = reader or Reader(KNOWN, lambda: set(refused))
    first, second = (
        [(code, 0 if code in (OTHER, NOTHING) else time) for code, time in zip(*map(list, found[1:3]), strict=True)]
        for found in (reader(messages), reader(messages))
    )
    assert first == second
    return first


BALLOTS = st.tuples(
    st.sampled_from([(choice.contest, choice.candidate) for choice in CHOICES]),
    st.sampled_from([place.location for place in PLACES]),
    st.sampled_from(GENDERS),
    st.sampled_from([name for _, name in AGE_GROUPS]),
    st.integers(0, 10**14),
)


@settings(deadline=None)
@given(BALLOTS, BALLOTS)
def test_numbers_are_equal_when_contents_are(one, other):
    (first,), (second,) = (
        read(vote(contest=choice[0], candidate=choice[1], location=at, gender=gender, age=age, cast_at=time))
        for choice, at, gender, age, time in (one, other)
    )
    assert (first == second) == (one == other)
    assert first[0] >= 0 and first[1] == one[4]


ODDITIES: dict[str, dict[str, object]] = {
    "a name": {"candidate_name": "Eve"},
    "a party": {"party": "Z"},
    "a city": {"city": "Cardiff"},
    "a contest that is not there": {"contest": 2**40},
    "a place that is not there": {"location": 77},
    "a candidate of another contest": {"contest": 2, "contest_name": "Weston"},
    "another series": {"series": "party"},
}


@pytest.mark.parametrize("what", ODDITIES)
def test_what_no_ballot_could_say_has_a_code_below_zero_and_its_claim(what):
    reader = Reader(KNOWN, set)
    odd = changed(vote(), **ODDITIES[what])
    (ours, _), (code, digest) = read(vote(), odd, reader=reader)
    said = Decoder(VoteMessage)(odd.said)
    assert ours >= 0 and code <= ODD and reader.claims[ODD - code] == (said.contest, said.candidate)
    ((_, other),) = read(changed(odd, city="Swansea"), reader=reader)
    assert other != digest, "two odd messages of one claim are two"


def test_another_spelling_is_the_same():
    spaced = Record(b"\x01" * 16, msgspec.json.format(vote().said))
    assert read(spaced) == read(vote()) == read(vote(), spaced)[1:]


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (Record(b"\x02" * 16, vote().said), NOTHING),  # under another key
        (Record(b"\xab" * 16, vote(b"\xab" * 16).said.replace(b"abab", b"ABAB")), ODD),  # cannot be read
        (Record(b"\x01" * 16, vote().said[:-1]), ODD),
        (Record(b"\x01" * 16, vote().said.replace(b'"cast_at":1', b'"cast_at":0')), ODD),
        (Record(b"\x01" * 16, vote().said[:-1] + b',"contest":1}'), ODD),
        (Record(b"\x01" * 16, vote().said.replace(b'"election":7', b'"election":8')), OTHER),
        (Record(b"\x01" * 16, b"votes"), OTHER),
        (Record(b"\x01" * 16, None), OTHER),
        (Record(b"\x01" * 16, b""), OTHER),
    ],
)
def test_what_is_no_ballot_of_the_election(record, code):
    assert [found for found, _ in read(vote(), record, vote(b"\x03" * 16))] == [
        read(vote())[0][0],
        code,
        read(vote())[0][0],
    ]


def test_a_key_of_another_length_is_left_out_and_the_others_keep_their_places():
    _, codes, _, places = Reader(KNOWN, set)([Record(b"short", vote().said), vote(), Record(b"", None), vote()])
    assert places.tolist() == [1, 3] and (codes >= 0).all()


def test_what_the_count_rejected_is_nothing():
    cut = Record(b"\x01" * 16, vote().said[:-1], at=44)
    assert read(cut)[0][0] == ODD
    assert read(cut, refused=[(0, 44)])[0][0] == NOTHING


class Stand:
    """As much of an election as the codes of stored ballots need."""

    polling_day = DAY


BIRTHS = st.dates(date(1900, 1, 1), DAY)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CHOICES), st.sampled_from(PLACES), st.sampled_from(GENDERS), BIRTHS)))
def test_a_stored_ballot_has_the_code_of_its_message(rows):
    of_age = [row for row in rows if age_on(row[3], DAY) >= 18]
    for some in (rows, of_age):
        batch = pa.RecordBatch.from_pydict(
            {
                "contest": pa.array([choice.contest for choice, *_ in some], pa.int32()),
                "candidate": pa.array([choice.candidate for choice, *_ in some], pa.int32()),
                "location": pa.array([place.location for _, place, *_ in some], pa.int32()),
                "gender": pa.array([GENDERS.index(gender) for *_, gender, _ in some], pa.int32()),
                "born": pa.array([born for *_, born in some], pa.date32()),
            }
        )
        codes = Stored(Stand, KNOWN).codes(batch).tolist()  # type: ignore[arg-type]
        for (choice, place, gender, born), code in zip(some, codes, strict=True):
            age = age_on(born, DAY)
            said = vote(contest=choice.contest, candidate=choice.candidate, location=place.location, gender=gender,
                        age=age_group(max(age, 18)))  # fmt: skip
            assert code == (read(said)[0][0] if age >= 18 else UNHEARD)


def test_a_stored_ballot_that_no_message_could_say_has_no_code():
    none = pa.RecordBatch.from_pydict(
        {
            "contest": pa.array([2, 1, 9, None, 1, 1, 1], pa.int32()),
            "candidate": pa.array([1, 99, None, None, 1, 1, 1], pa.int32()),
            "location": pa.array([5, 5, 5, 5, 6, None, 5], pa.int32()),
            "gender": pa.array([0, 0, 0, 0, 0, 0, -1], pa.int32()),
            "born": pa.array([date(1980, 1, 1)] * 7, pa.date32()),
        }
    )
    codes = Stored(Stand, KNOWN).codes(none)  # type: ignore[arg-type]
    assert codes.tolist() == [UNHEARD] * 7
    sums = Sums(KNOWN)
    list(sums.passing(iter([records(bytes(16), np.array([UNHEARD]), np.array([AT]))])))
    assert sums.summed() is None


@pytest.mark.parametrize("time", [2**32 * 60_000, -1, 2**63 - 1, -(2**40)])
def test_a_time_that_would_count_for_another_choice_is_left_to_postgres(time):
    ((code, _),) = read(vote())
    for times in ([AT, time], [time, AT]):
        sums = Sums(KNOWN)
        list(sums.passing(iter([records(bytes(16), np.array([code]), np.array([at])) for at in times])))
        assert sums.summed() is None
    sums = Sums(KNOWN)
    list(sums.passing(iter([records(bytes(16), np.array([code]), np.array([2**32 * 60_000 - 1]))])))
    summed = sums.summed()
    assert summed is not None and summed.choices == [(1, 1, (2**32 - 1) * 60_000, 1)]
