"""What a task hands out: a stream of files written by hostile hands (its form: see inside.py)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePosixPath

MOST_FILES = 1000
LONGEST_NAME = 200
LONGEST_HEADER = 64


class OutputsRefused(Exception):
    """The outputs are not plain files with plain names; the text says what is there."""


def unpack(stream: bytes, limit: int) -> tuple[dict[str, bytes], float]:
    """The regular files of a stream by relative path, at most `limit` bytes of them; the CPU seconds it reports.

    Raises OutputsRefused for anything else in it."""
    files: dict[str, bytes] = {}
    cpu, total = 0.0, 0
    for kind, raw, content in _members(stream):
        if kind == b"cpu":
            cpu = _seconds(content)
            continue
        name = _name(raw)
        total += len(content)
        if kind != b"file":
            raise OutputsRefused(f"it wrote {name!a}, which is a link or a device and not a regular file")
        if name in files:
            raise OutputsRefused(f"it wrote {name!a} twice")
        if len(files) >= MOST_FILES:
            raise OutputsRefused(f"it wrote more than {MOST_FILES} files")
        if total > limit:
            raise OutputsRefused(f"it wrote more than {limit / 2**20:g} MiB")
        files[name] = content
    for name in files:
        if any(str(parent) in files for parent in PurePosixPath(name).parents):
            raise OutputsRefused(f"it wrote {name!a} below a file")
    return files, cpu


def _members(stream: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(kind, raw name, content) of every member; the last must be `cpu`, or else the stream was cut off."""
    position, kind = 0, b""
    while position < len(stream):
        end = stream.find(b"\n", position, position + LONGEST_HEADER)
        words = stream[position:end].split(b" ") if end >= 0 else []
        if len(words) != 3 or words[0] not in (b"file", b"other", b"cpu") or not all(w.isdigit() for w in words[1:]):
            raise OutputsRefused("its outputs cannot be read: they are not what the supervisor sends")
        kind, size, length = words[0], int(words[1]), int(words[2])
        start = end + 1 + length
        position = start + size
        if position > len(stream):
            raise OutputsRefused("its outputs cannot be read: they end in the middle")
        yield kind, stream[end + 1 : start], stream[start:position]
    if kind != b"cpu":
        raise OutputsRefused("its outputs cannot be read: the supervisor did not finish")


def _name(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise OutputsRefused(f"it wrote a file with an unusable name, {raw[:80]!r}") from error
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        raise OutputsRefused(f"it wrote {ascii(text)[:80]}, a path that leads out of its folder")
    if text in ("", ".") or str(path) != text or not text.isprintable() or len(raw) > LONGEST_NAME:
        raise OutputsRefused(f"it wrote a file with an unusable name, {ascii(text)[:80]}")
    return text


def _seconds(content: bytes) -> float:
    try:
        seconds = float(content)
    except ValueError as error:
        raise OutputsRefused("its account of CPU time is not a number") from error
    return seconds if math.isfinite(seconds) and 0 <= seconds < 1e9 else 0.0
