"""`notebook.md`, where the loop and people write, and `program.md`, where people say which way to go.

The loop's sections of the notebook stand between two lines, `<!-- pawl:begin NAME -->` and `<!-- pawl:end NAME -->`,
and are written anew. Every other byte is people's, and stays. Proposers that use language read both files here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pawl import durable
from pawl.errors import PawlError
from pawl.hostile import printable
from pawl.plain import grow as _grow
from pawl.plain import read as _read

FILE = "notebook.md"
BESIDE = f".{FILE}.new"
"""Where the next notebook grows until it replaces the last one."""
DIRECTION = "program.md"
IGNORED = (FILE, BESIDE)
TOLD = 16_000
"""Characters of either that a proposer is told: some four thousand tokens."""
TRIES = 3
MARKER = re.compile(r"<!-- pawl:(?P<edge>begin|end) (?P<name>[a-z-]+) -->")
LINE = re.compile(r"[^\n]*\n|[^\n]+")
HEADING = """\
# Notebook

Write where you like. Pawl writes anew only what stands between its markers; move these sections as you wish.
"""
TEMPLATE = """\
# Direction

What the search should try, and what it should leave alone. Proposers that use a language model read this page; nothing
else does. Write plain sentences, for example:

- The model must stay small enough to read in an hour.
- Warm-up and schedule were never tuned; the width was.
- Do not change how the data are read.
"""


def direction(folder: Path, most: int = TOLD) -> str:
    """What people wrote in program.md, printable, at most `most` characters; empty where there is none. Raises
    ConfigError for what is not a plain file."""
    return _cut(printable(_text(_read(folder / DIRECTION) or b"")).strip(), most)


def notes(folder: Path, most: int = TOLD) -> str:
    """The notebook for readers: people's words first, then the loop's sections; bounds and errors as `direction`."""
    text = _text(_read(folder / FILE) or b"")
    return _cut(printable("\n".join([outside(text).strip(), *sections(text).values()])).strip(), most)


def sections(text: str) -> dict[str, str]:
    """What stands between markers, by name."""
    lines = LINE.findall(text)
    return {name: "".join(lines[first:last]) for name, (first, last) in _places(lines).items()}


def outside(text: str) -> str:
    """People's part: all but the loop's sections with their markers."""
    lines = LINE.findall(text)
    ours = {n for first, last in _places(lines).values() for n in range(first - 1, last + 1)}
    return "".join(line for n, line in enumerate(lines) if n not in ours)


def merged(text: str, found: Mapping[str, str]) -> str:
    """The notebook with these sections in place of the last ones; those that it did not have come at the end."""
    lines = LINE.findall(text)
    places = _places(lines)
    known = sorted((place, name) for name, place in places.items() if name in found)
    for (first, last), name in reversed(known):  # from the end, so that line numbers stay true
        lines[first:last] = [_guarded(found[name])]
    if lines and not lines[-1].endswith("\n"):
        lines.append("\n")
    for name, words in found.items():
        if name not in places:
            lines += ["\n", f"<!-- pawl:begin {name} -->\n", _guarded(words), f"<!-- pawl:end {name} -->\n"]
    return "".join(lines)


def write(folder: Path, found: Mapping[str, str]) -> Path:
    """Put these sections into the notebook: it is there as before or as a whole, whatever happens meanwhile. What
    people save at the same time is read again; only a save within the last instant before the exchange could be lost.

    Raises ConfigError for a notebook that is not a plain file, PawlError where it cannot be written."""
    path = folder / FILE
    try:
        for _ in range(TRIES):
            before = _read(path, whole=True)
            text = merged(HEADING if before is None else _text(before), found)
            after = text.encode("utf-8", "surrogateescape")
            if after == before:
                break
            _grow(folder / BESIDE, after, path)
            if _read(path, whole=True) == before:
                os.replace(folder / BESIDE, path)
                durable.sync([folder])
                break
    except OSError as error:
        raise PawlError(f"{path} cannot be written: {error.strerror}", "make room, or set notebook = false") from error
    return path


def _places(lines: list[str]) -> dict[str, tuple[int, int]]:
    """Where the first section of each name stands, without its markers. A marker without the other, or with a third one
    between them, is people's text."""
    found: dict[str, tuple[int, int]] = {}
    begun: tuple[str, int] | None = None
    for n, line in enumerate(lines):
        match = MARKER.fullmatch(line.strip())
        if match is None:
            continue
        if match["edge"] == "begin":
            begun = (match["name"], n + 1)
            continue
        if begun and begun[0] == match["name"]:
            found.setdefault(begun[0], (begun[1], n))
        begun = None
    return found


def _guarded(words: str) -> str:
    """A section's text, whole lines, in which no line is a marker."""
    lines = [f"> {line}" if MARKER.fullmatch(line.strip()) else line for line in words.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _text(content: bytes) -> str:
    """Every byte comes back as it was, also where people's text is not UTF-8."""
    return content.decode("utf-8", "surrogateescape")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(most - 4, 0)] + "\n..."
