"""A change made to one version of some files, put into another version where the lines that it touches are the same."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher

from pawl.changes import LINE
from pawl.records import Piece

Files = Mapping[str, str]


def transplanted(before: Files, after: Files, onto: Files) -> tuple[Piece, ...] | None:
    """What leads from `before` to `after`, as pieces of `onto`; None where a line that it exchanges, or one of the two
    between which it adds, is another one there."""
    found: list[Piece] = []
    for path in before:
        if before[path] == after.get(path):
            continue
        old, new = (LINE.findall(files.get(path, "")) for files in (before, after))
        place = _places(before[path], onto.get(path, ""))
        for tag, i1, i2, j1, j2 in _steps(before[path], after.get(path, "")):
            if tag == "equal":
                continue
            around = range(i1, i2) if i2 > i1 else range(i1 - 1, i1 + 1)
            there = [place.get(n) for n in around]
            if None in there or there != list(range(there[0] or 0, (there[0] or 0) + len(there))):
                return None
            first = (there[0] or 0) + (i2 == i1)
            removed, added = "".join(old[i1:i2]), "".join(new[j1:j2])
            found.append(Piece(path=path, first=first + 1, removed=removed, added=added))
    return tuple(found) or None


@functools.lru_cache(maxsize=512)
def _steps(before: str, after: str) -> Sequence[tuple[str, int, int, int, int]]:
    """difflib's opcodes by lines; a wave asks for the same ones again and again."""
    return SequenceMatcher(None, LINE.findall(before), LINE.findall(after), autojunk=False).get_opcodes()


def _places(before: str, onto: str) -> dict[int, int]:
    """Where each line that both versions have stands in the second; the file's two ends are lines too."""
    found = {-1: -1, len(LINE.findall(before)): len(LINE.findall(onto))}
    for tag, i1, i2, j1, _ in _steps(before, onto):
        found |= {i1 + n: j1 + n for n in range(i2 - i1)} if tag == "equal" else {}
    return found


def apart(some: Iterable[Piece], others: Iterable[Piece]) -> bool:
    """Whether two changes touch separate lines, so that they can be made together in either order."""
    return not any(one.path == other.path and _meet(one, other) for one in some for other in others)


def _meet(one: Piece, other: Piece) -> bool:
    (a, b), (c, d) = (
        (piece.first, piece.first + len(LINE.findall(piece.removed))) for piece in (one, other)
    )  # fmt: skip
    return (a < d and c < b) or (a == b and c <= a <= d) or (c == d and a <= c <= b)
