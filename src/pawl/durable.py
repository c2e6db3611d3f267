"""What survives a power cut: bytes by an fsync of the file, a name by an fsync of the folder that holds it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def sync(paths: Iterable[Path]) -> None:
    """Files and folders that are on the disk when this returns. Raises OSError if the disk does not take them."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make(folder: Path) -> None:
    """A private folder whose name, and the names of all that were missing above it, are on the disk on return."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    sync(path.parent for path in missing)
