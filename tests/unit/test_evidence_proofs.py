"""The log's hashing and proofs, against the vectors of transparency-dev/merkle and against each other."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from election.evidence.proofs import (
    BadProof,
    consistency,
    hashes,
    inclusion,
    verify_consistency,
    verify_inclusion,
)
from election.evidence.tree import EMPTY_ROOT, Tree, leaf_hash, node_hash

VECTORS = Path(__file__).parents[1] / "cases" / "merkle-vectors"
SIZES = st.integers(1, 300)


def _vectors(name):
    return [json.loads(line) for line in (VECTORS / f"{name}.jsonl").read_text().splitlines()]


def _hash(text):
    return b64decode(text or "")


def _proof(vector):
    return [_hash(each) for each in vector["proof"] or []]


def _entries(size):
    return [b"entry %d" % number for number in range(size)]


def _root(entries):
    """As RFC 9162 defines it, from the whole list."""
    if len(entries) < 2:
        return leaf_hash(entries[0]) if entries else sha256().digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    return node_hash(_root(entries[:split]), _root(entries[split:]))


def _tree(entries):
    tree = Tree()
    tree.extend(entries)
    return tree


@pytest.mark.parametrize("vector", _vectors("inclusion"), ids=lambda vector: vector["file"])
def test_inclusion_is_proven_as_in_the_vectors(vector):
    given = (vector["leafIdx"], vector["treeSize"], _hash(vector["leafHash"]), _proof(vector), _hash(vector["root"]))
    if vector["wantErr"]:
        with pytest.raises(BadProof):
            verify_inclusion(*given)
    else:
        verify_inclusion(*given)


@pytest.mark.parametrize("vector", _vectors("consistency"), ids=lambda vector: vector["file"])
def test_consistency_is_proven_as_in_the_vectors(vector):
    roots = (_hash(vector["root1"]), _hash(vector["root2"]))
    given = (vector["size1"], vector["size2"], *roots, _proof(vector))
    if vector["wantErr"]:
        with pytest.raises(BadProof):
            verify_consistency(*given)
    else:
        verify_consistency(*given)


@settings(deadline=None)
@given(SIZES, st.lists(st.integers(0, 300), max_size=4))
def test_the_root_does_not_depend_on_the_rounds_in_which_entries_were_appended(size, cuts):
    entries, tree, at = _entries(size), Tree(), 0
    for cut in [*sorted(min(cut, size) for cut in cuts), size]:
        tree.extend(entries[at:cut])
        tree, at = Tree(tree.size, tree.frontier), cut  # as it is stored between two rounds
    assert (tree.size, tree.root()) == (size, _root(entries))


def test_a_log_without_entries_has_the_root_of_nothing():
    assert Tree().root() == EMPTY_ROOT


@pytest.mark.parametrize(("size", "frontier"), [(1, []), (2, [b"\0" * 32] * 2), (1, [b"\0" * 31]), (-1, [b"\0" * 32])])
def test_a_frontier_that_is_not_of_that_size_is_refused(size, frontier):
    with pytest.raises(ValueError, match="frontier"):
        Tree(size, frontier)


@settings(deadline=None)
@given(SIZES, st.data())
def test_every_entry_is_proven_and_no_other_is(size, data):
    index = data.draw(st.integers(0, size - 1))
    entries = _entries(size)
    proof, root = hashes(inclusion(index, size), entries), _root(entries)
    verify_inclusion(index, size, leaf_hash(entries[index]), proof, root)
    with pytest.raises(BadProof):
        verify_inclusion(index, size, leaf_hash(b"another entry"), proof, root)
    if size > 1:
        with pytest.raises(BadProof):
            verify_inclusion((index + 1) % size, size, leaf_hash(entries[index]), proof, root)


@settings(deadline=None)
@given(SIZES, st.data())
def test_a_log_is_consistent_with_its_beginnings_and_not_with_a_rewritten_one(new, data):
    old, changed = data.draw(st.integers(1, new)), data.draw(st.integers(0, new - 1))
    entries = _entries(new)
    proof = hashes(consistency(old, new), entries)
    verify_consistency(old, new, _root(entries[:old]), _root(entries), proof)
    if changed >= old:  # a later entry may still be anything; the older head says nothing about it
        return
    rewritten = [*entries[:changed], b"rewritten", *entries[changed + 1 :]]
    with pytest.raises(BadProof):
        verify_consistency(old, new, _root(entries[:old]), _root(rewritten), hashes(consistency(old, new), rewritten))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_inclusion_is_proven_beyond_the_log(index, size):
    with pytest.raises(ValueError, match="no entry"):
        inclusion(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_no_consistency_is_proven_with_nothing_or_backwards(old, new):
    with pytest.raises(ValueError, match="not the beginning"):
        consistency(old, new)


def test_a_log_that_is_shorter_than_its_proof_is_named():
    with pytest.raises(ValueError, match="ends before entry 8"):
        hashes(inclusion(0, 8), _entries(7))
