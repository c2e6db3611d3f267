"""Reading bytes that untrusted code wrote: arrays, weights, text. Never pickle, never more than was agreed."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]
ACCEPTED = (".npz", ".npy", ".safetensors", ".json", ".txt", ".csv", ".tsv")
MOST_ARRAYS = 10_000
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff"
    r"\U000e0000-\U000e007f]"
)
RULE = re.compile(r"^---\s*$", re.MULTILINE)
TRAILER = re.compile(r"^\s*([A-Za-z_][\w./-]{0,63})\s*:\s*([-+0-9.eE]+|nan|inf|-inf)\s*$")


class Refused(Exception):
    """The bytes are not what they must be; the text says why."""


def printable(text: str) -> str:
    """Text without what moves a terminal's cursor, rings its bell, or hides letters from a reader."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Printable text on one line: a stranger's words cannot add lines of their own to what a person signs."""
    return " ".join(printable(text).split())


def check(name: str, content: bytes, limit: int) -> None:
    """Raise Refused unless a file parses as what its name says, holds finite numbers, and no code."""
    suffix = PurePosixPath(name).suffix
    if suffix in (".npz", ".npy", ".safetensors"):
        for key, array in arrays(name, content, limit).items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise Refused(f"{name}: {key} holds NaN or infinity")
    elif suffix == ".json":
        try:
            json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Refused(f"{name} is not JSON: {error}") from error
    elif suffix not in ACCEPTED:
        raise Refused(f"{name} is of a kind that is not accepted ({', '.join(ACCEPTED)}); a pickle can run code")


def check_all(files: Mapping[str, bytes], limit: int) -> None:
    """`check` every file of a run."""
    for name, content in files.items():
        check(name, content, limit)


def arrays(name: str, content: bytes, limit: int) -> Arrays:
    """The arrays in an .npz, .npy or .safetensors file, at most `limit` bytes of them. Raises Refused."""
    try:
        if name.endswith(".safetensors"):
            return dict(safetensors.numpy.load(content))
        if name.endswith(".npz"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members = archive.infolist()
                if len(members) > MOST_ARRAYS or sum(member.file_size for member in members) > limit:
                    raise Refused(f"{name} unpacks to more than {limit / 2**20:g} MiB")
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        return {key: loaded[key] for key in loaded.files} if name.endswith(".npz") else {"array": loaded}
    except Refused:
        raise
    except Exception as error:  # parsers of hostile bytes raise nearly anything
        raise Refused(f"{name} cannot be read: {printable(str(error))[:200]}") from error


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
