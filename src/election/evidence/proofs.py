"""Proofs of inclusion and of consistency (RFC 9162, 2.1.3 and 2.1.4): what they consist of, and checking them.

A proof is a list of roots of subtrees. ``inclusion`` and ``consistency`` name these subtrees as ranges of leaves
``(begin, end)``; ``hashes`` reads the log once and returns their roots, whatever the log is stored in.
"""

from collections.abc import Iterable, Sequence

from election.evidence.tree import HASH_BYTES, Tree, node_hash

Range = tuple[int, int]


class BadProof(ValueError):
    """A proof that does not prove what it should; the text says why."""


def inclusion(index: int, size: int) -> list[Range]:
    """The subtrees that prove the entry at ``index`` in a tree of ``size`` leaves, the leaf's sibling first.

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no entry {index} in a log of {size}")
    path: list[Range] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def consistency(old: int, new: int) -> list[Range]:
    """The subtrees that prove a tree of ``old`` leaves to be the beginning of one of ``new``; none if they are equal.

    Raises ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"a log of {old} entries is not the beginning of one of {new}; the older size comes first")
    path: list[Range] = []
    begin, end = 0, new
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return ([(begin, end)] if begin else []) + path[::-1]


def hashes(ranges: Sequence[Range], entries: Iterable[bytes]) -> list[bytes]:
    """The roots of these ranges, which must not overlap, in their order; ``entries`` are the log's from its beginning.

    Reads no further than the last range. Raises ValueError when the log ends before.
    """
    found: dict[Range, bytes] = {}
    rest, at = iter(entries), 0
    for begin, end in sorted(ranges):
        for _ in range(begin - at):
            next(rest, None)
        tree = Tree()
        tree.extend(entry for _, entry in zip(range(end - begin), rest, strict=False))
        if tree.size < end - begin:
            raise ValueError(f"the log ends before entry {end}")
        found[begin, end], at = tree.root(), end
    return [found[each] for each in ranges]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises BadProof unless ``proof`` shows the leaf with this hash at ``index`` in the tree of that size and root."""
    if not 0 <= index < size:
        raise BadProof(f"there is no entry {index} in a log of {size}")
    _require_hashes(leaf, root, *proof)
    node, last = leaf, size - 1
    for sibling in proof:
        if not last:
            raise BadProof("the proof is too long")
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise BadProof("the proof is too short")
    if node != root:
        raise BadProof("the entry is not in the log of this root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises BadProof unless ``proof`` shows that the tree of the old size and root is the beginning of the new one."""
    if not 0 < old <= new:
        raise BadProof(f"a log of {old} entries proves nothing about one of {new}")
    if old == new:
        if proof or old_root != new_root:
            raise BadProof("two heads of one size need equal roots and no proof")
        return
    _require_hashes(old_root, new_root, *proof)
    if not proof:
        raise BadProof("the proof is empty")
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if not last:
            raise BadProof("the proof is too long")
        if index & 1 or index == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise BadProof("the proof is too short")
    if before != old_root or after != new_root:
        raise BadProof("the older log is not the beginning of the newer one")


def _split(leaves: int) -> int:
    """The largest power of two that is smaller than ``leaves``."""
    return 1 << (leaves - 1).bit_length() - 1


def _require_hashes(*given: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in given):
        raise BadProof(f"a hash has {HASH_BYTES} bytes")
