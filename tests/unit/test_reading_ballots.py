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
from election.reconciliation.contents import GENDERS, ODD, UNHEARD, Claim, Contents, Stored
from election.reconciliation.published import NOTHING, OTHER, Reader
from election.reconciliation.sums import Sums

# Districts 1 and 2 each vote in the contest of their number, then in contest 30, and district 2 in contest 4 as well.
CHOICES = [Choice(1, "Ynys Môn", 1, "Ada", "A"), Choice(1, "Ynys Môn", 2, 'Bob "B" Bell', "B"),
           Choice(2, "Weston", 3, "Cid", "A"), Choice(1, "Ynys Môn", None, None, None),
           Choice(2, "Weston", None, None, None),
           Choice(30, "Wales", 9, "A list", "A", district=1, position=2),
           Choice(30, "Wales", 9, "A list", "A", district=2, position=3),
           Choice(30, "Wales", None, None, None, district=1, position=2),
           Choice(30, "Wales", None, None, None, district=2, position=3),
           Choice(4, "The council", 5, "Dot", "A", district=2, position=2),
           Choice(4, "The council", 7, "Eve", "B", district=2, position=2),
           Choice(4, "The council", None, None, None, district=2, position=2)]  # fmt: skip
RANKINGS = [(2, "5"), (2, "5,7"), (2, "7,5"), (2, "77"), (2, "?"), (9, "5")]
PLACES = [Place(5, "Wales", "North", "Holyhead"), Place(9, "Wales", "North", "Amlwch")]
KNOWN = Contents(7, "candidate", CHOICES, PLACES, RANKINGS)
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


def vote(
    own=b"\x01" * 16, contest=1, candidate=1, location=5, gender="female", age="25-34", cast_at=AT, *, district=0,
    ranking=None,
):  # fmt: skip
    return Record(own, VOTE(own, district or contest, contest, candidate, ranking, location, gender, age, cast_at))


def of(claim, **more):
    """A vote for a choice of the election, as its claim says it."""
    ranking = tuple(map(int, claim.ranking.split(","))) if claim.ranking else None
    return vote(
        contest=claim.contest, candidate=claim.candidate or None, district=claim.district, ranking=ranking, **more
    )


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
    st.sampled_from(KNOWN.claims),
    st.sampled_from([place.location for place in PLACES]),
    st.sampled_from(GENDERS),
    st.sampled_from([name for _, name in AGE_GROUPS]),
    st.integers(0, 10**14),
)


@settings(deadline=None)
@given(BALLOTS, BALLOTS)
def test_numbers_are_equal_when_contents_are(one, other):
    (first,), (second,) = (
        read(of(choice, location=at, gender=gender, age=age, cast_at=time))
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
    "a district that is not there": {"district": 77},
    "another district": {"district": 2},
    "a position that is not there": {"position": 9},
    "another position": {"position": 2},
    "a ranking where there is none": {"ranking": (1,)},
}


@pytest.mark.parametrize("what", ODDITIES)
def test_what_no_ballot_could_say_has_a_code_below_zero_and_its_claim(what):
    reader = Reader(KNOWN, set)
    odd = changed(vote(), **ODDITIES[what])
    (ours, _), (code, digest) = read(vote(), odd, reader=reader)
    said = Decoder(VoteMessage)(odd.said)
    assert ours >= 0 and code <= ODD and reader.claims[ODD - code] == Claim.of(said)
    ((_, other),) = read(changed(odd, city="Swansea"), reader=reader)
    assert other != digest, "two odd messages of one claim are two"


def test_a_ranking_that_is_not_stored_is_odd():
    stored, other = (
        vote(contest=4, candidate=5, district=2, ranking=(5, 7)),
        vote(contest=4, candidate=5, district=2, ranking=(5, 7, 3)),
    )
    reader = Reader(KNOWN, set)
    (ours, _), (code, _) = read(stored, other, reader=reader)
    assert KNOWN.claims[int(KNOWN.choice_of(np.array([ours]))[0])] == Claim(2, 4, 2, 5, "5,7")
    assert reader.claims[ODD - code] == Claim(2, 4, 2, 5, "5,7,3")
    assert len(KNOWN.claims) == len(CHOICES) + 3, "what is no ranking of a district is no choice"


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


def batch(rows):
    """Stored votes as columns: (claim, location, gender's place, born); parts of a claim may be None or wrong."""
    return pa.RecordBatch.from_pydict(
        {
            "district": pa.array([claim[0] for claim, *_ in rows], pa.int32()),
            "contest": pa.array([claim[1] for claim, *_ in rows], pa.int32()),
            "position": pa.array([claim[2] for claim, *_ in rows], pa.int16()),
            "candidate": pa.array([claim[3] or None for claim, *_ in rows], pa.int32()),
            "ranking": pa.array([claim[4] or None for claim, *_ in rows], pa.string()),
            "location": pa.array([location for _, location, *_ in rows], pa.int32()),
            "gender": pa.array([gender for *_, gender, _ in rows], pa.int32()),
            "born": pa.array([born for *_, born in rows], pa.date32()),
        }
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KNOWN.claims), st.sampled_from(PLACES), st.sampled_from(GENDERS), BIRTHS)))
def test_a_stored_vote_has_the_code_of_its_message(rows):
    of_age = [row for row in rows if age_on(row[3], DAY) >= 18]
    for some in (rows, of_age):
        stored = batch([(claim, place.location, GENDERS.index(gender), born) for claim, place, gender, born in some])
        codes = Stored(Stand, KNOWN).codes(stored).tolist()  # type: ignore[arg-type]
        for (claim, place, gender, born), code in zip(some, codes, strict=True):
            age = age_on(born, DAY)
            said = of(claim, location=place.location, gender=gender, age=age_group(max(age, 18)))
            assert code == (read(said)[0][0] if age >= 18 else UNHEARD)


NO_VOTES = [
    # district, contest, position, candidate, ranking
    (2, 2, 1, 1, ""), (1, 1, 1, 99, ""), (9, 9, 1, 0, ""), (1, None, 1, 0, ""), (None, 1, 1, 1, ""),  # not on a paper
    (2, 1, 1, 1, ""), (1, 30, 1, 9, ""), (2, 30, 2, 9, ""), (1, 4, 2, 5, ""), (1, 1, 0, 1, ""), (1, 1, -1, 1, ""),
    (1, 1, None, 1, ""), (1, 1, 32767, 1, ""), (0, 0, 0, 0, ""),
    (2, 4, 2, 5, "7,5"), (2, 4, 2, 5, "5,7,3"), (2, 4, 2, 0, "5"), (2, 30, 3, 9, "5"), (1, 4, 2, 5, "5"),
    (2, 4, 2, 5, "?"), (9, 4, 2, 5, "5"),
]  # fmt: skip


def test_a_stored_vote_that_no_message_could_say_has_no_code():
    born = date(1980, 1, 1)
    good = KNOWN.claims[0]
    people = [(good, 6, 0, born), (good, None, 0, born), (good, 5, -1, born)]
    codes = Stored(Stand, KNOWN).codes(batch([(claim, 5, 0, born) for claim in NO_VOTES] + people))  # type: ignore[arg-type]
    assert codes.tolist() == [UNHEARD] * (len(NO_VOTES) + 3)
    none = Contents(7, "candidate", [], [])
    assert Stored(Stand, none).codes(batch([(good, 5, 0, born)])).tolist() == [UNHEARD]  # type: ignore[arg-type]
    sums = Sums(KNOWN)
    list(sums.passing(iter([records(bytes(16), np.array([UNHEARD]), np.array([AT]))])))
    assert sums.summed() is None


def test_votes_are_summed_by_choice_and_voters_by_their_first_votes():
    """Two voters of district 2 with three votes each, one of them with an invalid second vote."""
    cast = [
        (2, 2, 1, 3, ""),
        (2, 4, 2, 5, "5,7"),
        (2, 30, 3, 9, ""),
        (2, 2, 1, 3, ""),
        (2, 4, 2, 0, ""),
        (2, 30, 3, 9, ""),
    ]
    codes = Stored(Stand, KNOWN).codes(batch([(claim, 5, 0, date(1980, 1, 1)) for claim in cast]))  # type: ignore[arg-type]
    sums = Sums(KNOWN)
    for at, code in enumerate(codes):
        list(sums.passing(iter([records(bytes([at]) * 16, np.array([code]), np.array([AT]))])))
    summed = sums.summed()
    assert summed is not None
    assert sorted(summed.choices, key=str) == [
        (2, 2, 1, 3, None, AT, 2), (2, 30, 3, 9, None, AT, 2), (2, 4, 2, 5, "5,7", AT, 1), (2, 4, 2, None, None, AT, 1),
    ]  # fmt: skip
    assert summed.people == [(5, "female", "35-44", 2)]


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
    assert summed is not None and summed.choices == [(1, 1, 1, 1, None, (2**32 - 1) * 60_000, 1)]
