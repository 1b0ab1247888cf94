"""An aggregate is declared once: what derives from the declaration, and what a wrong declaration is told."""

from dataclasses import replace

import pytest

from election.contracts import aggregates
from election.contracts.aggregates import (
    AGGREGATES,
    TURNOUT_BY_GENDER,
    VOTES_PER_MINUTE,
    VOTES_PER_PARTY,
    Aggregate,
    Field,
    Total,
)
from election.contracts.messages import Number
from election.contracts.schemas import json_schemas
from election.contracts.topics import TOPICS
from election.stack.kafka_access import READS, WRITES
from spark_jobs.tally.kinds import _kind


def test_every_aggregate_has_a_topic_a_schema_and_access_rules():
    declared = {aggregate.topic for aggregate in AGGREGATES}
    assert declared <= {topic.name for topic in TOPICS}
    assert all("Key `election/generation/" in str(json_schemas()[topic]) for topic in declared)
    assert all(declared <= set(names) for names in (WRITES["tally"], READS["app"], READS["dashboard"]))


def test_a_message_without_a_declared_field_is_refused():
    with pytest.raises(TypeError, match=r"declares \['gender', 'region'\], its message has \['gender'\]"):
        replace(TURNOUT_BY_GENDER, names=(Field("region"),))


def test_what_no_row_of_the_count_can_hold_is_refused():
    class Four(Total, frozen=True, kw_only=True):
        district: Number
        contest: Number
        location: Number
        minute: Number

    fields = tuple(Field(name) for name in ("district", "contest", "location", "minute"))
    with pytest.raises(TypeError, match=r"a row of the count has no column for \['minute'\]"):
        _kind(Aggregate("aggregated_four", "Four", Four, "choices", fields))

    class Backwards(Total, frozen=True, kw_only=True):
        party: str
        contest: Number

    with pytest.raises(TypeError, match="declare numbers before texts"):
        _kind(Aggregate("aggregated_backwards", "B", Backwards, "choices", (Field("party"), Field("contest"))))


def test_the_version_of_the_query_changes_with_the_aggregates_that_the_state_holds(monkeypatch):
    class Wider(aggregates.PartyTotal, frozen=True, kw_only=True):
        region: str

    def version(*changed: Aggregate) -> str:
        monkeypatch.setattr(aggregates, "AGGREGATES", changed)
        return aggregates.fingerprint()

    minute = replace(VOTES_PER_MINUTE, names=(Field("label", "party"),))
    party, first = VOTES_PER_PARTY, version(*AGGREGATES)
    others = [
        version(*AGGREGATES[:-1]),
        version(*reversed(AGGREGATES)),
        version(*AGGREGATES[:-1], minute),
        version(*AGGREGATES[:2], replace(party, of="all"), *AGGREGATES[3:]),
        version(*AGGREGATES[:2], replace(party, message=Wider, names=(Field("region"),)), *AGGREGATES[3:]),
    ]
    assert len({first, *others}) == len(others) + 1
    assert version(*AGGREGATES[:2], replace(party, title="Other words"), *AGGREGATES[3:]) == first
