"""Reading bytes that untrusted code wrote: arrays, weights, text. Never pickle, never more than was agreed."""

from __future__ import annotations

import io
import json
import re
import threading
import unicodedata
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]
ACCEPTED = (".npz", ".npy", ".safetensors", ".json", ".txt", ".csv", ".tsv")
ARRAYS = (".npz", ".npy", ".safetensors")
PLAIN = "biufcUS"
"""Kinds of numpy types that files may hold: booleans, numbers, text; no objects, no records."""
MOST_ARRAYS = 10_000
PARSER = threading.Lock()
"""Held by whoever has Python parse into a syntax tree, as numpy does with a header: Python 3.11 counts the depth of the
tree for all threads together, and fails when two count at once."""
RULE = re.compile(r"^---\s*$", re.MULTILINE)
TRAILER = re.compile(r"^\s*([A-Za-z_][\w./-]{0,63})\s*:\s*([-+0-9.eE]+|nan|inf|-inf)\s*$")


class Refused(Exception):
    """The bytes are not what they must be; the text says why."""


def printable(text: str) -> str:
    """Text without what moves a terminal's cursor, rings its bell, or hides letters from a reader: everything that
    Unicode does not count as printable, but for spaces, tabs and line ends."""
    text = text.replace("\r\n", "\n")
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return "".join(sign if _visible(sign) else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _visible(sign: str) -> bool:
    return sign in "\n\t" or sign.isprintable() or unicodedata.category(sign) == "Zs"


def one_line(text: str) -> str:
    """Printable text on one line: a stranger's words cannot add lines of their own to what a person signs."""
    return " ".join(printable(text).split())


def check(name: str, content: bytes, limit: int) -> None:
    """Raise Refused unless a file parses as what its name says, holds finite numbers, and no code."""
    suffix, shown = PurePosixPath(name).suffix, one_line(name)
    if suffix in ARRAYS:
        for key, array in arrays(name, content, limit).items():
            if array.dtype.kind not in PLAIN:
                raise Refused(f"{shown}: {one_line(key)} is of type {array.dtype}, which is not plain numbers or text")
            if array.dtype.kind in "fc" and not np.isfinite(array).all():
                raise Refused(f"{shown}: {one_line(key)} holds NaN or infinity")
    elif suffix == ".json":
        try:
            json.loads(content, parse_constant=_finite, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise Refused(f"{shown} is not JSON: {one_line(str(error))}") from error
    elif suffix not in ACCEPTED:
        raise Refused(f"{shown} is of a kind that is not accepted ({', '.join(ACCEPTED)}); a pickle can run code")


def _finite(text: str) -> float:
    number = float(text)
    if not np.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def check_all(files: Mapping[str, bytes], limit: int) -> None:
    """`check` every file of a run."""
    for name, content in files.items():
        check(name, content, limit)


def arrays(name: str, content: bytes, limit: int) -> Arrays:
    """The arrays in an .npz, .npy or .safetensors file, at most `limit` bytes of them. Raises Refused."""
    shown = one_line(name)
    if len(content) > limit and not name.endswith(".npz"):  # whose members are counted unpacked
        raise Refused(f"{shown} holds more than {limit / 2**20:g} MiB")
    try:
        with PARSER:
            found = _parsed(name, content, limit)
    except Refused:
        raise
    except Exception as error:  # parsers of hostile bytes raise nearly anything
        raise Refused(f"{shown} cannot be read: {one_line(str(error))[:200]}") from error
    if not all(isinstance(array, np.ndarray) for array in found.values()):
        raise Refused(f"{shown} holds something other than arrays")
    return found


def _parsed(name: str, content: bytes, limit: int) -> Arrays:
    if name.endswith(".safetensors"):
        return dict(safetensors.numpy.load(content))
    if name.endswith(".npy"):
        return {"array": np.load(io.BytesIO(content), allow_pickle=False)}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
    if len(members) > MOST_ARRAYS or sum(member.file_size for member in members) > limit:
        raise Refused(f"{one_line(name)} unpacks to more than {limit / 2**20:g} MiB")
    loaded = np.load(io.BytesIO(content), allow_pickle=False)
    return {key: loaded[key] for key in loaded.files}


def summary(log: str) -> dict[str, float]:
    """What a program says of itself: the finite `name: value` lines after its last `---` line."""
    _, *parts = RULE.split(log)
    matches = [match for line in (parts[-1] if parts else "").splitlines() if (match := TRAILER.match(line))]
    found = {match[1]: float(match[2]) for match in matches if _number(match[2])}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
