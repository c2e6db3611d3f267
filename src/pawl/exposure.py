"""Where rows of the sealed sets lie in what a sandbox shows: packages, the standard library, training data.

Looks for the bytes of a row as a file would hold them: as stored, as other number types, scaled as images are, and as
text; also inside of gzip, zip, npz, bzip2 and xz. Not seen: rows that were changed, encrypted, or cut into pieces,
and what lies in machine code.
"""

from __future__ import annotations

import bz2
import functools
import json
import lzma
import os
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pawl import cache, hostile
from pawl.envelope import sha256

ROWS = 400
"""Rows of each sealed set that are looked for, evenly spread."""
LEAST = 24
"""Bytes below which a row says too little to be told from others."""
SCALES = (1, 16, 255)
"""Images are often stored as whole numbers up to these."""
CHUNK = 1 << 20
LARGEST = 1 << 30
"""Bytes of one file, or of what it unpacks to, that are looked at."""
DEEPEST = 2
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
TABLE_BITS = 20
MACHINE_CODE = (b"\x7fELF", b"!<arch>")
BROKEN = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
"""What reading a broken, encrypted or unknown archive raises."""
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Needle:
    """The bytes of a sealed row in one encoding; `at` is where its least ordinary eight bytes begin."""

    row: tuple[str, int]
    content: bytes
    at: int


class Needles:
    """Many byte strings, looked for at once: by a table of the hashes of eight bytes of each."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        self.by_anchor: dict[int, list[Needle]] = {}
        for needle in needles:
            anchor = int.from_bytes(needle.content[needle.at : needle.at + 8], sys.byteorder)
            self.by_anchor.setdefault(anchor, []).append(needle)
        self.anchors = np.array([*sorted(self.by_anchor), 2**64 - 1], np.uint64)  # one more, so that none is beyond
        self.table = np.zeros(1 << TABLE_BITS, bool)
        self.table[_slot(self.anchors)] = True

    def found(self, content: bytes) -> set[tuple[str, int]]:
        """The rows that stand in some bytes."""
        rows: set[tuple[str, int]] = set()
        for start in range(0, len(content), CHUNK):
            for shift in range(8):
                part = content[start + shift : start + shift + CHUNK]
                words = np.frombuffer(part[: len(part) // 8 * 8], np.uint64)
                (hits,) = np.nonzero(self.table[_slot(words)])
                near = self.anchors[np.searchsorted(self.anchors[:-1], words[hits])]
                for hit in hits[near == words[hits]]:
                    place = start + shift + 8 * int(hit)
                    rows |= {n.row for n in self.by_anchor.get(int(words[hit]), ()) if _stands(n, content, place)}
        return rows


def _slot(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (words * MULTIPLIER) >> np.uint64(64 - TABLE_BITS)


def _stands(needle: Needle, content: bytes, place: int) -> bool:
    start = place - needle.at
    return start >= 0 and content[start : start + len(needle.content)] == needle.content


def needles(name: str, content: bytes) -> Iterator[Needle]:
    """What to look for of a sealed set (an .npz with `inputs`)."""
    inputs = hostile.arrays(name, content, 2**33).get("inputs")
    if inputs is None or inputs.dtype.kind not in "biuf" or not len(inputs):
        return
    for number in range(0, len(inputs), max(1, len(inputs) // ROWS)):
        row = np.ravel(inputs[number])
        for encoded in {*_encodings(row)}:
            if len(encoded) >= LEAST and len(zlib.compress(encoded)) >= LEAST:
                yield Needle((name, number), encoded, _rarest(encoded))


def _encodings(row: NDArray[np.generic]) -> Iterator[bytes]:
    """A row as stored, as other types, and as text."""
    values = row.astype(np.float64)
    yield from (row.tobytes(), values.tobytes(), values.astype("<f4").tobytes())
    for scale in SCALES if row.dtype.kind == "f" else (1,):
        scaled = values * scale
        whole = np.round(scaled)
        if np.abs(whole - scaled).max() > 1e-4 * scale:
            continue
        yield from (whole.astype(kind).tobytes() for kind in ("<f4", "<f8", "<i4", "<i8"))
        if whole.min() >= 0 and whole.max() < 256:
            yield whole.astype(np.uint8).tobytes()
        numbers = [str(int(value)) for value in whole]
        yield from (between.join(numbers).encode() for between in (",", ", ", " "))
        yield ",".join(f"{number}.0" for number in numbers).encode()


def _rarest(content: bytes) -> int:
    """Where the eight bytes with the most different values begin."""
    return max(range(0, len(content) - 7, 8), key=lambda at: len(set(content[at : at + 8])))


def look(places: Mapping[str, Path], sealed: Mapping[str, bytes], masks: Iterable[str] = ()) -> tuple[str, ...]:
    """`PLACE: holds N of the M rows looked for of SET`, for each file that does. What was found in a place is kept
    while neither it nor the sealed sets change."""
    sets = [f"{name} {sha256(content)}" for name, content in sorted(sealed.items())]
    wanted = functools.cache(lambda: [needle for name in sealed for needle in needles(name, sealed[name])])
    found: list[str] = []
    for shown, place in {path.resolve(): (shown, path) for shown, path in places.items()}.values():
        files = sorted(_files(shown, place, tuple(masks)))
        listing = [_mark(name, path) for name, path in files] if place.is_dir() else [shown, sha256(place.read_bytes())]
        known = cache.folder("exposed") / f"{sha256(chr(0).join([VERSION, *sets, *listing]).encode())}.json"
        if not known.exists():
            part = known.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps(_look(files, wanted())))
            part.replace(known)
        found += [str(line) for line in json.loads(known.read_text())]
    return tuple(found)


def _mark(name: str, path: Path) -> str:
    status = path.stat()
    return f"{name} {status.st_size} {status.st_mtime_ns}"


def _look(files: Iterable[tuple[str, Path]], wanted: Sequence[Needle]) -> list[str]:
    known, said = Needles(wanted), []
    rows = {needle.row for needle in wanted}
    for shown, path in files:
        here = _rows(known, _content(path))
        for name in sorted({name for name, _ in here}):
            held, asked = (sum(row[0] == name for row in some) for some in (here, rows))
            said.append(f"{shown}: holds {held} of the {asked} rows looked for of {name}")
    return said


def _content(path: Path) -> bytes:
    """A file's bytes; nothing of machine code, and of what is too large."""
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith(MACHINE_CODE) or path.stat().st_size > LARGEST:
            return b""
        return start + file.read()


def _rows(known: Needles, content: bytes, depth: int = 0) -> set[tuple[str, int]]:
    rows = known.found(content)
    if depth < DEEPEST:
        for inner in _unpacked(content):
            rows |= _rows(known, inner, depth + 1)
    return rows


def _unpacked(content: bytes) -> Iterator[bytes]:
    """What is inside of an archive; nothing for what is none, or is broken."""
    try:
        if content.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(BytesIO(content)) as archive:
                for member in archive.infolist():
                    if member.file_size <= LARGEST:
                        yield archive.read(member)
        elif content.startswith(b"\x1f\x8b"):
            yield zlib.decompressobj(wbits=31).decompress(content, LARGEST)
        elif content.startswith(b"BZh"):
            yield bz2.BZ2Decompressor().decompress(content, LARGEST)
        elif content.startswith(b"\xfd7zXZ"):
            yield lzma.LZMADecompressor().decompress(content, LARGEST)
    except BROKEN:
        return


def _files(shown: str, place: Path, masks: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Every regular file below a place, by a name to show; compiled Python is left out beside its source."""
    if place.is_file():
        yield shown, place
    for folder, names, files in os.walk(place):
        names[:] = [name for name in names if name != "__pycache__" and f"{folder}/{name}" not in masks]
        for name in files:
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                yield f"{shown}/{path.relative_to(place)}", path
