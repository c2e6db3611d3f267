"""A certified bundle taken apart into changes that can each be left out, and put together again without some.

The bundle is what differs between reference and head, file by file, in pieces that do not touch one another; so any
of them can be left out, and no patch can fail to apply. Who made a piece is traced line by line through the chain of
accepted proposals.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

from pawl.hostile import one_line
from pawl.records import Change, Piece

By = Literal["change", "proposal", "piece"]
LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""A line as git counts them."""
CONSTANT = re.compile(
    r"(?P<name>[A-Za-z_]\w*)(?:\s*:[^=#]+)?\s*=\s*(?P<value>[-+.\w]+|'[^'\\]*'|\"[^\"\\]*\")\s*(?:#.*)?\n?"
)
"""A whole line that assigns a plain number, word or string at the top level."""
NAME_LENGTH = 72
Files = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Traced:
    piece: Piece
    proposals: frozenset[int]
    constant: bool


def take_apart(versions: Sequence[tuple[int, Files]], hypotheses: Mapping[int, str], by: By) -> list[Change]:
    """The changes between the first version's files and the last one's. A version is the proposal that made it (any
    number for the first one, the reference) and all editable files, in the order in which they were accepted.

    `by` "change": every constant on a line of its own is a change; what else a proposal did is one, joined with
    later proposals that touch the same lines. "proposal": constants are no exception. "piece": every piece alone."""
    traced = [one for path in versions[0][1] for one in _trace(path, [(n, files[path]) for n, files in versions])]
    alone = [by == "piece" or (by == "change" and one.constant) for one in traced]
    groups = [[one] for one, apart in zip(traced, alone, strict=True) if apart]
    groups += _joined([one for one, apart in zip(traced, alone, strict=True) if not apart])
    groups.sort(key=lambda group: (group[0].piece.path, group[0].piece.first))
    return [_change(group, hypotheses) for group in groups]


def put_together(reference: Files, changes: Iterable[Change]) -> dict[str, str]:
    """The reference's files with these changes and no others."""
    pieces = sorted((piece for change in changes for piece in change.pieces), key=lambda p: (p.path, -p.first))
    files = {path: LINE.findall(text) for path, text in reference.items()}
    for piece in pieces:  # from the end of each file to its beginning, so that line numbers stay true
        start, count = piece.first - 1, len(LINE.findall(piece.removed))
        files[piece.path][start : start + count] = [piece.added]
    return {path: "".join(lines) for path, lines in files.items()}


def _trace(path: str, versions: Sequence[tuple[int, str]]) -> Iterator[_Traced]:
    """The pieces of one file, with the proposals that had a part in each."""
    texts = [LINE.findall(text) for _, text in versions]
    wrote: list[frozenset[int]] = [frozenset()] * len(texts[0])
    origin: list[int | None] = list(range(len(texts[0])))
    took: dict[int, frozenset[int]] = {}
    for (proposal, _), before, after in zip(versions[1:], texts, texts[1:], strict=False):
        known, came = wrote, origin
        wrote, origin = [], []
        for tag, i1, i2, j1, j2 in _steps(before, after):
            if tag == "equal":
                wrote, origin = wrote + known[i1:i2], origin + came[i1:i2]
                continue
            mark = frozenset({proposal}).union(*known[i1:i2])
            took |= {line: mark for line in came[i1:i2] if line is not None}
            wrote, origin = wrote + [mark] * (j2 - j1), origin + [None] * (j2 - j1)
    touched = frozenset(n for (n, text), (_, old) in zip(versions[1:], versions, strict=False) if text != old)
    for tag, i1, i2, j1, j2 in _steps(texts[0], texts[-1]):
        for a1, a2, b1, b2 in _cut(texts[0][i1:i2], texts[-1][j1:j2]) if tag != "equal" else ():
            lines = range(i1 + a1, i1 + a2)
            made = frozenset().union(*wrote[j1 + b1 : j1 + b2], *(took.get(line, frozenset()) for line in lines))
            removed, added = "".join(texts[0][i1 + a1 : i1 + a2]), "".join(texts[-1][j1 + b1 : j1 + b2])
            piece = Piece(path=path, first=i1 + a1 + 1, removed=removed, added=added)
            yield _Traced(piece, made or touched, _constant(removed, added) != "")


def _steps(before: Sequence[str], after: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, before, after, autojunk=False).get_opcodes()


def _cut(removed: Sequence[str], added: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """A block of lines as pieces: line by line where each only gives a constant another value, else as a whole."""
    same = len(removed) == len(added) and all(_constant(*lines) for lines in zip(removed, added, strict=True))
    if same and removed:
        return [(n, n + 1, n, n + 1) for n in range(len(removed))]
    return [(0, len(removed), 0, len(added))]


def _constant(removed: str, added: str) -> str:
    """NAME OLD -> NEW where a line gives a constant another value, or nothing."""
    old, new = CONSTANT.fullmatch(removed), CONSTANT.fullmatch(added)
    if old is None or new is None or old["name"] != new["name"]:
        return ""
    return f"{old['name']} {old['value']} -> {new['value']}"


def _joined(traced: Sequence[_Traced]) -> list[list[_Traced]]:
    """Pieces that share a proposal, directly or through others, together."""
    groups: list[tuple[set[int], list[_Traced]]] = []
    for one in traced:
        near = [group for group in groups if group[0] & one.proposals]
        groups = [group for group in groups if group not in near]
        groups.append((set(one.proposals).union(*(g[0] for g in near)), [*(p for g in near for p in g[1]), one]))
    return [sorted(members, key=lambda one: (one.piece.path, one.piece.first)) for _, members in groups]


def _change(group: Sequence[_Traced], hypotheses: Mapping[int, str]) -> Change:
    proposals = tuple(sorted(frozenset().union(*(one.proposals for one in group))))
    first, note = group[0].piece, ""
    if group[0].constant and len(group) == 1:
        name = f"{first.path}: {_constant(first.removed, first.added)}"
    else:
        name = f"{_places(one.piece for one in group)}: {hypotheses.get(proposals[-1], '')}"
        if len(proposals) > 1:
            note = f"proposals {', '.join(map(str, proposals))} touch the same lines and are taken out together"
    name = one_line(name)
    shown = name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 3]}..."
    return Change(name=shown, proposals=proposals, pieces=tuple(one.piece for one in group), note=note)


def _places(pieces: Iterable[Piece]) -> str:
    """FILE:LINE,LINE of some pieces."""
    files = groupby(pieces, key=lambda piece: piece.path)
    return " ".join(f"{path}:{','.join(str(piece.first) for piece in some)}" for path, some in files)


def without(changes: Sequence[Change], numbers: Collection[int]) -> list[Change]:
    """All changes but those with these numbers, which count from 1."""
    return [change for n, change in enumerate(changes, 1) if n not in numbers]
