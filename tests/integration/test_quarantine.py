"""Forged messages on votes_topic: a person has the count leave them out, and the election can be certified."""

import psycopg
import pytest

from election.casting import cast, close_poll
from election.contracts import topics
from election.contracts.aggregates import ContestTotal
from election.contracts.ballots import ballot_ids
from election.contracts.messages import VoteMessage, encode
from election.count import driver, wait_until_counted
from election.count.folder import tally_folder
from election.count.rebuilding import leaves_out_all, rebuild
from election.errors import BadInput, StageFailed
from election.messaging.aggregates import folded
from election.messaging.clients import SafeProducer
from election.messaging.rejected import rejected
from election.platform import Platform
from election.reconciliation import find_forged, quarantine, reconcile
from election.reconciliation.ballots import ballot_rows
from election.storage.ballots import ballot_key, stored_votes
from election.storage.elections import Election
from tests.ballots import compared

REASON = "The broker stood open for an hour."
LARGEST = 2**63 - 1


def vote(poll: Election, own: bytes, candidate: int = 1) -> bytes:
    return encode(
        VoteMessage(
            schema_version=1, ballot_id=own.hex(), election=poll.election_no, contest=1, contest_name="A",
            candidate=candidate, candidate_name="N", party="P", location=1, country="country", region="region",
            city="city", gender="female", age_group="25-34", series="candidate", cast_at=0,
        )
    )  # fmt: skip


def plant(platform: Platform, *messages: tuple[bytes, bytes]) -> None:
    producer = SafeProducer(platform.kafka)
    for key, value in messages:
        producer.produce(topics.VOTES, value, key)
    producer.flush()


def a_stored_ballot(platform: Platform, poll: Election) -> tuple[bytes, bytes]:
    with platform.connect("auditor") as connection:
        return next(stored_votes(connection, poll))


def test_what_is_forged_is_found_by_its_place_and_what_is_stored_never(tables, published):
    poll = published("quarantine-found", voters=300)
    cast(tables, poll.slug)
    assert find_forged(tables, poll.slug) == []
    own, stored = a_stored_ballot(tables, poll)
    unknown = b"\x51" * 16
    other = published("quarantine-other", voters=10)
    plant(
        tables,
        (unknown, vote(poll, unknown)),
        (own, vote(poll, own)),
        (own, vote(other, own)),  # as another election's, it would keep ours from being counted
        (own, stored),  # delivered again: it is what is stored
        (unknown, vote(other, unknown)),  # none of this election's business
        (b"\x52" * 16, vote(poll, unknown)),  # under another key, which the count rejects
    )
    found = [(message.ballot_id, message.found) for message in find_forged(tables, poll.slug)]
    assert sorted(found) == sorted(
        [(unknown.hex(), "not stored"), (own.hex(), "other content"), (own.hex(), "other content")]
    )
    assert compared(tables, poll).differing == 2
    assert {"unknown", "altered"} <= {row.kind for row in ballot_rows(tables, poll)}
    quarantine(tables, poll.slug, "admin", REASON, find_forged(tables, poll.slug))
    assert find_forged(tables, poll.slug) == []
    comparison = compared(tables, poll)
    assert (comparison.differing, comparison.quarantined) == (0, 3)
    assert {row.kind for row in ballot_rows(tables, poll)} == {"bucket"}
    with tables.connect("dashboard") as connection:
        (shown,) = connection.execute(
            "SELECT decided_by, reason, messages FROM public_quarantines WHERE election_no = %s", [poll.election_no]
        ).fetchall()
    assert shown == ("admin", REASON, 3)


def test_a_quarantine_is_a_decision_that_is_kept(tables, published):
    poll = published("quarantine-kept", voters=10)
    unknown = b"\x53" * 16
    plant(tables, (unknown, vote(poll, unknown)))
    found = find_forged(tables, poll.slug)
    with pytest.raises(BadInput, match="needs a reason"):
        quarantine(tables, poll.slug, "admin", " ", found)
    with pytest.raises(StageFailed, match="may not decide"):
        quarantine(tables, poll.slug, "operator", REASON, found)
    with pytest.raises(StageFailed, match="nothing to quarantine"):
        quarantine(tables, poll.slug, "admin", REASON, [])
    quarantine(tables, poll.slug, "admin", REASON, found)
    with pytest.raises(StageFailed, match="duplicate key"):
        quarantine(tables, poll.slug, "admin", REASON, found)
    for role in ("app", "auditor", "reader", "dashboard", "results_feed"):
        for table in ("quarantines", "quarantined_messages"):
            with pytest.raises(psycopg.Error), tables.connect(role) as connection:
                connection.execute(f"DELETE FROM {table}")
            with pytest.raises(psycopg.Error), tables.connect(role) as connection:
                connection.execute(f"INSERT INTO {table} DEFAULT VALUES")
    with pytest.raises(psycopg.Error), tables.connect("app") as connection:
        connection.execute("SELECT quarantine(%s, 'admin', 'no', 'topic', '[]')", [poll.slug])
    with pytest.raises(psycopg.errors.RaiseException), tables.connect("owner") as connection:
        connection.execute("UPDATE quarantines SET reason = 'another' WHERE election_no = %s", [poll.election_no])


def test_an_election_with_forged_ballots_is_counted_exactly_after_a_quarantine(counting, published):
    poll = published("quarantine-counted", voters=500)
    with counting.connect("auditor") as connection:
        ids = ballot_ids(ballot_key(connection, poll.election_no))
    unknown = b"\x54" * 16
    # Every voter's ballot is forged before it is cast, so that the count keeps the forged one.
    plant(counting, (unknown, vote(poll, unknown)), *((ids(voter), vote(poll, ids(voter))) for voter in range(1, 501)))
    assert driver.wait_for(lambda: folded(counting.kafka).ballots(poll.election_no) == 501, 600)
    cast(counting, poll.slug)
    close_poll(counting, poll.slug)
    with pytest.raises(StageFailed, match=f"election quarantine {poll.slug}"):
        wait_until_counted(counting, poll.slug, timeout_stalled_s=240)
    verdict = reconcile(counting, poll.slug)
    with pytest.raises(StageFailed, match="election quarantine SLUG"):
        verdict.require_ok()
    planted = ContestTotal(
        schema_version=1, generation=LARGEST, election=poll.election_no, votes=10**6, district=1, contest=1,
        contest_name="A", position=1, validity="valid",
    )  # fmt: skip
    producer = SafeProducer(counting.login("tally"))
    producer.produce(topics.BALLOTS_PER_CONTEST, encode(planted), f"{poll.election_no}/{LARGEST}/1/1/1/valid".encode())
    producer.flush()
    found = find_forged(counting, poll.slug)
    quarantine(counting, poll.slug, "admin", REASON, found)
    assert not leaves_out_all(counting)
    before = tally_folder(counting.settings).generation
    assert rebuild(counting) == before + 1
    assert leaves_out_all(counting)
    wait_until_counted(counting, poll.slug, timeout_stalled_s=240)
    verdict = reconcile(counting, poll.slug)
    assert (verdict.differences, verdict.quarantined) == ((), len(found))
    assert verdict.quarantined == 501
    left_out = [record.reason for record in rejected(counting, poll.election_no, "count")]
    assert left_out == ["quarantined"] * 501
