"""The log of published ballots: sealed in rounds, never changed, and what the certification rests on."""

import json
import threading
from base64 import b64decode
from typing import Any

import psycopg
import pytest

from election.casting import cast, close_poll, republish
from election.certification import certify, decision
from election.contracts import topics
from election.contracts.messages import Decoder, Unusable, VoteMessage
from election.errors import BadInput, StageFailed
from election.evidence import log, sealing
from election.evidence.comparing import Comparison, compare
from election.evidence.cosigning import cosign, new_key
from election.evidence.entries import SIMPLE
from election.evidence.notes import Checkpoint, Signer, checkpoint, verified, verified_cosignature
from election.evidence.proofs import verify_consistency, verify_inclusion
from election.evidence.proving import prove_ballot, prove_growth
from election.evidence.sealing import seal
from election.evidence.tree import Tree, leaf_hash
from election.messaging.clients import SafeProducer
from election.messaging.reading import read
from election.removal import _remove_rows
from election.storage.elections import Election, election
from tests.certifying import counted, verdict
from tests.integration.test_evidence_journal import tamper

ROLES = ("owner", "app", "auditor", "reader", "dashboard", "results_feed")
REFUSALS = (
    psycopg.errors.RaiseException,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ReadOnlySqlTransaction,
)


@pytest.fixture
def small_rounds(monkeypatch):
    monkeypatch.setattr(sealing, "ROUND_MESSAGES", 100)


def entries(platform, poll: Election) -> list[bytes]:
    with platform.connect("reader") as connection:
        return list(log.entries(connection, poll.election_no))


def heads(platform, poll: Election) -> list[log.Head]:
    with platform.connect("dashboard") as connection:  # they are public
        return log.heads(connection, poll.election_no)


def rounds(platform, poll: Election) -> list[tuple[Any, ...]]:
    with platform.connect("reader") as connection:
        return connection.execute(
            """SELECT offsets_from, offsets_to, root, topic_id FROM log_rounds
               WHERE election_no = %s ORDER BY first_entry""",
            [poll.election_no],
        ).fetchall()


def repeated(platform, poll: Election) -> list[bytes]:
    """The root after each round, as somebody finds it who has the topic and the list of rounds alone."""
    decode, tree, found = Decoder(VoteMessage), Tree(), []
    for begin, end, _, _ in rounds(platform, poll):
        for partition in sorted(map(int, end)):
            only = dict.fromkeys(map(int, end), 0) | {partition: end[str(partition)]}
            for message in read(platform.kafka, topics.VOTES, {partition: begin[str(partition)]}, only):
                try:
                    vote = decode(message.value())
                except Unusable:
                    continue
                if message.partition() == partition and vote.election == poll.election_no:
                    tree.extend([SIMPLE.entry(vote)])
        found.append(tree.root())
    return found


def test_every_published_ballot_is_an_entry_and_every_head_is_signed(tables, published, small_rounds):
    poll = published("evidence-sealed", voters=500)
    cast(tables, poll.slug)
    last = seal(tables, poll.slug)
    assert last is not None and last.size == len(entries(tables, poll))
    with tables.connect("reader") as connection:
        (stored,) = connection.execute(
            "SELECT count(*) FROM votes WHERE election_no = %s", [poll.election_no]
        ).fetchone() or (0,)
    assert last.size == stored == len({one.ballot for one in SIMPLE.unpack(b"".join(entries(tables, poll)))})
    known, tree, at = heads(tables, poll), Tree(), 0
    assert len(known) > 2
    for head in known:
        tree.extend(entries(tables, poll)[at : head.size])
        at = head.size
        stated = checkpoint(verified(head.head, head.verifier_key))
        assert stated == (f"election/{poll.slug}/{poll.election_no}", head.size, tree.root())
        assert head.root == tree.root()


def test_anybody_with_the_topic_finds_the_same_roots(tables, published, small_rounds):
    poll = published("evidence-repeated", voters=300)
    cast(tables, poll.slug)
    seal(tables, poll.slug)
    assert repeated(tables, poll) == [bytes(root) for _, _, root, _ in rounds(tables, poll)]


def test_sealing_again_adds_nothing_and_a_republication_is_more_entries(tables, published):
    poll = published("evidence-again", voters=200)
    cast(tables, poll.slug)
    first = seal(tables, poll.slug)
    assert first is not None and seal(tables, poll.slug) == first
    before = entries(tables, poll)
    republish(tables, poll.slug)
    again = seal(tables, poll.slug)
    assert again is not None and again.size > first.size
    assert entries(tables, poll)[: first.size] == before
    assert set(entries(tables, poll)) == set(before)


def test_a_topic_that_was_created_again_is_sealed_from_its_beginning(tables, published, monkeypatch):
    poll = published("evidence-anew", voters=100)
    cast(tables, poll.slug)
    first = seal(tables, poll.slug)
    monkeypatch.setattr(sealing, "topic_id", lambda *_: "another topic")
    again = seal(tables, poll.slug)
    assert first is not None and again is not None and again.size == 2 * first.size
    assert [topic for *_, topic in rounds(tables, poll)][-1] == "another topic"


def test_a_sealer_that_dies_within_a_round_leaves_whole_rounds(tables, published, small_rounds, monkeypatch):
    poll = published("evidence-killed", voters=400)
    cast(tables, poll.slug)
    append, made = log.append, []

    def dies(*given):
        append(*given)
        made.append(given)
        if len(made) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(sealing, "append", dies)
    with pytest.raises(KeyboardInterrupt):
        seal(tables, poll.slug)
    monkeypatch.setattr(sealing, "append", append)
    assert len(rounds(tables, poll)) == 2
    seal(tables, poll.slug)
    assert repeated(tables, poll) == [bytes(root) for _, _, root, _ in rounds(tables, poll)]


def test_two_sealers_at_once_make_one_log(tables, published, small_rounds):
    poll = published("evidence-two", voters=600)
    cast(tables, poll.slug)
    sealers = [threading.Thread(target=seal, args=(tables, poll.slug)) for _ in range(3)]
    for each in sealers:
        each.start()
    for each in sealers:
        each.join()
    found = entries(tables, poll)
    assert len(found) == len(set(found))
    assert repeated(tables, poll) == [bytes(root) for _, _, root, _ in rounds(tables, poll)]


def test_it_follows_an_open_poll_until_it_is_closed(tables, published):
    poll = published("evidence-followed", voters=200)
    ended: list[log.Head | None] = []
    sealer = threading.Thread(target=lambda: ended.append(seal(tables, poll.slug, follow=True)))
    sealer.start()
    done = cast(tables, poll.slug)
    assert sealer.is_alive()
    close_poll(tables, poll.slug)
    sealer.join(30)
    assert ended and ended[0] is not None and ended[0].size == done.ballots


def test_what_is_no_ballot_of_the_election_is_no_entry(tables, published):
    poll = published("evidence-forged", voters=50)
    done = cast(tables, poll.slug)
    value = next(
        message.value() or b""
        for message in read(tables.kafka, topics.VOTES, {int(p): o for p, o in poll.votes_from.items()})
        if b'"election":%d,' % poll.election_no in (message.value() or b"")
    )
    producer = SafeProducer(tables.kafka)
    told: list[str] = []
    producer.produce(topics.VOTES, value, b"\x42" * 16)  # under another ballot's id
    producer.produce(topics.VOTES, b'{"election":%d,' % poll.election_no, b"\x43" * 16)
    producer.produce(topics.VOTES, value.replace(b'"location":', b'"location":99999999999'), b"\x44" * 16)
    producer.flush()
    last = seal(tables, poll.slug, log=told.append)
    assert last is not None and last.size == done.ballots
    assert told == ["3 messages that name the election cannot be read as its ballots: no entries."]


def test_nobody_changes_the_log_or_forks_it(tables, published):
    poll = published("evidence-guarded", voters=50)
    cast(tables, poll.slug)
    seal(tables, poll.slug)
    before = rounds(tables, poll)
    for role in ROLES:
        for statement in (
            "UPDATE log_rounds SET root = root WHERE election_no = %s",
            "DELETE FROM log_rounds WHERE election_no = %s",
        ):
            with pytest.raises(REFUSALS), tables.connect(role) as connection:
                connection.execute(statement, [poll.election_no])
    for role in ("app", "reader", "dashboard", "results_feed"):
        with pytest.raises(REFUSALS), tables.connect(role) as connection:
            connection.execute("INSERT INTO log_rounds SELECT * FROM log_rounds LIMIT 0")
    for role in ("app", "dashboard", "results_feed"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), tables.connect(role) as connection:
            connection.execute("SELECT entries FROM log_rounds LIMIT 1")
    with (
        pytest.raises(psycopg.errors.UniqueViolation, match="does not continue it"),
        tables.connect("auditor") as connection,
    ):
        connection.execute(
            """INSERT INTO log_rounds SELECT election_no, 0, size, root, 'forked', verifier_key, topic_id, offsets_from,
                                             offsets_to, frontier, entries
               FROM log_rounds WHERE election_no = %s LIMIT 1""",
            [poll.election_no],
        )
    assert rounds(tables, poll) == before


def test_a_certification_is_bound_to_the_last_head_and_closes_the_log(tables, published):
    poll = published("evidence-certified", voters=300)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    last = seal(tables, poll.slug)
    counted(tables, poll.slug)
    certify(tables, poll.slug, "me", "All agrees.", verdict(tables, poll.slug))
    with tables.connect("reader") as connection:
        bound = connection.execute(
            "SELECT log_size, log_root FROM certifications WHERE election_no = %s", [poll.election_no]
        ).fetchone()
    assert last is not None and bound == (last.size, last.root)
    republish(tables, poll.slug)
    assert seal(tables, poll.slug) == last
    with tables.connect("auditor") as connection:
        known = log.end_of_log(connection, poll.election_no)
        assert known is not None
        more = log.Round(known.topic_id, known.offsets, known.offsets, entries(tables, poll)[0])
        with pytest.raises(psycopg.errors.RaiseException, match="is certified: its rows in log_rounds"):
            log.append(connection, poll, SIMPLE, log.signer(tables, poll), known.tree, more)


def test_nothing_is_certified_whose_log_misses_ballots(tables, published):
    poll = published("evidence-short", voters=300)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    counted(tables, poll.slug)
    number = verdict(tables, poll.slug)
    with tables.connect("auditor") as connection:
        here = election(connection, poll.slug)
        forged = VoteMessage(
            schema_version=1, ballot_id="42" * 16, election=here.election_no, contest=1, contest_name="A", candidate=1,
            candidate_name="N", party="P", location=1, country="c", region="r", city="t", gender="female",
            age_group="25-34", series="candidate", cast_at=0,
        )  # fmt: skip
        vote = SIMPLE.entry(forged)
        log.append(connection, here, SIMPLE, log.signer(tables, here), Tree(), log.Round("topic", {}, {}, vote))
    with pytest.raises(StageFailed, match=r"its log has 1 entries, and \d+ ballots are stored.*election seal"):
        certify(tables, poll.slug, "me", "All agrees.", number)
    assert decision(tables, poll.slug) is None


def test_an_election_that_is_removed_takes_its_log_with_it(tables, published):
    poll = published("evidence-removed", voters=50)
    cast(tables, poll.slug)
    seal(tables, poll.slug)
    _remove_rows(tables, poll.slug, "me")
    assert rounds(tables, poll) == []


def test_a_ballot_is_proven_by_a_file(tables, published, small_rounds):
    poll = published("evidence-proof", voters=400)
    cast(tables, poll.slug)
    seal(tables, poll.slug)
    found = entries(tables, poll)
    for index in (0, len(found) // 2, len(found) - 1):
        first, rest = prove_ballot(tables, poll.slug, found[index][:16].hex()).split("\n\n", 1)
        form, extra, position, *hashes = first.split("\n")
        assert (form, position) == ("c2sp.org/tlog-proof@v1", f"index {index}")
        assert b64decode(extra.removeprefix("extra ")) == found[index]
        head = checkpoint(verified(rest, heads(tables, poll)[-1].verifier_key))
        verify_inclusion(index, head.size, leaf_hash(found[index]), [*map(b64decode, hashes)], head.root)
    with pytest.raises(BadInput, match="not published, or not sealed yet"):
        prove_ballot(tables, poll.slug, "42" * 16)
    with pytest.raises(BadInput, match="32 hexadecimal digits"):
        prove_ballot(tables, poll.slug, "no id")


def test_the_log_is_proven_to_have_only_grown(tables, published, small_rounds):
    poll = published("evidence-grown", voters=400)
    with pytest.raises(BadInput, match="has no log yet"):
        prove_growth(tables, poll.slug, 1, None)
    cast(tables, poll.slug)
    seal(tables, poll.slug)
    known = heads(tables, poll)
    first, rest = prove_growth(tables, poll.slug, known[0].size, None).split("\n\n", 1)
    old, *hashes = first.split("\n")
    head = checkpoint(verified(rest, known[-1].verifier_key))
    assert old == f"old {known[0].size}"
    verify_consistency(known[0].size, head.size, known[0].root, head.root, [*map(b64decode, hashes)])
    with pytest.raises(BadInput, match="no head of 3 entries"):
        prove_growth(tables, poll.slug, 3, None)
    with pytest.raises(BadInput, match="smaller size first"):
        prove_growth(tables, poll.slug, known[-1].size, known[0].size)


def test_a_ballot_that_was_sealed_and_is_gone_or_changed_is_named(tables, published, small_rounds):
    poll = published("evidence-compared", voters=300)
    done = cast(tables, poll.slug)
    seal(tables, poll.slug)
    assert compare(tables, poll.slug) == Comparison(done.ballots, (), (), 0)
    (one,) = SIMPLE.unpack(entries(tables, poll)[0])
    gone, changed = one._replace(ballot=b"\x42" * 16), one._replace(minute=one.minute + 1)
    with tables.connect("auditor") as connection:  # as if the topic had held these, and now held others
        end = log.end_of_log(connection, poll.election_no)
        assert end is not None
        more = log.Round(end.topic_id, end.offsets, end.offsets, SIMPLE.pack(gone) + SIMPLE.pack(changed))
        log.append(connection, poll, SIMPLE, log.signer(tables, poll), end.tree, more)
    assert compare(tables, poll.slug) == Comparison(done.ballots + 1, ("42" * 16,), (one.ballot.hex(),), 2)


def test_a_second_key_signs_what_only_grew(tables, published, tmp_path):
    poll, key = published("evidence-cosigned", voters=200), tmp_path / "auditor.key"
    with pytest.raises(BadInput, match="Make a key with --new"):
        cosign(tables, poll.slug, key, "election/auditor")
    new_key(key)
    with pytest.raises(BadInput, match="has no log yet"):
        cosign(tables, poll.slug, key, "election/auditor")
    cast(tables, poll.slug)
    seal(tables, poll.slug)
    first = cosign(tables, poll.slug, key, "election/auditor")
    republish(tables, poll.slug)
    seal(tables, poll.slug)
    second = cosign(tables, poll.slug, key, "election/auditor")
    assert second.head.size > first.head.size
    signed = {head.size: head.head for head in heads(tables, poll)}
    for made in (first, second):
        assert verified_cosignature(signed[made.head.size], made.verifier_key) > 0
        assert verified(signed[made.head.size], made.head.verifier_key)
    for role in ROLES:
        with pytest.raises(REFUSALS), tables.connect(role) as connection:
            connection.execute("UPDATE log_cosignatures SET line = line WHERE election_no = %s", [poll.election_no])


def test_a_second_key_signs_no_log_that_was_rewritten(tables, published, tmp_path):
    poll, key = published("evidence-forked", voters=200), tmp_path / "auditor.key"
    new_key(key)
    cast(tables, poll.slug)
    seal(tables, poll.slug)
    made = cosign(tables, poll.slug, key, "election/auditor")
    seen, name = key.with_name("auditor.key.seen"), f"election/{poll.slug}/{poll.election_no}"
    for size, why in ((made.head.size + 1, "it has"), (made.head.size, "equal roots")):
        seen.write_text(json.dumps({name: [size, "42" * 32]}))  # what this key saw was another log
        with pytest.raises(StageFailed, match=f"was rewritten since this key signed.*{why}"):
            cosign(tables, poll.slug, key, "election/auditor")


def test_a_second_key_that_others_can_read_is_not_used(tables, published, tmp_path):
    poll, key = published("evidence-open-key", voters=50), tmp_path / "auditor.key"
    new_key(key)
    with pytest.raises(BadInput, match="File exists"):
        new_key(key)
    key.chmod(0o640)
    with pytest.raises(BadInput, match="can be read by others"):
        cosign(tables, poll.slug, key, "election/auditor")
    key.chmod(0o600)
    key.write_text("no key")
    with pytest.raises(BadInput, match="is no private key"):
        cosign(tables, poll.slug, key, "election/auditor")


def test_a_log_whose_stored_end_was_changed_is_not_continued(tables, published):
    poll = published("evidence-end-changed", voters=100)
    cast(tables, poll.slug)
    seal(tables, poll.slug)
    known, stranger = heads(tables, poll)[-1], Signer(log.origin(poll), bytes(32))
    note = stranger.sign(str(Checkpoint(log.origin(poll), known.size, known.root)))
    republish(tables, poll.slug)
    where = f"WHERE election_no = {poll.election_no} AND size = {known.size}"
    tamper(tables, f"UPDATE log_rounds SET frontier = set_byte(frontier, 0, get_byte(frontier, 0) # 1) {where}")
    with pytest.raises(StageFailed, match=r"states something else than the table\. Nothing is sealed"):
        seal(tables, poll.slug)
    tamper(
        tables,
        f"""UPDATE log_rounds SET frontier = set_byte(frontier, 0, get_byte(frontier, 0) # 1), head = '{note}',
            verifier_key = '{stranger.verifier_key}' {where}""",
    )
    with pytest.raises(StageFailed, match=r"is not signed: .*Nothing is sealed"):
        seal(tables, poll.slug)
    assert heads(tables, poll)[-1].size == known.size


def test_a_second_key_remembers_the_key_of_the_log(tables, published, tmp_path):
    poll, key = published("evidence-other-key", voters=50), tmp_path / "auditor.key"
    new_key(key)
    cast(tables, poll.slug)
    seal(tables, poll.slug)
    made = cosign(tables, poll.slug, key, "election/auditor")
    seen, name = key.with_name("auditor.key.seen"), log.origin(poll)
    assert json.loads(seen.read_text())[name] == [made.head.size, made.head.root.hex(), made.head.verifier_key]
    other = Signer(name, bytes(32)).verifier_key
    seen.write_text(json.dumps({name: [made.head.size, made.head.root.hex(), other]}))
    with pytest.raises(StageFailed, match=r"are signed by another key, .*Nothing is signed"):
        cosign(tables, poll.slug, key, "election/auditor")
