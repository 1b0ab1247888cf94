"""The package of an election, from the tables and topics: an outsider's check passes, and finds faults."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from psycopg.types.json import Jsonb

from election.casting import cast, close_poll
from election.certification import certify
from election.contracts import topics
from election.contracts.aggregates import AGGREGATES
from election.contracts.messages import SCHEMA_VERSION, encode
from election.errors import BadInput, StageFailed
from election.evidence import package as packing
from election.evidence import seal
from election.evidence.comparing import Comparison, compare
from election.evidence.log import stored_entries
from election.evidence.package import package, write_checksums
from election.messaging.clients import SafeProducer
from election.messaging.reading import read, topic_id
from election.platform import Platform
from election.storage.elections import Election
from election.storage.expected import expected_totals
from tests.certifying import PEOPLE, counted, verdict


def count(platform: Platform, poll: Election) -> None:
    """Puts every total on its topic, as the count would."""
    producer = SafeProducer(platform.login("tally"))
    with platform.connect("auditor") as connection:
        expected = expected_totals(connection, poll)
    for aggregate in AGGREGATES:
        names = ("generation", "election", *(part.name for part in aggregate.key))
        texts = {part.name: "0" for part in aggregate.names}
        for key, votes in expected[aggregate.topic].items():
            election_no, *own = key.split("/")
            fields = dict(zip(names, ("1", election_no, *own), strict=True))
            said = {"schema_version": SCHEMA_VERSION, "votes": votes, **texts, **fields}
            message = msgspec.convert(said, aggregate.message, strict=False)
            producer.produce(aggregate.topic, encode(message), "/".join((election_no, "1", *own)).encode())
    producer.flush()


def verify(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", folder / "verify.py"], capture_output=True, text=True, encoding="utf-8", check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(tables, published) -> tuple[Election, Path]:
    poll = published("package-made", voters=400)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    count(tables, poll)
    seal(tables, poll.slug)
    counted(tables, poll.slug)
    return poll, package(tables, poll.slug)


def test_the_package_of_a_counted_election_is_right(tables, made):
    poll, folder = made
    assert folder == tables.settings.var / "results" / poll.slug / "package"
    status, said = verify(folder)
    assert (status, said[:6]) == (0, "Right:"), said
    assert folder.with_name("package.tar").exists()


def test_the_package_of_a_certified_election_is_right_and_a_changed_one_is_not(tables, made, tmp_path):
    poll, _ = made
    certify(tables, poll.slug, "me", "All agrees.", verdict(tables, poll.slug))
    folder = package(tables, poll.slug, tmp_path / "package")
    status, said = verify(folder)
    assert status == 0 and "the counted/certified result follows from the ballots" in said, said
    changed = shutil.copytree(folder, tmp_path / "changed")
    entries = bytearray((changed / "entries.bin").read_bytes())
    entries[16] ^= 1
    (changed / "entries.bin").write_bytes(entries)
    write_checksums(changed)
    status, said = verify(changed)
    assert status == 1 and "entries are not those that were sealed" in said
    with pytest.raises(BadInput, match=r"exists\. Name a folder"):
        package(tables, poll.slug, folder)


def test_a_replays_package_is_compared_with_the_official_figures(tables, published):
    poll = published("package-replay", "uk-general-election-2019", contests=("S14000027",))
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    count(tables, poll)
    seal(tables, poll.slug)
    counted(tables, poll.slug)
    status, said = verify(package(tables, poll.slug))
    assert status == 0 and "the counted/official result follows from the ballots" in said, said


def test_an_election_without_a_ballot_has_a_package(tables, published):
    poll = published("package-empty", voters=20, ballots="external")
    close_poll(tables, poll.slug)
    assert seal(tables, poll.slug) is None
    counted(tables, poll.slug)
    status, said = verify(package(tables, poll.slug))
    assert status == 0 and said.startswith("Right: 0 ballots, 0 left out, 0 signed heads"), said


def test_there_is_no_package_before_the_count_or_without_a_log(tables, published):
    poll = published("package-early", voters=50)
    with pytest.raises(StageFailed, match=r"is open\. Its package can be made once its ballots are counted"):
        package(tables, poll.slug)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    counted(tables, poll.slug)
    with pytest.raises(StageFailed, match=r"has no log.*election seal package-early"):
        package(tables, poll.slug)
    assert not (tables.settings.var / "results" / poll.slug / "package").exists()


def test_what_lies_beside_the_folder_stays(tables, made, tmp_path):
    poll, _ = made
    (tmp_path / "own.new").mkdir()
    (tmp_path / "own.new" / "kept").write_text("mine")
    package(tables, poll.slug, tmp_path / "own")
    assert (tmp_path / "own.new" / "kept").read_text() == "mine"
    (tmp_path / "other.tar").write_text("mine")
    with pytest.raises(BadInput, match=r"other\.tar exists\. Name a folder"):
        package(tables, poll.slug, tmp_path / "other")
    assert (tmp_path / "other.tar").read_text() == "mine"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.tar", "own", "own.new", "own.tar"]


def test_a_package_has_one_state_of_the_tables(tables, made, tmp_path, monkeypatch):
    poll, _ = made

    def decided_meanwhile(connection, election_no):
        verdict(tables, poll.slug)
        seal(tables, poll.slug)
        return stored_entries(connection, election_no)

    before = (package(tables, poll.slug, tmp_path / "before") / "heads.txt").read_text()
    monkeypatch.setattr(packing, "stored_entries", decided_meanwhile)
    folder = package(tables, poll.slug, tmp_path / "package")
    assert (folder / "heads.txt").read_text() == before
    assert verify(folder)[0] == 0


def test_forged_messages_in_quarantine_are_left_out_by_the_journal(tables, published, tmp_path):
    poll = published("package-forged", voters=100)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    count(tables, poll)
    own = f'"election":{poll.election_no},'.encode()  # other tests leave messages on the topic that are no JSON
    value = next(value for message in read(tables.kafka, topics.VOTES) if own in (value := message.value() or b""))
    forged = msgspec.json.decode(value) | {"ballot_id": "42" * 16}
    producer = SafeProducer(tables.kafka)
    producer.produce(topics.VOTES, msgspec.json.encode(forged), b"\x42" * 16)
    producer.flush()
    seal(tables, poll.slug)
    counted(tables, poll.slug)
    status, said = verify(package(tables, poll.slug, tmp_path / "before"))
    assert status == 1, said
    with tables.connect("auditor") as connection:
        connection.execute(
            "SELECT quarantine(%s, %s, 'Forged.', %s, %s)",
            [
                poll.slug,
                PEOPLE[0],
                topic_id(tables.kafka, topics.VOTES),
                Jsonb([{"partition_no": 0, "offset_no": 10**9, "ballot_id": "42" * 16, "found": "not stored"}]),
            ],
        )
    status, said = verify(package(tables, poll.slug, tmp_path / "after"))
    assert status == 0 and ", 1 left out, " in said, said


@pytest.mark.parametrize(
    ("scenario", "entry", "part"),
    [
        ("stv-wards", {"bytes": 34 + 2 * 7, "district": False, "preferences": 7}, "ranking"),
        ("mixed-parliament", {"bytes": 38, "district": True, "preferences": 0}, "paper"),
        ("electoral-college", {"bytes": 38, "district": True, "preferences": 0}, "elected"),
    ],
)
def test_who_is_elected_under_other_systems_follows_from_the_ballots(
    tables, published, tmp_path, scenario, entry, part
):
    poll = published(f"package-{scenario}", scenario, voters=3000)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    count(tables, poll)
    sealed = seal(tables, poll.slug)
    assert sealed is not None
    assert compare(tables, poll.slug) == Comparison(sealed.size, (), (), 0)
    counted(tables, poll.slug)
    certify(tables, poll.slug, "me", "All agrees.", verdict(tables, poll.slug))
    folder = package(tables, poll.slug, tmp_path / "package")
    described = json.loads((folder / "election.json").read_text("utf-8"))
    assert described["entry"] == entry
    status, said = verify(folder)
    assert status == 0 and "the counted/certified result follows from the ballots" in said, said
    result = json.loads((folder / "result.json").read_text("utf-8"))
    of = result["certified" if part == "elected" else "counted"][part]
    key, was = next(iter(of.items()))
    of[key] = "lot" if part == "elected" else was + 1
    (folder / "result.json").write_text(json.dumps(result), "utf-8")
    write_checksums(folder)
    status, said = verify(folder)
    assert status == 1 and f"WRONG: {part} {key}: {was} by the ballots" in said, said
    if scenario == "mixed-parliament":  # second votes that are said to be first ones
        described["contests"] = {no: of | {"position": 1} for no, of in described["contests"].items()}
        (folder / "election.json").write_text(json.dumps(described), "utf-8")
        write_checksums(folder)
        assert "WRONG: voters 1: more ballots than registered voters" in (said := verify(folder)[1]), said
