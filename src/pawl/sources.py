"""What a patch brings in: signs that a gate looks for in the head's files, beside those of the reference's.

A gate says what it looks for in one text. What stands in the reference too is nobody's cheat: only what is new counts,
wherever in the changed files it moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from pawl.hostile import one_line
from pawl.protocols import Case
from pawl.records import Finding
from pawl.syntax import Source, Unreadable, parse

PLAIN_TEXT = (".txt", ".md", ".json", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".csv", ".tsv")
"""Editable files that hold no code; gates that read code pass over them."""
SHOWN = 5
"""Signs that a reason lists."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something at a line of a file, in words. `key` is what makes it the same thing elsewhere."""

    path: str
    line: int
    said: str
    key: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.said}"


Look = Callable[[Source], Iterable[Sign]]
Compare = Callable[[Sequence[Source], Sequence[Source]], Iterable[Sign]]


def changed(case: Case) -> tuple[dict[str, str], dict[str, str]]:
    """The reference's and the head's text of the editable files that differ, by path."""
    before, after = case.reference_files, case.head_files
    paths = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    return {p: before[p] for p in paths if p in before}, {p: after[p] for p in paths if p in after}


def new(head: Iterable[Sign], reference: Iterable[Sign]) -> list[Sign]:
    """The head's signs beyond those that the reference has too, counted by key."""
    known, found = Counter(sign.key for sign in reference), []
    for sign in head:
        if known[sign.key]:
            known[sign.key] -= 1
        else:
            found.append(sign)
    return found


def remembered(look: Look) -> Look:
    """A costly look, made once at each of the last files: a reference stands beside many heads."""
    return lru_cache(maxsize=64)(lambda source: tuple(look(source)))


def brought(look: Look) -> Compare:
    """Compare by what a look at each file finds."""

    def compare(head: Sequence[Source], reference: Sequence[Source]) -> Iterator[Sign]:
        yield from new(*([sign for source in sources for sign in look(source)] for sources in (head, reference)))

    return compare


def judged(gate: str, case: Case, compare: Compare, fine: str) -> Finding:
    """Refuse for every sign that the head's code brings in, and where there is nothing to read or it cannot be read."""
    before, after = changed(case)
    if not after:
        return Finding(gate=gate, passed=False, reason="there is no changed source to read")
    try:
        head, reference = parsed(after), parsed(before)
    except Unreadable as error:
        return Finding(gate=gate, passed=False, reason=one_line(str(error))[:300])
    try:
        signs = list(compare(head, reference))
    except RecursionError:
        return Finding(gate=gate, passed=False, reason="an expression is nested too deeply to be read")
    return finding(gate, signs, fine)


def parsed(files: Mapping[str, str]) -> list[Source]:
    """The code among some files. Raises Unreadable for what is neither Python nor plain text."""
    found = []
    for path, text in files.items():
        suffix = PurePosixPath(path).suffix
        if suffix == ".py":
            found.append(parse(path, text))
        elif suffix not in PLAIN_TEXT:
            raise Unreadable(f"{path} changed, and is neither Python nor plain text: nothing here can read it")
    return found


def finding(gate: str, signs: Sequence[Sign], fine: str) -> Finding:
    """Pass without signs; else refuse, with the first few of them by file and line."""
    if not signs:
        return Finding(gate=gate, passed=True, reason=fine)
    said = "; ".join(str(sign) for sign in signs[:SHOWN])
    more = f"; and {len(signs) - SHOWN} more" if len(signs) > SHOWN else ""
    return Finding(gate=gate, passed=False, reason=one_line(said + more)[:1000])
