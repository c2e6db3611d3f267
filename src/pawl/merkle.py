"""The Merkle tree of RFC 9162, section 2.1: roots, and proofs that a stranger can check.

Hashes are 32 bytes of SHA-256, indices count from 0, sizes are numbers of leaves. Where the RFC leaves room, Pawl
refuses: a proof about nothing (an empty tree) proves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from pawl.errors import IntegrityError

EMPTY = hashlib.sha256(b"").digest()
"""The root of the tree without leaves."""
LENGTH = 32
Proof = Sequence[bytes]


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf, which no inner node can have."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """A tree that grows at its right edge. `levels[k]` are the roots of all full subtrees of 2**k leaves."""

    levels: list[list[bytes]] = field(default_factory=lambda: [[]])

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self.levels[0])

    def append(self, leaf: bytes) -> bytes:
        """Add the hash of a leaf; the root of the tree that ends with it."""
        root, level = self.root_with(leaf), 0
        self.levels[0].append(leaf)
        while len(self.levels[level]) % 2 == 0:
            if len(self.levels) == level + 1:
                self.levels.append([])
            self.levels[level + 1].append(node_hash(*self.levels[level][-2:]))
            level += 1
        return root

    def root_with(self, leaf: bytes) -> bytes:
        """The root that the tree would have after one more leaf."""
        found = leaf
        for level, roots in enumerate(self.levels):
            if self.size >> level & 1:
                found = node_hash(roots[-1], found)
        return found

    def leaf(self, index: int) -> bytes:
        """The hash of a leaf."""
        return self.levels[0][index]

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves. Raises IntegrityError if there are fewer."""
        self._must_have(size)
        return self._hash(0, size) if size else EMPTY

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that leaf `index` is in the tree of the first `size` leaves. Raises IntegrityError."""
        self._must_have(size)
        if not 0 <= index < size:
            raise IntegrityError(f"a tree of {size} leaves has no leaf {index}")
        proof, begin, end = [], 0, size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                proof.append(self._hash(middle, end))
                end = middle
            else:
                proof.append(self._hash(begin, middle))
                begin = middle
        return proof[::-1]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the first `old` of the first `new` leaves never changed. Raises IntegrityError."""
        self._must_have(new)
        if not 0 < old <= new:
            raise IntegrityError(f"there is no proof from {old} to {new} leaves")
        proof, begin, end, whole = [], 0, new, True
        while old != end:
            middle = begin + _split(end - begin)
            if old <= middle:
                proof.append(self._hash(middle, end))
                end = middle
            else:
                proof.append(self._hash(begin, middle))
                begin, whole = middle, False
        return ([] if whole else [self._hash(begin, end)]) + proof[::-1]

    def _must_have(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise IntegrityError(f"the tree has {self.size} leaves, not {size}")

    def _hash(self, begin: int, end: int) -> bytes:
        """The root of the leaves from `begin` to `end`; `begin` is where a subtree of that size may begin."""
        width = end - begin
        if width & (width - 1) == 0:
            return self.levels[width.bit_length() - 1][begin // width]
        middle = begin + _split(width)
        return node_hash(self._hash(begin, middle), self._hash(middle, end))


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def check_inclusion(leaf: bytes, index: int, size: int, proof: Proof, root: bytes) -> None:
    """RFC 9162, section 2.1.3.2. Raises IntegrityError unless the proof leads from the leaf's hash to the root."""
    _must_be_hashes([leaf, root, *proof])
    if not 0 <= index < size:
        raise IntegrityError(f"a tree of {size} leaves has no leaf {index}")
    place, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise IntegrityError("the proof of inclusion is too long")
        if place & 1 or place == last:
            found = node_hash(step, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    if last or found != root:
        raise IntegrityError(f"the proof does not lead from leaf {index} to the root of {size} leaves")


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Proof) -> None:
    """RFC 9162, section 2.1.4.2. Raises IntegrityError unless the new tree begins with the old one."""
    _must_be_hashes([old_root, new_root, *proof])
    if not 0 < old <= new:
        raise IntegrityError(f"there is no proof from {old} to {new} leaves")
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if old == new:
        if proof or old_root != new_root:
            raise IntegrityError(f"two different trees of {old} leaves")
        return
    if not proof:
        raise IntegrityError("the proof of consistency is empty")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise IntegrityError("the proof of consistency is too long")
        if place & 1 or place == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, step)
        place, last = place >> 1, last >> 1
    if last or before != old_root or after != new_root:
        raise IntegrityError(f"a tree of {new} leaves does not begin with the known one of {old}")


def _must_be_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(found) != LENGTH for found in hashes):
        raise IntegrityError(f"a hash is not {LENGTH} bytes long")
