"""Every aggregate, declared once: topic, message, key, what a ballot adds, and the SQL of its expected totals.

Topics, Kafka's access rules, the tally's rows, reconciliation, the readers' fold, the dashboard's claims and
docs/messages.md derive from ``AGGREGATES``. So does the version of the tally's query: the tally refuses a checkpoint
that was written for other aggregates.
"""

import inspect
import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

import msgspec

from election.contracts.messages import AgeGroup, Count, Gender, Millis, Number, Version
from election.contracts.public import Series

Of = Literal["all", "valid", "ranked", "first"]
CONDITIONS: dict[Of, str] = {
    "all": "true",
    "valid": "candidate IS NOT NULL",
    "ranked": "ranking IS NOT NULL",
    "first": "position = 1",
}
"""Which votes add to an aggregate, as SQL for both Spark and Postgres."""
_WORDS: dict[Of, str] = {
    "all": "Valid and invalid votes",
    "valid": "Valid votes",
    "ranked": "Votes with a ranking",
    "first": "Ballots: the first vote of each voter",
}


# Readers hold hundreds of thousands of totals. They never refer to each other, so they need no garbage collection.
class Total(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The fields of every total. ``votes`` is absolute: all votes counted so far, never a difference.

    ``generation`` is the generation of the tally that wrote it. A rebuild starts a new generation with its own keys.
    """

    schema_version: Version
    generation: Number
    election: Number
    votes: Count


@dataclass(frozen=True)
class Field:
    """A field of a total's message.

    ``adds`` is Spark SQL over the fields of a vote and ``minute``, in which the vote was cast (``spark_jobs.tally``);
    ``district`` and ``position`` are never absent there, and ``ranking`` is a text as in "3,1,2".
    ``stored`` is Postgres SQL over the columns of ``Aggregate.source`` (``storage.expected``); only keys need it.
    Both default to the column with the field's name.
    """

    name: str
    adds: str = ""
    stored: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "adds", self.adds or self.name)
        object.__setattr__(self, "stored", self.stored or self.name)


@dataclass(frozen=True, eq=False)
class Aggregate:
    """One topic of totals.

    ``key`` are the fields that identify a total: at most three numbers first, then at most two texts. They follow
    election and generation in the Kafka key. ``names`` are fields outside the key. ``source`` is the relation of stored
    votes from which the expected totals are computed. ``title`` names the sum of all totals, as in "Parties' votes add
    up to the valid votes". ``of`` says which votes add to it: ``all``, the ``valid`` ones, those that are ``ranked``,
    or the ``first`` on each ballot paper, one a voter, which make the turnout.
    """

    topic: str
    title: str
    message: type[Total]
    source: Literal["choices", "people"]
    key: tuple[Field, ...]
    names: tuple[Field, ...] = field(default=())
    of: Of = "all"

    def __post_init__(self) -> None:
        declared = {part.name for part in (*self.key, *self.names)}
        own = set(self.message.__struct_fields__) - set(Total.__struct_fields__)
        if declared != own:
            raise TypeError(f"{self.topic} declares {sorted(declared)}, its message has {sorted(own)}")

    @property
    def description(self) -> str:
        """The topic's description in the documentation and the JSON Schema."""
        key = "/".join(("election", "generation", *(part.name for part in self.key)))
        return f"{_WORDS[self.of]}. Key `{key}`. {inspect.cleandoc(self.message.__doc__ or '')}".strip()


class CandidateTotal(Total, frozen=True, kw_only=True):
    district: Number
    contest: Number
    contest_name: str
    candidate: Number
    candidate_name: str
    party: str


VOTES_PER_CANDIDATE = Aggregate(
    "aggregated_votes_per_candidate",
    "Candidates' votes",
    CandidateTotal,
    "choices",
    key=(Field("district"), Field("contest"), Field("candidate")),
    names=(Field("contest_name"), Field("candidate_name"), Field("party")),
    of="valid",
)


class ContestTotal(Total, frozen=True, kw_only=True):
    """``position`` is the contest's on the district's ballot paper, so that readers can tell ballots from votes."""

    district: Number
    contest: Number
    contest_name: str
    position: Number
    validity: Literal["valid", "invalid"]


# Every vote adds to exactly one of these totals, so their sum is the number of votes that a generation has counted, and
# the sum of those at position 1 is the number of ballots.
BALLOTS_PER_CONTEST = Aggregate(
    "aggregated_ballots_per_contest",
    "Valid and invalid votes",
    ContestTotal,
    "choices",
    key=(
        Field("district"),
        Field("contest"),
        Field("position"),
        Field(
            "validity",
            adds="if(candidate IS NULL, 'invalid', 'valid')",
            stored="CASE WHEN candidate IS NULL THEN 'invalid' ELSE 'valid' END",
        ),
    ),
    names=(Field("contest_name"),),
)


class PartyTotal(Total, frozen=True, kw_only=True):
    """``party`` is an abbreviation. ``position`` is the vote's on the ballot paper: first and second votes differ."""

    position: Number
    party: str


VOTES_PER_PARTY = Aggregate(
    "aggregated_votes_per_party",
    "Parties' votes",
    PartyTotal,
    "choices",
    key=(Field("position"), Field("party")),
    of="valid",
)


class RankingTotal(Total, frozen=True, kw_only=True):
    """``ranking`` has the numbers of candidates, the most preferred first, with commas between."""

    district: Number
    contest: Number
    ranking: str


VOTES_PER_RANKING = Aggregate(
    "aggregated_votes_per_ranking",
    "Rankings",
    RankingTotal,
    "choices",
    key=(Field("district"), Field("contest"), Field("ranking")),
    of="ranked",
)


class LocationTurnout(Total, frozen=True, kw_only=True):
    location: Number
    country: str
    region: str
    city: str


TURNOUT_BY_LOCATION = Aggregate(
    "aggregated_turnout_by_location",
    "Ballots by location",
    LocationTurnout,
    "people",
    key=(Field("location"),),
    names=(Field("country"), Field("region"), Field("city")),
    of="first",
)


class GenderTurnout(Total, frozen=True, kw_only=True):
    gender: Gender


TURNOUT_BY_GENDER = Aggregate(
    "aggregated_turnout_by_gender", "Ballots by gender", GenderTurnout, "people", key=(Field("gender"),), of="first"
)


class AgeGroupTurnout(Total, frozen=True, kw_only=True):
    age_group: AgeGroup


TURNOUT_BY_AGE_GROUP = Aggregate(
    "aggregated_turnout_by_age_group",
    "Ballots by age group",
    AgeGroupTurnout,
    "people",
    key=(Field("age_group"),),
    of="first",
)


class MinuteTotal(Total, frozen=True, kw_only=True):
    """``minute`` is the beginning of the minute in which the votes were cast, ``position`` theirs on the ballot paper.

    ``member`` is a candidate's number or a party's abbreviation, ``label`` the candidate's name or the abbreviation.
    """

    minute: Millis
    position: Number
    series: Series
    member: str
    label: str


VOTES_PER_MINUTE = Aggregate(
    "aggregated_votes_per_minute",
    "Votes by minute",
    MinuteTotal,
    "choices",
    key=(
        Field("minute"),
        Field("position"),
        Field("series"),
        Field(
            "member",
            adds="if(series = 'party', party, CAST(candidate AS STRING))",
            stored="CASE WHEN series = 'party' THEN party ELSE candidate::text END",
        ),
    ),
    names=(Field("label", adds="if(series = 'party', party, candidate_name)"),),
    of="valid",
)


HOUR = 3_600_000  # milliseconds


class HourTurnout(Total, frozen=True, kw_only=True):
    """``hour`` is the beginning of the UTC hour in which the ballots were cast."""

    hour: Millis


TURNOUT_BY_HOUR = Aggregate(
    "aggregated_turnout_by_hour",
    "Ballots by hour",
    HourTurnout,
    "choices",
    key=(Field("hour", adds=f"minute - minute % {HOUR}", stored=f"minute - mod(minute, {HOUR})"),),
    of="first",
)

AGGREGATES: tuple[Aggregate, ...] = (
    VOTES_PER_CANDIDATE,
    BALLOTS_PER_CONTEST,
    VOTES_PER_PARTY,
    VOTES_PER_RANKING,
    TURNOUT_BY_LOCATION,
    TURNOUT_BY_GENDER,
    TURNOUT_BY_AGE_GROUP,
    VOTES_PER_MINUTE,
    TURNOUT_BY_HOUR,
)


def fingerprint() -> str:
    """Eight hexadecimal digits that change whenever the tally's totals or its state change their form."""
    declared = [
        (
            aggregate.topic,
            aggregate.message.__struct_fields__,
            [(part.name, part.adds) for part in aggregate.key],
            [(part.name, part.adds) for part in aggregate.names],
            aggregate.of,
        )
        for aggregate in AGGREGATES
    ]
    return blake2b(json.dumps(declared).encode(), digest_size=4).hexdigest()
