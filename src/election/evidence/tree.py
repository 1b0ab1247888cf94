"""A Merkle tree that is only appended to: SHA-256, leaves and nodes hashed apart (RFC 9162, 2.1)."""

from collections.abc import Iterable
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()


class Tree:
    """The root over the leaves so far, in O(log size) memory: the roots of the perfect subtrees on its right edge.

    ``frontier`` holds these roots, the largest subtree first; there is one for each bit set in ``size``.
    """

    def __init__(self, size: int = 0, frontier: Iterable[bytes] = ()) -> None:
        """Raises ValueError when ``frontier`` is not that of a tree with ``size`` leaves."""
        self.size, self._frontier = size, list(frontier)
        if size < 0 or len(self._frontier) != size.bit_count() or {*map(len, self._frontier)} - {HASH_BYTES}:
            raise ValueError(f"{len(self._frontier)} hashes are not the frontier of a tree with {size} leaves")

    @property
    def frontier(self) -> tuple[bytes, ...]:
        return tuple(self._frontier)

    def extend(self, entries: Iterable[bytes]) -> None:
        """Appends the entries, each a leaf."""
        size, frontier = self.size, self._frontier
        for entry in entries:
            node = sha256(b"\x00" + entry).digest()
            height = size
            while height & 1:
                node = sha256(b"\x01" + frontier.pop() + node).digest()
                height >>= 1
            frontier.append(node)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The tree's root; EMPTY_ROOT without a leaf."""
        if not self._frontier:
            return EMPTY_ROOT
        *left, node = self._frontier
        for sibling in reversed(left):
            node = node_hash(sibling, node)
        return node


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
