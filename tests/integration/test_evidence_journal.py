"""The journal: verdicts, decisions and rejected records are chained; what a superuser changes is found and named."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import pairwise

import psycopg
import pytest
from typer.testing import CliRunner

from election.casting import cast, close_poll
from election.certification import certify, refuse
from election.cli import app
from election.contracts import topics
from election.contracts.messages import ExternalBallot
from election.count.driver import wait_for
from election.errors import StageFailed
from election.evidence import rejections
from election.evidence.comparing import check_records
from election.evidence.journal import KEYS, chained, journal, journal_heads, journal_origin, newest_note
from election.evidence.notes import Checkpoint, Signer, checkpoint, verified
from election.evidence.sealing import seal
from election.messaging.clients import SafeProducer
from election.messaging.reading import read
from election.messaging.rejected import rejected, take_back
from election.preparation import create_tables
from election.removal import _remove_rows
from election.results import export, record_documents, results
from tests.ballots import send
from tests.certifying import counted, verdict

ROLES = ("owner", "app", "auditor", "reader", "dashboard")
REFUSALS = (
    psycopg.errors.RaiseException,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ReadOnlySqlTransaction,
)
RECORDED = "INSERT INTO certified_documents (election_no, format, verdict_no, sha256) VALUES (%s, 'nist-json', %s, %s)"


def entries(platform, poll):
    with platform.connect("auditor") as connection:
        return list(journal(connection, poll.election_no))


def heads(platform, poll):
    with platform.connect("dashboard") as connection:  # they are public
        return journal_heads(connection, poll.election_no)


def faults(platform, poll):
    return check_records(platform, poll.slug).found


def tamper(platform, *statements):
    """As the superuser, whom no trigger stops."""
    settings = platform.settings
    with psycopg.connect(
        host=settings.postgres_host, port=settings.postgres_port, dbname=settings.postgres_database, user="postgres",
        password=settings.secret("postgres_superuser"),
    ) as connection:  # fmt: skip
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement


@pytest.fixture
def refused(tables, published):
    """An election with a verdict and a refusal in its journal, signed."""

    def make(slug):
        poll = published(slug, voters=60)
        cast(tables, poll.slug)
        close_poll(tables, poll.slug)
        counted(tables, poll.slug)
        refuse(tables, poll.slug, "me", "Not yet. “é”\nTwo lines.", verdict(tables, poll.slug))
        seal(tables, poll.slug)
        return poll

    return make


@pytest.fixture
def faulty(tables, published):
    """A closed poll with five rejected records, sealed."""

    def make(slug):
        poll = published(slug, voters=20, ballots="external")
        send(tables, *(ExternalBallot(1, poll.election_no, voter, 1, 9) for voter in range(1, 6)))
        close_poll(tables, poll.slug)
        cast(tables, poll.slug)
        seal(tables, poll.slug)
        return poll

    return make


def test_every_table_that_is_checked_is_journaled_and_no_other(tables):
    with tables.connect("reader") as connection:
        found = connection.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'journaled'")
        assert {table for (table,) in found} == set(KEYS)


def test_verdicts_and_decisions_are_chained_signed_and_right(tables, refused):
    poll = refused("journal-kept")
    found = entries(tables, poll)
    assert [entry.hash for entry in found] == list(chained(entry.line for entry in found))
    assert ['"table": "verdicts"' in found[0].line, '"table": "certifications"' in found[1].line] == [True, True]
    (head,) = heads(tables, poll)
    stated = checkpoint(verified(head.head, head.verifier_key))
    assert stated == (f"election/{poll.slug}/{poll.election_no}/journal", 2, found[-1].hash)
    certify(tables, poll.slug, "me", "All agrees.", verdict(tables, poll.slug))
    seal(tables, poll.slug)  # also after the certification
    assert [head.size for head in heads(tables, poll)] == [2, 4]
    seal(tables, poll.slug)
    assert len(heads(tables, poll)) == 2
    assert newest_note(tables, poll.slug) == heads(tables, poll)[-1].head
    assert faults(tables, poll) == []
    create_tables(tables)
    assert len(entries(tables, poll)) == 4


@pytest.mark.parametrize(
    ("name", "statement", "said"),
    [
        ("changed", "UPDATE verdicts SET ok = false, stored = 1 WHERE election_no = {}", "has another ok, stored than"),
        ("removed", "DELETE FROM certifications WHERE election_no = {}", "of certifications is in the journal and no"),
        (
            "added",
            "INSERT INTO certifications (election_no, decision, decided_by, reason) VALUES ({}, 'refused', 'x', 'x')",
            "of certifications is not in the journal.",
        ),
    ],
)
def test_a_row_that_a_superuser_touched_is_named(tables, refused, name, statement, said):
    poll = refused(f"journal-row-{name}")
    tamper(tables, statement.format(poll.election_no))
    (fault,) = faults(tables, poll)
    assert fault.startswith("Row ") and said in fault
    shown = CliRunner().invoke(app, ["heads", poll.slug, "--check"])
    assert shown.exit_code == 1 and said in shown.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "statement", "said"),
    [
        (
            "changed",
            "UPDATE journal SET entry = replace(entry, 'Not yet', 'Well') WHERE election_no = {} AND entry_no = 2",
            "Entry 2 of the journal was changed",
        ),
        (
            "removed",
            "DELETE FROM journal WHERE election_no = {} AND entry_no = 1",
            "Entry 1 of the journal was changed",
        ),
        ("cut", "DELETE FROM journal WHERE election_no = {} AND entry_no = 2", "has 1 entries, and 2 were signed"),
        (
            "rewritten",
            """UPDATE journal AS j SET entry = 'null', hash = sha256(before.hash || 'null'::bytea)
               FROM journal AS before
               WHERE j.election_no = {0} AND before.election_no = {0} AND j.entry_no = 2 AND before.entry_no = 1""",
            "The first 2 entries of the journal are not those that were signed",
        ),
        (
            "signed by nobody",
            "UPDATE journal_heads SET head = replace(head, '/journal', '/other') WHERE election_no = {}",
            "head of 2 entries is not signed",
        ),
    ],
)
def test_a_journal_that_a_superuser_touched_is_found(tables, refused, name, statement, said):
    poll = refused(f"journal-{name.replace(' ', '-')}")
    statement = statement.replace("'null'", """'{{"row": {{}}, "table": "later"}}'""")
    tamper(tables, statement.format(poll.election_no))
    assert any(said in fault for fault in faults(tables, poll)), faults(tables, poll)


def test_what_does_not_continue_the_signed_journal_is_not_signed(tables, refused):
    poll, told = refused("journal-unsigned"), list[str]()
    tamper(tables, f"UPDATE journal SET hash = sha256('other') WHERE election_no = {poll.election_no} AND entry_no = 2")
    verdict(tables, poll.slug)
    seal(tables, poll.slug, log=told.append)
    assert told == ["Entry 3 of the journal does not continue what was signed: no head is signed."]
    assert [head.size for head in heads(tables, poll)] == [2]


def test_no_role_changes_the_journal_or_writes_into_it(tables, refused):
    poll = refused("journal-guarded")
    for role in ROLES:
        for statement in (
            "UPDATE journal SET hash = hash WHERE election_no = %s",
            "DELETE FROM journal WHERE election_no = %s",
            "UPDATE journal_heads SET hash = hash WHERE election_no = %s",
            "DELETE FROM journal_heads WHERE election_no = %s",
        ):
            with pytest.raises(REFUSALS), tables.connect(role) as connection:
                connection.execute(statement, [poll.election_no])
    for role in set(ROLES) - {"owner"}:
        with pytest.raises(REFUSALS), tables.connect(role) as connection:
            connection.execute("INSERT INTO journal VALUES (%s, 9, 'x', sha256('x'))", [poll.election_no])
        with pytest.raises(REFUSALS), tables.connect(role) as connection:
            connection.execute("SELECT append_to_the_journal(%s, 'x', '{}')", [poll.election_no])


def test_two_who_record_at_once_wait_for_each_other_and_both_are_in_the_chain(tables, refused):
    poll = refused("journal-at-once")
    with ThreadPoolExecutor(1) as pool:
        with tables.connect("auditor") as first:
            first.execute(
                """INSERT INTO verdicts (election_no, ok, registered, stored, counted, rejected, differences, outcome)
                   SELECT election_no, ok, registered, stored, counted, rejected, differences, outcome FROM verdicts
                   WHERE election_no = %s LIMIT 1""",
                [poll.election_no],
            )
            second = pool.submit(verdict, tables, poll.slug)
            assert wait_for(lambda: first.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount > 0, 30)
            assert not second.done()
        second.result(timeout=30)
    found = entries(tables, poll)
    assert [entry.hash for entry in found] == list(chained(entry.line for entry in found)) and len(found) == 4
    assert faults(tables, poll) == []


def test_rejected_records_are_sealed_in_rounds_that_others_can_repeat(tables, faulty, monkeypatch):
    monkeypatch.setattr(rejections, "ROUND_RECORDS", 2)
    poll = faulty("journal-rejected")
    with tables.connect("reader") as connection:
        rounds = connection.execute(
            """SELECT round_no, offsets_from, offsets_to, records, digests FROM rejection_rounds
               WHERE election_no = %s ORDER BY round_no""",
            [poll.election_no],
        ).fetchall()
    assert sum(records for *_, records, _ in rounds) == 5 and len(rounds) >= 3
    for (_, _, end, *_), (_, begin, *_) in pairwise(rounds):
        assert begin == end
    for _, begin, end, _, digests in rounds:
        own = {int(p): offset for p, offset in begin.items()}, {int(p): offset for p, offset in end.items()}
        ((made, _),) = [pair for pair in rejections._rounds(tables, poll.election_no, *own) if pair[0]]
        assert b"".join(rejections._FORM.pack(*one) for one in made) == bytes(digests)
    seal(tables, poll.slug)
    assert len(entries(tables, poll)) == len(rounds)
    assert faults(tables, poll) == []


def test_a_rejected_record_that_is_gone_or_changed_is_named_and_one_put_back_is_not(tables, faulty):
    poll = faulty("journal-rejected-gone")
    producer = SafeProducer(tables.kafka)
    take_back(producer, next(rejected(tables, poll.election_no)))
    producer.flush()
    assert faults(tables, poll) == []
    seal(tables, poll.slug)  # that it was taken back is a record as well
    assert faults(tables, poll) == []
    with tables.connect("auditor") as connection:  # as if the topic had held these, and now held others
        stored = connection.execute(
            "SELECT digests FROM rejection_rounds WHERE election_no = %s ORDER BY round_no", [poll.election_no]
        ).fetchall()
        first, *_, last = rejections._FORM.iter_unpack(b"".join(digests for (digests,) in stored))
        assert last == (0, last[1], first[2], rejections.TAKEN_BACK)
        (one,) = list(rejections._FORM.iter_unpack(b"".join(digests for (digests,) in stored)))[1:2]
        forged = (*one[:3], sha256(b"changed").digest()), (0, 7, sha256(b"gone").digest(), sha256(b"gone").digest())
        connection.execute(
            """INSERT INTO rejection_rounds (election_no, round_no, topic_id, offsets_from, offsets_to, records,
                                             digests)
               SELECT election_no, round_no + 1, topic_id, offsets_to, offsets_to, 2, %s FROM rejection_rounds
               WHERE election_no = %s ORDER BY round_no DESC LIMIT 1""",
            [b"".join(rejections._FORM.pack(*each) for each in forged), poll.election_no],
        )
    assert sorted(faults(tables, poll)) == sorted(
        [
            f"The rejected record at 0/{one[1]} of rejected_topic has another content than was sealed.",
            "The rejected record at 0/7 of rejected_topic was sealed and is gone.",
        ]
    )


def test_two_sealers_at_once_seal_each_rejected_record_once(tables, faulty):
    poll = faulty("journal-two")
    one, other = rejections.Rejections(tables, poll), rejections.Rejections(tables, poll)
    send(tables, ExternalBallot(1, poll.election_no, 7, 1, 9))
    cast(tables, poll.slug)
    with tables.connect("auditor") as connection:
        connection.autocommit = True
        one.seal(connection)
        other.seal(connection)
        with pytest.raises(psycopg.errors.UniqueViolation, match="does not continue them"):
            connection.execute(
                """INSERT INTO rejection_rounds (election_no, round_no, topic_id, offsets_from, offsets_to, records,
                                                 digests)
                   SELECT election_no, round_no + 1, topic_id, '{"0": 0}', offsets_to, records, digests
                   FROM rejection_rounds WHERE election_no = %s ORDER BY round_no DESC LIMIT 1""",
                [poll.election_no],
            )
    with tables.connect("reader") as connection:
        (records,) = connection.execute(
            "SELECT sum(records) FROM rejection_rounds WHERE election_no = %s", [poll.election_no]
        ).fetchone()
    assert records == len(list(read_of(tables, poll)))


def read_of(platform, poll):
    return (
        message for message in read(platform.kafka, topics.REJECTED)
        if b'"election":%d,' % poll.election_no in (message.value() or b"")
    )  # fmt: skip


def test_an_election_that_is_removed_takes_its_journal_with_it(tables, refused):
    poll = refused("journal-with-its-election")
    _remove_rows(tables, poll.slug, "me")
    assert entries(tables, poll) == heads(tables, poll) == []


def test_documents_of_a_certified_result_are_recorded_once_and_only_of_the_verdict_they_rest_on(tables, refused):
    poll = refused("journal-documents")
    record_documents(tables, poll.slug)
    assert results(tables, poll.slug)["documents"] == {}, "it is not certified"
    number = verdict(tables, poll.slug)
    certify(tables, poll.slug, "me", "All agrees.", number)
    digest = b"\x42" * 32
    for role in ("app", "reader", "dashboard"):
        with pytest.raises(REFUSALS), tables.connect(role) as connection:
            connection.execute(RECORDED, [poll.election_no, number, digest])
    with (
        pytest.raises(psycopg.errors.RaiseException, match=f"rest on verdict {number}, not on"),
        tables.connect("auditor") as connection,
    ):
        connection.execute(RECORDED, [poll.election_no, number - 1, digest])
    with tables.connect("auditor") as connection:  # a hash of something else
        connection.execute(RECORDED, [poll.election_no, number, digest])
    with pytest.raises(StageFailed, match="Another SHA-256 of journal-documents as nist-json is recorded"):
        export(tables, poll.slug)
    shown = CliRunner().invoke(app, ["export", poll.slug, "--format", "nist-json"])
    assert shown.exit_code == 1 and "is not the one that was recorded" in shown.output
    assert '"table": "certified_documents"' in entries(tables, poll)[-1].line
    for role in ROLES:
        with pytest.raises(REFUSALS), tables.connect(role) as connection:
            connection.execute("DELETE FROM certified_documents WHERE election_no = %s", [poll.election_no])


def test_a_number_of_any_length_is_named_and_ends_nothing(tables, refused):
    poll = refused("journal-digits")
    tamper(
        tables,
        f"""UPDATE verdicts SET differences = ('[' || repeat('9', 5000) || ']')::jsonb
            WHERE election_no = {poll.election_no}""",
    )
    (fault,) = faults(tables, poll)
    assert fault.endswith(" of verdicts has another differences than in the journal.")


def test_a_journal_whose_last_head_another_key_signed_is_not_continued(tables, refused):
    poll, told = refused("journal-other-key"), list[str]()
    (known,) = heads(tables, poll)
    stranger = Signer(journal_origin(poll), bytes(32))
    note = stranger.sign(str(Checkpoint(journal_origin(poll), known.size, known.hash)))
    tamper(tables, f"UPDATE journal_heads SET head = '{note}' WHERE election_no = {poll.election_no}")
    verdict(tables, poll.slug)
    seal(tables, poll.slug, log=told.append)
    assert told[0].startswith(f"The journal's head of {known.size} entries is not signed: "), told
    assert len(heads(tables, poll)) == 1
