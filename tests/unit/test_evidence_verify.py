"""The package's verifier, run as an outsider runs it: it finds tampering, and says what it cannot prove."""

import json
import random
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from collections import Counter
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from election.evidence import journal
from election.evidence.entries import AGE_GROUPS, GENDERS, SIMPLE, Entry
from election.evidence.notes import Checkpoint, Cosigner, Signer
from election.evidence.package import write_checksums, write_programs
from election.evidence.tree import Tree

ORIGIN = "election/drill/7"
SIGNER = Signer(ORIGIN, bytes(range(32)))
VERIFY = files("election.evidence").joinpath("verify.py").read_bytes()
VERDICTS = [json.dumps({"row": {"verdict_no": number, "why": "é"}, "table": "verdicts"}) for number in range(1, 5)]
ABOUT = {"position": 1, "seats": 1, "kind": "candidates", "unopposed": False, "lots": []}
LINES = {1: ("1", "2", "3"), 2: ("4", "5")}  # by contest; 2 and 3 are lines of one candidate


def ballots(number: int = 300) -> list[bytes]:
    draw = random.Random(7)
    made = []
    for _ in range(number):
        contest = draw.choice((1, 2))
        line = int(draw.choice((*LINES[contest], "0")))
        people = draw.choice((1, 2)), draw.randrange(3), draw.randrange(7)
        made.append(SIMPLE.pack(Entry(draw.randbytes(16), contest, line, *people, draw.randrange(100, 103))))
    return made


def stated(entries: list[bytes]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {part: Counter() for part in
                                      ("choice", "contest", "location", "gender", "age_group", "minute")}  # fmt: skip
    for one in {each[:16]: each for each in reversed(entries)}.values():
        (ballot,) = SIMPLE.unpack(one)
        found["choice"][f"{ballot.contest}/{ballot.candidate}"] += 1
        found["contest"][str(ballot.contest)] += 1
        found["location"][str(ballot.location)] += 1
        found["gender"][GENDERS[ballot.gender]] += 1
        found["age_group"][AGE_GROUPS[ballot.age_group]] += 1
        if ballot.candidate:
            found["minute"][f"{ballot.minute}/{ballot.candidate}"] += 1
    return {part: dict(total) for part, total in found.items()}


def heads(entries: list[bytes], signer: Signer = SIGNER, rounds: int = 100) -> tuple[list[str], Tree]:
    tree, notes = Tree(), []
    for at in range(0, len(entries), rounds):
        tree.extend(entries[at : at + rounds])
        notes.append(signer.sign(str(Checkpoint(ORIGIN, tree.size, tree.root()))))
    return notes, tree


def certification(tree: Tree) -> str:
    row = {"decision": "certified", "log_size": tree.size, "log_root": f"\\x{tree.root().hex()}"}
    return json.dumps({"row": row, "table": "certifications"})


def quarantined(entry: bytes, found: str) -> str:
    row = {"ballot_id": f"\\x{entry[:16].hex()}", "found": found}
    return json.dumps({"row": row, "table": "quarantined_messages"})


def journal_heads(lines: list[str], signer: Signer = SIGNER) -> list[str]:
    sizes = sorted({min(3, len(lines)), len(lines)})
    hashes = list(journal.chained(lines))
    return [signer.sign(str(Checkpoint(f"{ORIGIN}/journal", size, hashes[size - 1]))) for size in sizes]


def package(
    folder: Path, entries: list[bytes], left_out: tuple[int, ...] = (), quarantines: tuple[str, ...] = ()
) -> Path:
    """A package whose result is that of the entries that are not left out, by a platform that sealed just these."""
    notes, tree = heads(entries)
    noted = [*VERDICTS, *quarantines, certification(tree)]
    counted = stated([entry for at, entry in enumerate(entries) if at not in left_out])
    votes = Counter(counted["choice"])
    first = max(("1/1", votes["1/1"]), ("1/2", votes["1/2"] + votes["1/3"]), key=lambda pair: pair[1])[0]
    second = max("2/4", "2/5", key=lambda line: votes[line])
    party = {"1/1": "A", "1/2": "B", "2/4": "A", "2/5": "B"}
    certified = {
        "choice": votes,
        "elected": {first: "votes", second: "votes"},
        "seats": dict(Counter((party[first], party[second]))),
        "log": {"size": tree.size, "root": tree.root().hex()},
    }
    contests = {
        "1": ABOUT | {"lines": dict.fromkeys(LINES[1]), "contenders": {
            "1": {"lines": ["1"], "party": "A", "person": True},
            "2": {"lines": ["2", "3"], "party": "B", "person": True}}},
        "2": ABOUT | {"lines": dict.fromkeys(LINES[2]), "contenders": {
            "4": {"lines": ["4"], "party": "A", "person": True},
            "5": {"lines": ["5"], "party": "B", "person": True}}},
    }  # fmt: skip
    described = {
        "origin": ORIGIN,
        "names": {"gender": dict(enumerate(GENDERS)), "age_group": dict(enumerate(AGE_GROUPS))},
        "series": {},
        "registered": {"contest": {"1": 200, "2": 200}, "location": {"1": 200, "2": 200}},
        "contests": contests,
        "left_out": left_out,
        "entry": {"bytes": SIMPLE.size, "district": False, "preferences": 0},
        "system": "plurality",
        "papers": {},
    }
    return written(folder, entries, [*notes, *journal_heads(noted)], noted, described, counted, certified)


def written(folder: Path, entries: list[bytes], notes: list[str], noted: list[str], described: dict[str, Any],
            counted: dict[str, Any], certified: dict[str, Any]) -> Path:  # fmt: skip
    folder.mkdir()
    (folder / "entries.bin").write_bytes(b"".join(entries))
    (folder / "heads.txt").write_text("\n".join(notes), "utf-8")
    (folder / "journal.jsonl").write_text("".join(f"{line}\n" for line in noted), "utf-8")
    (folder / "keys.txt").write_text(f"{SIGNER.verifier_key}\n", "utf-8")
    (folder / "election.json").write_text(json.dumps(described), "utf-8")
    (folder / "result.json").write_text(json.dumps({"counted": counted, "certified": certified}), "utf-8")
    write_programs(folder)
    write_checksums(folder)
    return folder


def verify(folder: Path, *key: str) -> tuple[int, str]:
    """Exit status and what it says, run with the verifier that came with the project."""
    own = folder.parent / "own"
    own.mkdir(exist_ok=True)
    write_programs(own)
    done = subprocess.run(
        [sys.executable, "-I", own / "verify.py", folder, *key],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def journaled(folder: Path) -> list[str]:
    return (folder / "journal.jsonl").read_text("utf-8").splitlines()


def change(folder: Path, name: str, **parts: object) -> None:
    """Replaces members of a JSON file of the package, and adapts the checksums."""
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | parts), "utf-8")
    write_checksums(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return package(tmp_path / "package", ballots())


def test_it_has_at_most_150_lines_and_its_programs_import_the_standard_library_alone(folder):
    assert len(VERIFY.decode().splitlines()) <= 150
    sources = [VERIFY, (folder / "decide.py").read_bytes()]
    with ZipFile(folder / "outcome.zip") as packed:
        sources += [packed.read(name) for name in packed.namelist()]
        assert {"election/errors.py", "election/outcome/stv.py"} <= {*packed.namelist()}
    lines = [line.strip() for source in sources for line in source.decode().splitlines()]
    imported = {line.split()[1].split(".")[0] for line in lines if re.match(r"(import \w+$|from [\w.]+ import)", line)}
    assert imported - {"election"} <= set(sys.stdlib_module_names)


def test_a_packages_programs_are_the_same_bytes_each_time(folder):
    first = {name: (folder / name).read_bytes() for name in ("verify.py", "decide.py", "outcome.zip")}
    write_programs(folder)
    assert {name: (folder / name).read_bytes() for name in first} == first


def test_an_untouched_package_is_right_and_it_says_what_is_not_proven(folder):
    done = subprocess.run(
        [sys.executable, "-I", "verify.py"], cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    root = heads(ballots())[1].root().hex()
    assert done.stdout == (
        "Right: 300 ballots, 0 left out, 3 signed heads, the counted/certified result follows from the ballots. "
        f"The last head: {{'size': 300, 'root': '{root}'}}\n"
        "It cannot prove that each vote was published as cast, nor that there is no second log or newer\n"
        "head, nor names, parties and rules in election.json.\n"
    )
    assert verify(folder, SIGNER.verifier_key)[0] == 0


def test_signatures_of_others_under_a_head_change_nothing(folder):
    auditor, file = Cosigner("election/auditor", bytes(32)), folder / "heads.txt"
    notes = file.read_text("utf-8").split("\n\n")
    notes[1] += "\n" + auditor.cosign(f"{notes[0]}\n", 1_800_000_000).rstrip("\n")
    file.write_text("\n\n".join(notes), "utf-8")
    write_checksums(folder)
    assert verify(folder, SIGNER.verifier_key)[0] == 0


@pytest.mark.parametrize(
    "name",
    [
        "entries.bin",
        "journal.jsonl",
        "heads.txt",
        "keys.txt",
        "election.json",
        "result.json",
        "verify.py",
        "decide.py",
        "outcome.zip",
        "SHA256SUMS",
    ],
)
def test_one_bit_in_any_file_is_found(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    status, said = verify(folder)
    assert status == 1 and said.startswith("WRONG: "), said


def _doubled(entries):
    return [*entries[:50], entries[49], *entries[50:]]


def _swapped(entries):
    return [*entries[:10], entries[20], *entries[11:20], entries[10], *entries[21:]]


def _forged(entries):
    (one,) = SIMPLE.unpack(entries[9])
    return [*entries[:9], SIMPLE.pack(one._replace(candidate=4 if one.contest == 2 else 1, minute=99)), *entries[10:]]


@pytest.mark.parametrize(
    ("name", "tamper"),
    [
        ("removed", lambda entries: entries[:30] + entries[31:]),
        ("the last removed", lambda entries: entries[:-1]),
        ("doubled", _doubled),
        ("swapped", _swapped),
        ("changed", _forged),
        ("added", lambda entries: [*entries, SIMPLE.pack(Entry(b"\x42" * 16, 1, 1, 1, 0, 0, 100))]),
        ("cut", lambda entries: [*entries[:-1], entries[-1][:-1]]),
    ],
)
def test_ballots_tampered_with_after_they_were_sealed_are_found_though_the_checksums_were_adapted(folder, name, tamper):
    data = (folder / "entries.bin").read_bytes()
    entries = list(SIMPLE.split(data))
    (folder / "entries.bin").write_bytes(b"".join(tamper(entries)))
    write_checksums(folder)
    status, said = verify(folder)
    assert status == 1 and "WRONG: entries.bin: " in said, said


def test_a_log_that_was_sealed_again_with_another_key_is_found_by_who_knows_the_key(folder):
    data = (folder / "entries.bin").read_bytes()
    other = Signer(ORIGIN, bytes(32))
    entries = list(SIMPLE.split(data))
    notes = [*heads(entries, other)[0], *journal_heads(journaled(folder), other)]
    (folder / "heads.txt").write_text("\n".join(notes), "utf-8")
    write_checksums(folder)
    assert "the signature of the head of size 100 is false" in verify(folder)[1]
    (folder / "keys.txt").write_text(f"{other.verifier_key}\n", "utf-8")
    write_checksums(folder)
    assert verify(folder)[0] == 0
    status, said = verify(folder, SIGNER.verifier_key)
    assert status == 1 and "is not the key that you gave" in said


@pytest.mark.parametrize(
    ("name", "tamper"),
    [
        ("changed", lambda lines: [*lines[:1], lines[1].replace("2", "7"), *lines[2:]]),
        ("removed", lambda lines: lines[:1] + lines[2:]),
        ("the last removed", lambda lines: lines[:-1]),
        ("all removed", lambda lines: []),
        ("swapped", lambda lines: [lines[1], lines[0], *lines[2:]]),
        ("added", lambda lines: [*lines, lines[-1]]),
    ],
)
def test_a_journal_tampered_with_after_it_was_signed_is_found_though_the_checksums_were_adapted(folder, name, tamper):
    (folder / "journal.jsonl").write_text("".join(f"{line}\n" for line in tamper(journaled(folder))), "utf-8")
    write_checksums(folder)
    status, said = verify(folder)
    assert status == 1 and "WRONG: journal.jsonl: " in said, said


def test_a_head_of_the_journal_stands_for_no_head_of_the_log(folder):
    data = (folder / "entries.bin").read_bytes()
    (folder / "heads.txt").write_text("\n".join(journal_heads(journaled(folder))), "utf-8")
    (folder / "entries.bin").write_bytes(data[: 5 * SIMPLE.size])
    write_checksums(folder)
    assert "entries.bin: 5 entries, and 0 were sealed" in verify(folder)[1]


@pytest.mark.parametrize(
    ("part", "key", "said"),
    [
        (("counted", "choice"), "1/1", "choice 1/1: "),
        (("counted", "location"), "2", "location 2: "),
        (("counted", "gender"), "female", "gender female: "),
        (("counted", "age_group"), "75+", "age_group 75+: "),
        (("counted", "minute"), "101/4", "minute 101/4: "),
        (("certified", "choice"), "2/5", "in the certified result"),
        (("certified", "seats"), "A", "seats A: "),
        (("certified", "log"), "size", "log size: 300 by the ballots, 301 in the certified result"),
    ],
)
def test_a_figure_that_the_ballots_do_not_give_is_named(folder, part, key, said):
    result = json.loads((folder / "result.json").read_text())
    result[part[0]][part[1]][key] = result[part[0]][part[1]].get(key, 0) + 1
    (folder / "result.json").write_text(json.dumps(result))
    write_checksums(folder)
    status, told = verify(folder)
    assert status == 1 and said in told, told


def test_another_winner_than_the_ballots_give_is_named(folder):
    result = json.loads((folder / "result.json").read_text())
    elected = result["certified"]["elected"]
    wrong = "2/4" if "2/5" in elected else "2/5"
    result["certified"]["elected"] = {line: how for line, how in elected.items() if line[0] == "1"} | {wrong: "votes"}
    (folder / "result.json").write_text(json.dumps(result))
    write_checksums(folder)
    status, told = verify(folder)
    assert status == 1 and f"elected {wrong}: 0 by the ballots, votes in the certified result" in told


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            [Entry(b"\x42" * 16, 1, 4, 1, 0, 0, 100)],
            "1 votes are for 1/4 (contest/candidate), who does not stand there",
        ),
        (
            [Entry(b"\x42" * 16, 9, 0, 1, 0, 0, 100)],
            "1 votes are for 9/0 (contest/candidate), who does not stand there",
        ),
        (
            [Entry(b"\x42" * 16, 1, line, 1, 0, 0, 100) for line in (1, 2)],
            f"ballot {'42' * 16} is there with two contents",
        ),
        (
            [Entry(bytes([number]) * 16, 1, 1, 1, 0, 0, 100) for number in range(100)],
            "contest 1: more ballots than registered voters",
        ),
    ],
)
def test_what_should_never_have_been_sealed_is_named(tmp_path, more, said):
    status, told = verify(package(tmp_path / "package", [*ballots(), *map(SIMPLE.pack, more)]))
    assert status == 1 and said in told, told


def test_a_ballot_that_was_published_again_counts_once(tmp_path):
    made = ballots()
    assert verify(package(tmp_path / "package", [*made, *made[:40]]))[0] == 0


def test_a_package_without_a_file_says_so(folder):
    (folder / "result.json").unlink()
    status, said = verify(folder)
    assert status == 1 and "the package cannot be read: FileNotFoundError" in said


@pytest.mark.parametrize(
    ("left_out", "noted", "said"),
    [
        ((0,), (), "entry 0 is left out and not in quarantine"),
        ((0,), ((1, "not stored"),), "entry 0 is left out and not in quarantine"),
        ((), ((1, "not stored"),), "entry 1 is left out and not in quarantine, or the reverse"),
    ],
)
def test_what_is_left_out_and_not_in_quarantine_by_the_journal_is_named(tmp_path, left_out, noted, said):
    made = ballots()
    lines = tuple(quarantined(made[at], found) for at, found in noted)
    status, told = verify(package(tmp_path / "package", made, left_out, lines))
    assert status == 1 and said in told, told


def test_ballots_in_quarantine_are_left_out_and_their_number_is_told(tmp_path):
    made = ballots()
    (own,) = SIMPLE.unpack(made[7])
    forged = [*made, SIMPLE.pack(own._replace(minute=99))]
    lines = quarantined(made[5], "not stored"), quarantined(made[7], "other content")
    status, told = verify(package(tmp_path / "package", forged, (5, 300), lines), SIGNER.verifier_key)
    assert status == 0 and told.startswith("Right: 299 ballots, 2 left out, 4 signed heads"), told


def test_a_line_of_quarantine_that_is_not_signed_is_found(folder):
    first = (folder / "entries.bin").read_bytes()[: SIMPLE.size]
    with (folder / "journal.jsonl").open("a") as file:
        file.write(quarantined(first, "not stored") + "\n")
    change(folder, "election.json", left_out=[0])
    status, told = verify(folder)
    assert status == 1 and "journal.jsonl: 6 lines, and 5 were signed" in told, told


@pytest.mark.parametrize(
    ("result", "part", "said"),
    [
        ("counted", None, "by the ballots, 0 in the counted result"),
        *(("counted", part, f"WRONG: {part} ") for part in ("choice", "contest", "location", "gender", "age_group")),
        ("counted", "minute", "WRONG: minute "),
        ("certified", None, "its certified result and log are not what the journal says"),
        *(("certified", part, f"WRONG: {part} ") for part in ("choice", "elected", "seats", "log")),
    ],
)
def test_a_part_of_the_result_that_was_removed_is_named(folder, result, part, said):
    stated = json.loads((folder / "result.json").read_text("utf-8"))
    stated[result] = {} if part is None else {name: of for name, of in stated[result].items() if name != part}
    if part is None:
        del stated[result]
    (folder / "result.json").write_text(json.dumps(stated), "utf-8")
    change(folder, "election.json", state="counted")
    status, told = verify(folder)
    assert status == 1 and said in told, told


def test_a_certified_result_without_a_certification_in_the_journal_is_named(folder):
    lines = journaled(folder)[:-1]
    notes = [*heads(ballots())[0], *journal_heads(lines)]
    (folder / "heads.txt").write_text("\n".join(notes), "utf-8")
    (folder / "journal.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    write_checksums(folder)
    status, told = verify(folder)
    assert status == 1 and "its certified result and log are not what the journal says" in told, told


def test_two_signed_heads_of_one_size_are_named(folder):
    other = SIGNER.sign(str(Checkpoint(ORIGIN, 200, bytes(32))))
    for notes in ([other], []):
        file = folder / "heads.txt"
        file.write_text("\n".join([*notes, file.read_text("utf-8"), *([] if notes else [other])]), "utf-8")
        write_checksums(folder)
        status, told = verify(folder, SIGNER.verifier_key)
        assert status == 1 and "heads.txt: there are two heads of size 200, with different roots" in told, told


def test_empty_lines_hide_no_head(folder):
    other, file = SIGNER.sign(str(Checkpoint(ORIGIN, 200, bytes(32)))), folder / "heads.txt"
    file.write_text("\n\n" + file.read_text("utf-8") + "\n\n\n" + other + "\n", "utf-8")
    write_checksums(folder)
    status, told = verify(folder)
    assert status == 1 and "heads.txt: there are two heads of size 200, with different roots" in told, told


def test_a_head_without_its_signature_is_wrong(folder):
    file = folder / "heads.txt"
    file.write_text(file.read_text("utf-8").rpartition("\n\n")[0] + "\n", "utf-8")
    write_checksums(folder)
    status, told = verify(folder)
    assert status == 1 and "the package cannot be read: ValueError" in told, told


def test_an_empty_package_is_not_one_of_the_key_that_was_given(folder):
    for name in ("keys.txt", "heads.txt", "entries.bin", "journal.jsonl"):
        (folder / name).write_bytes(b"")
    (folder / "result.json").write_text(json.dumps({"counted": {}}))
    write_checksums(folder)
    assert verify(folder)[0] == 0
    status, told = verify(folder, SIGNER.verifier_key)
    assert status == 1 and "heads.txt: no head is signed by the key that you gave" in told, told


def test_a_package_cut_back_to_an_older_head_is_known_by_the_head_that_it_names(tmp_path):
    made = ballots()
    older = package(tmp_path / "older", made[:200])
    status, told = verify(older, SIGNER.verifier_key)
    assert status == 0 and f"The last head: {{'size': 200, 'root': '{heads(made[:200])[1].root().hex()}'}}" in told, (
        told
    )


def test_the_log_cut_back_to_an_older_head_is_not_the_one_that_was_certified(folder):
    made = ballots()[:200]
    (folder / "entries.bin").write_bytes(b"".join(made))
    (folder / "heads.txt").write_text("\n".join([*heads(made)[0], *journal_heads(journaled(folder))]), "utf-8")
    write_checksums(folder)
    status, told = verify(folder)
    assert status == 1 and "its certified result and log are not what the journal says" in told, told


def test_an_unopposed_contest_with_ballots_is_named(folder):
    contests = json.loads((folder / "election.json").read_text("utf-8"))["contests"]
    contests["2"]["unopposed"] = True
    change(folder, "election.json", contests=contests)
    status, told = verify(folder)
    assert status == 1 and "contest 2: unopposed, and it has ballots" in told, told


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("election.json", b"[" * 100_000),
        ("result.json", b"1e999"),
        ("result.json", b"[]"),
        ("journal.jsonl", b"{}\n"),
        ("entries.bin", b""),
        ("SHA256SUMS", b"\xff"),
    ],
)
def test_what_cannot_be_read_is_wrong_and_no_traceback(folder, name, content):
    (folder / name).write_bytes(content)
    status, said = verify(folder)
    assert status == 1 and said.startswith("WRONG: "), said


@pytest.mark.parametrize("size", [0, 63, 65, 20_000])
def test_a_signature_of_another_length_is_wrong_and_no_traceback(folder, size):
    note, file = (folder / "heads.txt").read_text("utf-8"), folder / "heads.txt"
    line = note.split("\n")[4]
    given = b64decode(line.split()[2])
    longer = b64encode((given + bytes(size))[: 4 + size]).decode()
    file.write_text(note.replace(line.split()[2], longer), "utf-8")
    write_checksums(folder)
    status, said = verify(folder)
    assert status == 1 and said.startswith("WRONG: "), said


def test_checksums_are_of_files_in_the_folder_alone(folder):
    outside = folder.parent / "outside"
    outside.write_bytes(b"not for you")
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{sha256(b'not for you').hexdigest()}  ../outside\n")
    status, said = verify(folder)
    assert status == 1 and "the package cannot be read: FileNotFoundError" in said, said
