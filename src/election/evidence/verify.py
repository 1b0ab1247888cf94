"""Checks an election's package with nothing but Python: python3 -I verify.py [FOLDER [KEY]]

Recomputes log and journal at every signed head, each total, turnout, who is elected and the seats. Ends with 0, or with
1 and a line for each thing that is wrong. KEY is the log's key as you got it elsewhere, not from the package. The
decide.py and outcome.zip that came with this file must lie beside it."""

import json
import sys
from base64 import b64decode
from collections import Counter
from hashlib import file_digest, sha256, sha512
from itertools import groupby
from pathlib import Path
from runpy import run_path
from tempfile import TemporaryFile

# Entry: ballot id 16, contest 4, candidate 4, location 4, gender 1, age 1, [district 4, 2 a preference], minute 4 bytes
PARTS = {"contest": (16, 20), "choice": (16, 24), "location": (24, 28), "gender": (28, 29), "age_group": (29, 30)}
MORE = ("minute", "voters", "paper", "ranking")
STATED = {"counted": {*PARTS, *MORE} - {"voters"}, "certified": {"choice", "paper", "elected", "seats", "log"}}
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
wrong: list[str] = []


def check(right: bool, message: str) -> None:
    wrong.extend([] if right or message in wrong or len(wrong) >= 20 else [message])


def signed(key: bytes, text: bytes, signature: bytes) -> bool:  # Ed25519: RFC 8032, 5.1
    def add(a: tuple, b: tuple) -> tuple:
        m, n, t, z = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0]), 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
        e, f, g, h = n - m, z - t, z + t, n + m
        return e * f % P, g * h % P, f * g % P, e * h % P

    def times(number: int, point: tuple) -> tuple:
        even = times(number >> 1, add(point, point)) if number else (0, 1, 1, 0)
        return add(even, point) if number & 1 else even

    def decoded(encoded: bytes) -> tuple:
        y = int.from_bytes(encoded, "little") % 2**255
        square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        root, sign, i = pow(square, (P + 3) // 8, P), encoded[31] >> 7, pow(2, (P - 1) // 4, P)
        roots = (x % P for x in (root, -root, root * i, -root * i) if len(encoded) == 32 and y < P)
        return next((x, y, 1, x * y % P) for x in roots if (x * x - square) % P == 0 and x & 1 == sign)

    r, a, s = decoded(signature[:32]), decoded(key), int.from_bytes(signature[32:64], "little")
    h = int.from_bytes(sha512(signature[:32] + key + text).digest(), "little") % L
    left, right = times(s, decoded(bytes([88] + [102] * 31))), add(r, times(h, a))
    return len(signature) == 64 and s < L and all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def read_signed(folder: Path, origin: str, trusted: list[str]) -> tuple:  # c2sp.org/tlog-checkpoint
    keys, heads = {}, {origin: {}, f"{origin}/journal": {}}
    for line in (folder / "keys.txt").read_text("utf-8").split():
        check(not trusted or line in trusted, f"keys.txt: {line} is not the key that you gave")
        keys[bytes.fromhex(line.split("+")[1])] = b64decode(line.split("+", 2)[2])[1:]
    parts = (b"".join(lines) for some, lines in groupby((folder / "heads.txt").open("rb"), b"\n".__ne__) if some)
    for text, signatures in zip(parts, parts, strict=True):  # empty lines separate them
        (name, size, root, _), given = text.decode().split("\n"), b64decode(signatures.split()[2])
        true = name in heads and given[:4] in keys and signed(keys[given[:4]], text, given[4:])
        check(true, f"heads.txt: the signature of the head of size {size} is false")
        first = heads[name].setdefault(int(size), b64decode(root))
        check(first == b64decode(root), f"heads.txt: there are two heads of size {size}, with different roots")
    check(not trusted or any(heads.values()), "heads.txt: no head is signed by the key that you gave")
    (log, journal), size, chain, quarantined, certified = heads.values(), 0, bytes(32), {}, None
    for size, line in enumerate((folder / "journal.jsonl").open("rb"), 1):
        chain, (row, table) = sha256(chain + line.rstrip(b"\n")).digest(), json.loads(line, parse_int=str).values()
        check(journal.get(size, chain) == chain, f"journal.jsonl: the first {size} lines are not those signed")
        certified = (row["log_root"] or "")[2:] if row.get("decision") == "certified" else certified
        if table == "quarantined_messages":  # of a ballot that is stored, one entry may be counted
            quarantined[bytes.fromhex(row["ballot_id"][2:])] = (True, row["found"] == "not stored")
    check(size == max(journal, default=0), f"journal.jsonl: {size} lines, and {max(journal, default=0)} were signed")
    return log, quarantined, certified


def read_entries(file: Path, heads: dict, election: dict, quarantined: dict) -> dict[str, Counter]:  # RFC 9162, 2.1
    form, left_out = election["entry"], {*election["left_out"]}
    later = {int(no).to_bytes(4, "big") for no, of in election["contests"].items() if of["position"] > 1}
    entries, size, frontier, buckets = file.open("rb"), 0, [], [TemporaryFile() for _ in range(256)]  # noqa: SIM115
    while entry := entries.read(form["bytes"]):
        if (size in left_out) not in quarantined.get(entry[:16], (False,)):
            check(False, f"entries.bin: entry {size} is left out and not in quarantine, or the reverse")
        if size not in left_out:
            buckets[entry[0]].write(entry)
        node, height, size = sha256(b"\0" + entry).digest(), size, size + 1
        while height & 1:
            node, height = sha256(b"\1" + frontier.pop() + node).digest(), height >> 1
        frontier.append(node)
        if size in heads:
            for left in frontier[-2::-1]:
                node = sha256(b"\1" + left + node).digest()
            check(node == heads[size], f"entries.bin: the first {size} entries are not those that were sealed")
    check(size == max(heads, default=0), f"entries.bin: {size} entries, and {max(heads, default=0)} were sealed")
    totals: dict[str, Counter] = {part: Counter() for part in (*PARTS, *MORE)}
    for bucket in buckets:
        data = bucket.seek(0) or bucket.read()
        found = [data[at : at + form["bytes"]] for at in range(0, len(data), form["bytes"])]
        first = {entry[:16]: entry for entry in reversed(found)}  # the first entry of a ballot counts
        for other in {*found} - {*first.values()}:
            check(False, f"entries.bin: ballot {other[:16].hex()} is there with two contents")
        once = [entry for entry in first.values() if entry[16:20] not in later] if later else first.values()
        for part, (begin, end) in PARTS.items():  # a voter has one entry for each contest on their paper
            totals[part].update(entry[begin:end] for entry in (first.values() if begin == 16 else once))
        totals["minute"].update(entry[-4:] + entry[20:24] for entry in first.values() if any(entry[20:24]))
        more, ranked = (first.values() if form[part] else () for part in ("district", "preferences"))
        totals["voters"].update(entry[30:34] for entry in (once if more else ()))
        totals["paper"].update(entry[30:34] + entry[16:24] for entry in more)
        totals["ranking"].update(entry[16:24] + entry[34 if more else 30 : -4] for entry in ranked)
    return totals


def compare(election: dict, result: dict, totals: dict, log: dict, rules: dict) -> None:  # keys: CONTEST/LINE
    ranked, found = totals.pop("ranking"), {part: Counter() for part in totals} | {"log": Counter(log)}
    for part, total in totals.items():
        for key, ballots in total.items():
            first, *rest = [str(int.from_bytes(key[at : at + 4], "big")) for at in range(0, len(key), 4)]
            rest = [election["series"].get(rest[0], rest[0])] if part == "minute" else rest
            found[part]["/".join((election["names"].get(part, {}).get(first, first), *rest))] += ballots
    for part, registered in election["registered"].items():
        for member, ballots in found[part].items():
            check(ballots <= registered.get(member, 0), f"{part} {member}: more ballots than registered voters")
    found |= rules["decide"](election, found, ranked, check)
    for name, part in ((of, part) for of in result for part in STATED.get(of, set()) | result[of].keys()):
        mine, said = found[part], Counter(result[name].get(part, {}))
        for key in said.keys() | (() if name == "official" else mine.keys()):
            check(mine[key] == said[key], f"{part} {key}: {mine[key]} by the ballots, {said[key]} in the {name} result")


if __name__ == "__main__":
    folder = Path(*sys.argv[1:2]) if sys.argv[1:] else Path(__file__).parent
    try:
        for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines():
            with (folder / Path(line[66:]).name).open("rb") as file:  # in this folder alone
                check(file_digest(file, "sha256").hexdigest() == line[:64], f"{line[66:]}: not as in SHA256SUMS")
        election, result = (json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("election", "result"))
        heads, quarantined, certified = read_signed(folder, election["origin"], sys.argv[2:])
        totals = read_entries(folder / "entries.bin", heads, election, quarantined)
        log = {"size": max(heads), "root": heads[max(heads)].hex()} if heads else {}
        bound = log.get("root", "") if "certified" in result else None
        check(certified == bound, "result.json: its certified result and log are not what the journal says")
        compare(election, {"counted": {}} | result, totals, log, run_path(str(Path(__file__).with_name("decide.py"))))
        told = f"{totals['contest'].total()} ballots, {len(election['left_out'])} left out, {len(heads)} signed heads"
        told = f"Right: {told}, the {'/'.join(result)} result follows from the ballots. The last head: {log}\n"
    except Exception as error:  # noqa: BLE001
        check(False, f"the package cannot be read: {error!r:.200}")
    sys.stdout.write("".join(f"WRONG: {each}\n" for each in wrong) or told)
    sys.stdout.write("It cannot prove that each vote was published as cast, nor that there is no second log or newer\n")
    sys.stdout.write("head, nor names, parties and rules in election.json.\n")
    sys.exit(1 if wrong else 0)
