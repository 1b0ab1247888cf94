"""The price of the log: ``python bench/evidence.py [BALLOTS]`` prints CPU time a ballot of sealing and of verifying.

Sealing is measured from messages in memory: reading JSON, making entries, hashing. Kafka and Postgres are not in it.
"""

import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from election.contracts.ballots import Choice, Place, VoteEncoder
from election.evidence.entries import SIMPLE
from election.evidence.notes import Checkpoint, Signer
from election.evidence.package import write_checksums, write_programs
from election.evidence.sealing import Entries
from election.evidence.tree import Tree

_ROUND = 65_536
_ORIGIN = "election/bench/1"
_SIGNER = Signer(_ORIGIN, bytes(32))


def main(ballots: int) -> None:
    with TemporaryDirectory() as scratch:
        folder = Path(scratch, "package")
        folder.mkdir()
        sealed = _seal(folder, ballots)
        done = subprocess.run([sys.executable, "-I", folder / "verify.py"], capture_output=True, text=True, check=False)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = children.ru_utime + children.ru_stime
    print(f"sealed {ballots:,} ballots: {sealed / ballots / 1000:.2f} µs of CPU a ballot")  # noqa: T201
    print(f"verified: {seconds / ballots * 1e6:.2f} µs of CPU a ballot. {done.stdout}")  # noqa: T201


def _seal(folder: Path, ballots: int) -> int:
    """Writes a package with an empty journal; returns the CPU nanoseconds of decoding, entries, tree and heads."""
    draw, entries, tree = random.Random(1), Entries(1, SIMPLE), Tree()
    encode = VoteEncoder(1, "party", [Choice(1, "A", n, f"C{n}", "P") for n in range(1, 9)], [Place(1, "c", "r", "t")])
    taken, notes, counted = 0, [], defaultdict[str, Counter[str]](Counter)
    with (folder / "entries.bin").open("wb") as file:
        for at in range(0, ballots, _ROUND):
            size = min(_ROUND, ballots - at)
            ids = [draw.randbytes(16) for _ in range(size)]
            messages = [(own, encode(own, 1, 1, draw.randrange(1, 9), None, 1, "female", "25-34", at)) for own in ids]
            begin = time.process_time_ns()
            made, _ = entries({0: messages})
            tree.extend(SIMPLE.split(made))
            notes.append(_SIGNER.sign(str(Checkpoint(_ORIGIN, tree.size, tree.root()))))
            taken += time.process_time_ns() - begin
            file.write(made)
            for one in SIMPLE.unpack(made):
                for part, key in (("contest", one.contest), ("choice", f"{one.contest}/{one.candidate}"),
                                  ("location", one.location), ("gender", one.gender), ("age_group", one.age_group),
                                  ("minute", f"{one.minute}/{one.candidate}")):  # fmt: skip
                    counted[part][str(key)] += 1
    form = {"bytes": SIMPLE.size, "district": False, "preferences": 0}
    described = {"origin": _ORIGIN, "names": {}, "series": {}, "registered": {}, "left_out": [], "papers": {},
                 "system": "plurality", "entry": form}  # fmt: skip
    lines: dict[str, dict[str, str]] = {str(n): {} for n in range(1, 9)}
    contests = {"1": {"position": 1, "seats": 1, "unopposed": False, "lots": [], "lines": lines, "contenders": {}}}
    (folder / "election.json").write_text(json.dumps(described | {"contests": contests}))
    (folder / "result.json").write_text(json.dumps({"counted": counted}))
    (folder / "journal.jsonl").write_text("")
    (folder / "heads.txt").write_text("\n".join(notes), "utf-8")
    (folder / "keys.txt").write_text(_SIGNER.verifier_key)
    write_programs(folder)
    write_checksums(folder)
    return taken


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
