"""Heads as signed notes, against the example of Go's package note, and the files of proofs."""

from base64 import b64decode, b64encode

import msgspec
import pytest

from election.contracts.messages import VoteMessage
from election.evidence.entries import SIMPLE, Entry
from election.evidence.notes import (
    BadNote,
    Checkpoint,
    Cosigner,
    Signer,
    checkpoint,
    consistency_file,
    inclusion_file,
    verified,
    verified_cosignature,
)

# https://pkg.go.dev/golang.org/x/mod/sumdb/note: the example of Open
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcE"
SIGNED += "lZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n— PeterNeumann {SIGNED}\n"
SIGNER = Signer("election/drill/7", bytes(range(32)))
HEAD = Checkpoint("election/drill/7", 5, bytes(32))


def test_a_note_of_another_program_is_verified():
    assert verified(NOTE, KEY) == TEXT


def test_a_signed_head_says_what_was_signed():
    note = SIGNER.sign(str(HEAD))
    assert checkpoint(verified(note, SIGNER.verifier_key)) == HEAD


def test_signatures_of_others_beside_it_are_left_alone():
    witness = Signer("witness.example", bytes(32)).sign(str(HEAD))
    both = SIGNER.sign(str(HEAD)) + witness.rpartition("\n\n")[2]
    assert verified(both, SIGNER.verifier_key) == str(HEAD)
    assert verified(both, Signer("witness.example", bytes(32)).verifier_key) == str(HEAD)


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (NOTE.replace("think", "thank"), "false"),
        (NOTE.replace("x08go/ZJ", "x08go/ZK"), "false"),
        (NOTE.replace("— PeterNeumann", "— PeterNewman"), "not signed by PeterNeumann"),
        (NOTE.replace("x08g", "x08h"), "not signed by PeterNeumann"),
        (NOTE.replace("— ", "- "), "no signature"),
        (NOTE.rstrip("\n"), "no signatures"),
        (TEXT, "no signatures"),
        (NOTE.replace("nAM=", "n!M="), "not base64"),
    ],
)
def test_a_note_that_was_changed_is_refused(note, why):
    with pytest.raises(BadNote, match=why):
        verified(note, KEY)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (KEY.replace("c74f20a3", "c74f20a4"), "do not belong together"),
        ("+" + KEY.partition("+")[2], "cannot be a key's name"),
        ("name+00000000+" + b64encode(b"\x02" + bytes(32)).decode(), "not one of Ed25519"),
    ],
)
def test_a_key_that_is_none_is_refused(key, why):
    with pytest.raises(BadNote, match=why):
        verified(NOTE, key)


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\n01\n" + "A" * 43 + "=\n", "a\nx\n" + "A" * 43 + "=\n", "a\n1\nAAAA\n"]
)
def test_a_text_that_is_no_head_is_refused(text):
    with pytest.raises(BadNote, match="no checkpoint"):
        checkpoint(text)


def test_a_signed_text_ends_in_a_newline():
    with pytest.raises(ValueError, match="newline"):
        SIGNER.sign("no end")


def test_proofs_are_written_as_c2sp_has_them():
    head = SIGNER.sign(str(HEAD))
    hashed = b64encode(b"\1" * 32).decode()
    assert inclusion_file(3, [b"\1" * 32], head) == f"c2sp.org/tlog-proof@v1\nindex 3\n{hashed}\n\n{head}"
    assert inclusion_file(0, [], head, b"abc") == f"c2sp.org/tlog-proof@v1\nextra YWJj\nindex 0\n\n{head}"
    assert consistency_file(4, [b"\1" * 32], head) == f"old 4\n{hashed}\n\n{head}"


def test_an_entry_holds_what_is_counted_in_34_bytes():
    vote = msgspec.convert(
        {
            "schema_version": 1, "ballot_id": "0123456789abcdef" * 2, "election": 7, "contest": 2,
            "contest_name": "Ynys Môn", "candidate": None, "candidate_name": None, "party": None, "location": 9,
            "country": "Wales", "region": "Gwynedd", "city": "Holyhead", "gender": "non-binary",
            "age_group": "75+", "series": "party", "cast_at": 120_001,
        },
        VoteMessage,
    )  # fmt: skip
    packed = SIMPLE.entry(vote)
    assert packed.hex() == "0123456789abcdef" * 2 + "00000002" + "00000000" + "00000009" + "02" + "06" + "00000002"
    assert len(packed) == SIMPLE.size == 34
    (read,) = SIMPLE.unpack(packed)
    assert read == Entry(bytes.fromhex("0123456789abcdef" * 2), 2, 0, 9, 2, 6, 2)
    assert SIMPLE.pack(read) == packed


def test_a_cosignature_states_when_and_leaves_the_first_signature_as_it_was():
    auditor = Cosigner("election/auditor", bytes(reversed(range(32))))
    note = SIGNER.sign(str(HEAD))
    note += auditor.cosign(str(HEAD), 1_800_000_000)
    assert verified_cosignature(note, auditor.verifier_key) == 1_800_000_000
    assert checkpoint(verified(note, SIGNER.verifier_key)) == HEAD


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda note: note.replace("\n5\n", "\n6\n"), "the signature of election/auditor is false"),
        (lambda note: note.rpartition("\N{EM DASH}")[0], "not signed by election/auditor"),
    ],
)
def test_a_cosignature_of_another_head_is_refused(change, message):
    auditor = Cosigner("election/auditor", bytes(reversed(range(32))))
    note = change(SIGNER.sign(str(HEAD)) + auditor.cosign(str(HEAD), 1_800_000_000))
    with pytest.raises(BadNote, match=message):
        verified_cosignature(note, auditor.verifier_key)


def test_a_cosigner_signs_the_time_too():
    auditor = Cosigner("election/auditor", bytes(reversed(range(32))))
    line = auditor.cosign(str(HEAD), 1_800_000_000)
    raw = bytearray(b64decode(line.split()[2]))
    raw[11] ^= 1
    other = line.replace(line.split()[2], b64encode(raw).decode())
    with pytest.raises(BadNote, match="is false"):
        verified_cosignature(SIGNER.sign(str(HEAD)) + other, auditor.verifier_key)


def test_a_key_of_one_kind_verifies_no_signature_of_the_other():
    auditor = Cosigner("election/auditor", bytes(32))
    with pytest.raises(BadNote, match="is not one of Ed25519"):
        verified(SIGNER.sign(str(HEAD)), auditor.verifier_key)
