"""Texts that say the same: editions of one work in two spellings, and passages that two works share.

Both are found by content: the hash of every run of k normalised characters, and what two texts have in common.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

SHINGLE = 16  # characters of squeezed text in one shingle
PASSAGE = 64  # characters of normalised text in one passage
SAME_WORK = 0.4  # containment: editions of one work have 0.63 and more, different works 0.13 and less
SAMPLE = 8  # one shingle in so many is compared; the choice is by hash, so both texts keep the same ones
_BASE = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_ONE_LETTER = bytes.maketrans(b"vjy", b"uii")


def normalised(text: bytes) -> bytes:
    """Lower case; every run of anything but letters and digits becomes one space."""
    return re.sub(rb"[^a-z0-9]+", b" ", text.lower())


def squeezed(text: bytes) -> bytes:
    """Letters only, in a spelling that old and new editions share: v=u, j=y=i, no e, no h, no doubled letters."""
    letters = re.sub(rb"[^a-z]|[eh]", b"", text.lower()).translate(_ONE_LETTER)
    return re.sub(rb"(.)\1+", rb"\1", letters)


def window_hashes(data: bytes, length: int) -> Hashes:
    """A 64-bit polynomial hash of every window of `length` bytes (a power of two), in order; empty if data is shorter.

    The hash of 2k bytes is made from two of k bytes, so the work is log2(length) passes over the data.
    """
    hashes: Hashes = np.frombuffer(data, dtype=np.uint8).astype(np.uint64) + np.uint64(1)
    if len(data) < length:
        return hashes[:0]
    size, base = 1, _BASE
    while size < length:
        hashes = hashes[:-size] * np.uint64(base) + hashes[size:]
        size, base = 2 * size, base * base & _MASK
    return hashes


def shingles(text: bytes) -> Hashes:
    """Sorted distinct hashes of a fixed sample of the text's shingles."""
    hashes = window_hashes(squeezed(text), SHINGLE)
    return np.unique(hashes[(hashes >> np.uint64(32)) % np.uint64(SAMPLE) == 0])


def containment(a: Hashes, b: Hashes) -> float:
    """The share of the smaller set of hashes that the other one holds too, 0 to 1."""
    smaller = min(len(a), len(b))
    return len(np.intersect1d(a, b, assume_unique=True)) / smaller if smaller else 0.0


def group_editions(texts: Mapping[str, bytes]) -> list[list[str]]:
    """The names of the texts, grouped into works: near-duplicates of near-duplicates belong together."""
    known = {name: shingles(text) for name, text in texts.items()}
    groups: list[list[str]] = []
    for name in sorted(known):
        same = [group for group in groups if any(_same_work(known[name], known[other]) for other in group)]
        groups = [group for group in groups if group not in same]
        groups.append(sorted([name, *(other for group in same for other in group)]))
    return sorted(groups)


def _same_work(a: Hashes, b: Hashes) -> bool:
    return containment(a, b) >= SAME_WORK


def one_edition_each(texts: Mapping[str, bytes], rank: Callable[[str], object]) -> dict[str, bytes]:
    """One text per work: of its editions, the one whose name ranks lowest."""
    return {(best := min(group, key=rank)): texts[best] for group in group_editions(texts)}  # type: ignore[arg-type]


def passages(text: bytes) -> Hashes:
    """Sorted hashes of every passage of the text."""
    return np.sort(window_hashes(normalised(text), PASSAGE))


def shares_passage(window: bytes, known: Hashes) -> bool:
    """Whether any passage of the window is among the known ones (sorted hashes, see `passages`)."""
    hashes = window_hashes(normalised(window), PASSAGE)
    if not len(known) or not len(hashes):
        return False
    at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return bool(np.any(known[at] == hashes))
