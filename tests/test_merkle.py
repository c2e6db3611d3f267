"""The tree: against its definition, against the public vectors, against every small change."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.errors import IntegrityError
from pawl.merkle import EMPTY, Tree, check_consistency, check_inclusion, leaf_hash, node_hash

VECTORS = Path(__file__).parents[2] / "shared" / "data" / "merkle" / "testdata"
STRICTER = {"sizes-are-equal-one-and-proof-is-empty": "its roots are twelve bytes long; Pawl takes SHA-256 only"}
"""Vectors on which Pawl differs, and why: it refuses what they accept, never the other way round."""
vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the public test vectors lie outside of the project")


def defined(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + defined(leaves[:k]) + defined(leaves[k:])).digest()


def grown(size: int) -> tuple[Tree, list[bytes]]:
    leaves = [str(n).encode() for n in range(size)]
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
    return tree, leaves


def test_every_root_of_a_growing_tree_is_the_defined_one() -> None:
    tree, leaves = grown(70)
    for size in range(71):
        assert tree.root(size) == defined(leaves[:size])
    again = Tree()
    assert [again.append(leaf_hash(leaf)) for leaf in leaves] == [tree.root(n) for n in range(1, 71)]
    assert tree.size == 70
    assert tree.leaf(7) == leaf_hash(b"7")
    assert Tree().root(0) == EMPTY


def test_every_inclusion_and_every_consistency_of_a_small_tree_is_proved() -> None:
    tree, leaves = grown(34)
    for size in range(1, 35):
        for index in range(size):
            check_inclusion(leaf_hash(leaves[index]), index, size, tree.inclusion(index, size), tree.root(size))
        for old in range(1, size + 1):
            check_consistency(old, tree.root(old), size, tree.root(size), tree.consistency(old, size))


@given(st.integers(1, 300), st.data())
@settings(max_examples=60, deadline=None)
def test_a_proof_with_anything_changed_is_refused(size: int, data: st.DataObject) -> None:
    tree, leaves = grown(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = tree.inclusion(index, size), tree.root(size), leaf_hash(leaves[index])
    refused = [
        (leaf_hash(b"another"), index, size, proof, root),
        (leaf, index, size, [*proof, leaf], root),
        (leaf, index, size, [leaf, *proof], root),
        (leaf, index, size, proof, leaf_hash(b"another")),
        (leaf, size, size, proof, root),
        (leaf, -1, size, proof, root),
        (leaf[:31], index, size, proof, root),
    ]
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = bytearray(proof[place])
        changed[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
        refused += [
            (leaf, index, size, [*proof[:place], bytes(changed), *proof[place + 1 :]], root),
            (leaf, index, size, proof[:place] + proof[place + 1 :], root),
            (leaf, index ^ 1, size, proof, root),
        ]
    for case in refused:
        with pytest.raises(IntegrityError):
            check_inclusion(*case)


@given(st.integers(1, 200), st.integers(0, 200), st.data())
@settings(max_examples=60, deadline=None)
def test_a_history_that_was_rewritten_is_not_consistent(old: int, more: int, data: st.DataObject) -> None:
    new = old + more
    tree, leaves = grown(new)
    place = data.draw(st.integers(0, old - 1))
    rewritten = Tree()
    for n, leaf in enumerate(leaves):
        rewritten.append(leaf_hash(b"other" if n == place else leaf))
    with pytest.raises(IntegrityError):
        check_consistency(old, tree.root(old), new, rewritten.root(new), rewritten.consistency(old, new))
    proof = tree.consistency(old, new)
    for wrong in ([*proof, tree.leaf(0)], proof[:-1] if proof else [tree.leaf(0)]):
        with pytest.raises(IntegrityError):
            check_consistency(old, tree.root(old), new, tree.root(new), wrong)


def test_a_leaf_can_not_pass_for_a_node() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (-1, 5), (3, 6)])
def test_a_proof_about_nothing_is_not_made_and_not_taken(old: int, new: int) -> None:
    tree, _ = grown(5)
    with pytest.raises(IntegrityError):
        tree.consistency(old, new)
    if old <= 0 or old > new:
        with pytest.raises(IntegrityError, match="no proof from"):
            check_consistency(old, tree.root(5), new, tree.root(5), [])


def test_a_leaf_or_a_size_that_is_not_there_is_refused() -> None:
    tree, _ = grown(5)
    for index, size in ((5, 5), (-1, 5), (0, 6), (0, 0)):
        with pytest.raises(IntegrityError):
            tree.inclusion(index, size)
    with pytest.raises(IntegrityError, match="has 5 leaves, not 6"):
        tree.root(6)
    with pytest.raises(IntegrityError, match="has 5 leaves, not -1"):
        tree.root(-1)


def test_a_large_tree_has_short_proofs() -> None:
    tree, _ = grown(5000)
    assert len(tree.inclusion(4321, 5000)) <= 13
    assert len(tree.consistency(1234, 5000)) <= 14


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@vectors
@pytest.mark.parametrize(
    "path", sorted(VECTORS.glob("inclusion/**/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_public_vectors_of_inclusion(path: Path) -> None:
    case = json.loads(path.read_text())
    proof = [decoded(step) for step in case["proof"] or []]
    arguments = (decoded(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, decoded(case["root"]))
    if case["wantErr"]:
        with pytest.raises(IntegrityError):
            check_inclusion(*arguments)
    else:
        check_inclusion(*arguments)


@vectors
@pytest.mark.parametrize(
    "path", sorted(VECTORS.glob("consistency/**/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_public_vectors_of_consistency(path: Path) -> None:
    case = json.loads(path.read_text())
    proof = [decoded(step) for step in case["proof"] or []]
    arguments = (case["size1"], decoded(case["root1"]), case["size2"], decoded(case["root2"]), proof)
    if case["wantErr"] or path.stem in STRICTER:
        with pytest.raises(IntegrityError):
            check_consistency(*arguments)
    else:
        check_consistency(*arguments)


def test_a_refused_proof_of_inclusion_says_what_is_wrong_with_it() -> None:
    tree, _ = grown(5)
    leaf, root, proof = tree.leaf(1), tree.root(5), tree.inclusion(1, 5)
    for index in (5, -1):
        with pytest.raises(IntegrityError, match=rf"^a tree of 5 leaves has no leaf {index}$"):
            check_inclusion(leaf, index, 5, proof, root)
        with pytest.raises(IntegrityError, match=rf"^a tree of 5 leaves has no leaf {index}$"):
            tree.inclusion(index, 5)
    with pytest.raises(IntegrityError, match="^the proof of inclusion is too long$"):
        check_inclusion(leaf, 1, 5, [*proof, leaf], root)
    for wrong in (proof[:-1], [leaf, *proof[1:]]):
        with pytest.raises(IntegrityError, match="^the proof does not lead from leaf 1 to the root of 5 leaves$"):
            check_inclusion(leaf, 1, 5, wrong, root)
    for short in ((leaf[:31], proof, root), (leaf, proof, root + b"x"), (leaf, [*proof[:-1], b""], root)):
        with pytest.raises(IntegrityError, match="^a hash is not 32 bytes long$"):
            check_inclusion(short[0], 1, 5, short[1], short[2])


def test_a_refused_proof_of_consistency_says_what_is_wrong_with_it() -> None:
    tree, _ = grown(5)
    three, five, proof = tree.root(3), tree.root(5), tree.consistency(3, 5)
    for old in (0, -1, 6):
        with pytest.raises(IntegrityError, match=f"^there is no proof from {old} to 5 leaves$"):
            check_consistency(old, three, 5, five, proof)
        with pytest.raises(IntegrityError, match=f"^there is no proof from {old} to 5 leaves$"):
            tree.consistency(old, 5)
    for root, steps in ((three, []), (five, proof)):
        with pytest.raises(IntegrityError, match="^two different trees of 5 leaves$"):
            check_consistency(5, root, 5, five, steps)
    with pytest.raises(IntegrityError, match="^the proof of consistency is empty$"):
        check_consistency(3, three, 5, five, [])
    with pytest.raises(IntegrityError, match="^the proof of consistency is too long$"):
        check_consistency(3, three, 5, five, [*proof, five])
    for old_root, new_root, steps in ((three, five, proof[:-1]), (five, five, proof), (three, three, proof)):
        with pytest.raises(IntegrityError, match="^a tree of 5 leaves does not begin with the known one of 3$"):
            check_consistency(3, old_root, 5, new_root, steps)
    for short in ((three[:31], five, proof), (three, five + b"x", proof), (three, five, [b"", *proof])):
        with pytest.raises(IntegrityError, match="^a hash is not 32 bytes long$"):
            check_consistency(3, short[0], 5, short[1], short[2])
