"""Checks an election's package with nothing but Python: python3 -I verify.py [FOLDER [KEY]]

Recomputes log and journal at every signed head, each total, turnout, who is elected and the seats. Ends with 0, or with
1 and a line for each thing that is wrong. KEY is the log's key as you got it elsewhere, not from the package.
"""

import hashlib
import json
import sys
from base64 import b64decode
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

ENTRY = 34  # bytes: ballot id 16, contest 4, candidate 4, location 4, gender 1, age group 1, minute 4; big endian
PARTS = {"contest": (16, 20), "choice": (16, 24), "location": (24, 28), "gender": (28, 29), "age_group": (29, 30)}
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

    r, a, s = decoded(signature[:32]), decoded(key), int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    left, right = times(s, decoded(bytes([88] + [102] * 31))), add(r, times(h, a))
    return s < L and all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def read_heads(folder: Path, origin: str, trusted: list[str]) -> dict[int, bytes]:  # c2sp.org/tlog-checkpoint
    keys, heads = {}, {origin: {}, f"{origin}/journal": {}}
    for line in (folder / "keys.txt").read_text("utf-8").split():
        check(not trusted or line in trusted, f"keys.txt: {line} is not the key that you gave")
        keys[bytes.fromhex(line.split("+")[1])] = b64decode(line.split("+", 2)[2])[1:]
    notes = (folder / "heads.txt").read_text("utf-8").strip("\n").split("\n\n") if keys else []
    for text, signature in zip(notes[::2], notes[1::2], strict=True):
        (name, size, root), given = text.split("\n"), b64decode(signature.split()[2])
        true = name in heads and given[:4] in keys and signed(keys[given[:4]], f"{text}\n".encode(), given[4:])
        check(true, f"heads.txt: the signature of the head of size {size} is false")
        heads.setdefault(name, {})[int(size)] = b64decode(root)
    read_journal(folder / "journal.jsonl", heads[f"{origin}/journal"])
    return heads[origin]


def read_journal(file: Path, heads: dict[int, bytes]) -> None:  # a line's hash covers the hash before it and the line
    hashes = [bytes(32)]
    for line in file.read_bytes().splitlines():
        hashes.append(hashlib.sha256(hashes[-1] + line).digest())
    for size in {*heads, len(hashes) - 1} - {0}:
        check(hashes[size:][:1] == [heads.get(size)], f"journal.jsonl: the first {size} lines are not those signed")


def read_entries(file: Path, heads: dict[int, bytes], left_out: set[int], buckets: list[Path]) -> None:  # RFC 9162, 2.1
    size, frontier, sha256 = 0, [], hashlib.sha256
    with file.open("rb") as entries, ExitStack() as files:
        into = [files.enter_context(bucket.open("wb")).write for bucket in buckets]
        while entry := entries.read(ENTRY):
            if size not in left_out:
                into[entry[0]](entry)
            node, height, size = sha256(b"\0" + entry).digest(), size, size + 1
            while height & 1:
                node, height = sha256(b"\1" + frontier.pop() + node).digest(), height >> 1
            frontier.append(node)
            if size in heads:
                for left in frontier[-2::-1]:
                    node = sha256(b"\1" + left + node).digest()
                check(node == heads[size], f"entries.bin: the first {size} entries are not those that were sealed")
    check(size == max(heads, default=0), f"entries.bin: {size} entries, and {max(heads, default=0)} were sealed")


def count(data: bytes, totals: dict[str, Counter]) -> int:  # the first entry of a ballot counts
    entries = [data[at : at + ENTRY] for at in range(0, len(data), ENTRY)]
    first = {entry[:16]: entry for entry in reversed(entries)}
    for other in {*entries} - {*first.values()}:
        check(False, f"entries.bin: ballot {other[:16].hex()} is there with two contents")
    for part, (begin, end) in PARTS.items():
        totals[part].update(entry[begin:end] for entry in first.values())
    totals["minute"].update(entry[30:] + entry[20:24] for entry in first.values() if any(entry[20:24]))
    return len(first)


def compare(election: dict, result: dict, totals: dict[str, Counter], log: dict) -> None:  # keys: CONTEST/LINE
    found: dict = {part: Counter() for part in (*totals, "seats")} | {"elected": {}, "log": log}
    for part, total in totals.items():
        for key, ballots in total.items():
            first, *rest = [str(int.from_bytes(key[at : at + 4], "big")) for at in range(0, len(key), 4)]
            rest = [election["series"].get(rest[0], rest[0])] if part == "minute" else rest
            found[part]["/".join((election["names"].get(part, {}).get(first, first), *rest))] += ballots
    for part, registered in election["registered"].items():
        for member, ballots in found[part].items():
            check(ballots <= registered.get(member, 0), f"{part} {member}: more ballots than registered voters")
    for contest, about in election["contests"].items():  # plurality; a contender may stand on several lines
        votes, contenders = found["choice"], about["contenders"]
        sums = {who: sum(votes[f"{contest}/{line}"] for line in own["lines"]) for who, own in contenders.items()}
        first = [who for who in sums if about["unopposed"] or sums[who] == max(sums.values()) > 0]
        how = "unopposed" if about["unopposed"] else "votes" if len(first) == 1 else "lot"
        for who in (one for one in first if contenders[one]["person"] and (how != "lot" or one == about["lot"])):
            found["elected"][f"{contest}/{who}"] = how
            found["seats"][contenders[who]["party"]] += 1
    lines = {f"{contest}/{line}" for contest, about in election["contests"].items() for line in ("0", *about["lines"])}
    for odd in found["choice"].keys() - lines:
        check(False, f"{found['choice'][odd]} votes are for {odd} (contest/candidate), who does not stand there")
    for name, part, stated in ((of, *both) for of in result for both in result[of].items()):
        for key in stated.keys() | (() if name == "official" else found[part].keys()):
            mine, theirs = found[part].get(key, 0), stated.get(key, 0)
            check(mine == theirs, f"{part} {key}: {mine} by the ballots, {theirs} in the {name} result")


def main(folder: Path, trusted: list[str]) -> str:
    for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines():
        with (folder / line[66:]).open("rb") as file:
            check(hashlib.file_digest(file, "sha256").hexdigest() == line[:64], f"{line[66:]}: not as in SHA256SUMS")
    election, result = (json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("election", "result"))
    heads, totals = read_heads(folder, election["origin"], trusted), {part: Counter() for part in (*PARTS, "minute")}
    with TemporaryDirectory() as scratch:
        buckets = [Path(scratch, str(first)) for first in range(256)]
        read_entries(folder / "entries.bin", heads, {*election["left_out"]}, buckets)
        ballots = sum(count(bucket.read_bytes(), totals) for bucket in buckets)
    compare(election, result, totals, {"size": max(heads), "root": heads[max(heads)].hex()} if heads else {})
    return f"{ballots} ballots, {len(heads)} signed heads, the {'/'.join(result)} result follows from the ballots."


if __name__ == "__main__":
    try:
        told = main(Path(*sys.argv[1:2]) if sys.argv[1:] else Path(__file__).parent, sys.argv[2:])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
        check(False, f"the package cannot be read: {error!r}")
    told = "".join(f"WRONG: {each}\n" for each in wrong) or f"Right: {told}\n"
    sys.stdout.write(f"{told}It cannot prove that each vote was published as cast, nor that there is no second log.\n")
    sys.exit(1 if wrong else 0)
