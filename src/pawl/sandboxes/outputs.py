"""What a task hands out: a tar stream written by hostile hands."""

from __future__ import annotations

import io
import tarfile
from pathlib import PurePosixPath

MOST_FILES = 1000
LONGEST_NAME = 200


class OutputsRefused(Exception):
    """The outputs are not plain files with plain names; the text says what is there."""


def unpack(stream: bytes, limit: int) -> dict[str, bytes]:
    """The regular files of a tar stream, by relative path. Raises OutputsRefused for anything else in it."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(stream), mode="r:") as tar:
            for member in tar:
                if member.isdir():
                    continue
                _check(member)
                if len(files) >= MOST_FILES:
                    raise OutputsRefused(f"it wrote more than {MOST_FILES} files")
                content = tar.extractfile(member)
                files[member.name] = content.read(limit + 1) if content else b""
                if sum(map(len, files.values())) > limit:
                    raise OutputsRefused(f"it wrote more than {limit / 2**20:g} MiB")
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise OutputsRefused(f"its outputs cannot be read: {error}") from error
    return files


def _check(member: tarfile.TarInfo) -> None:
    name = PurePosixPath(member.name)
    shown = ascii(member.name)[:80]
    if not member.isreg() or member.issparse():
        raise OutputsRefused(f"it wrote {shown}, which is a link or a device and not a regular file")
    if name.is_absolute() or ".." in name.parts:
        raise OutputsRefused(f"it wrote {shown}, a path that leads out of its folder")
    if not member.name.isprintable() or len(member.name) > LONGEST_NAME:
        raise OutputsRefused(f"it wrote a file with an unusable name, {shown}")
