"""A lease as a locked file: held by one process of one machine, and freed by the kernel when that process dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pawl.errors import PawlError
from pawl.stores.leases import taken, whoever


@dataclass(frozen=True, eq=False)
class FileLease:
    """A lock on the file at `path`, which somebody may have deleted or replaced since."""

    path: Path
    file: IO[str]

    def held(self) -> bool:
        """Whether whoever wants this lease next would find it taken."""
        try:
            return not self.file.closed and os.path.samestat(os.stat(self.path), os.fstat(self.file.fileno()))
        except OSError:
            return False


@contextmanager
def file_lease(path: Path, name: str, place: Path, wait: bool) -> Iterator[FileLease]:
    """Hold the lock on `path`, for the `name` of the ledger at `place`. Raises ConfigError if somebody else does and
    `wait` is false, PawlError if the file cannot be written."""
    while True:
        try:
            file = path.open("a+")
        except OSError as error:
            raise PawlError(f"{path} cannot be opened: {error.strerror}", f"ls -ld {path.parent}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise taken(name, place, path.read_text()) from None
            lease = FileLease(path, file)
            if lease.held():  # else it was deleted while we waited, and guards nothing
                file.truncate(0)
                file.write(whoever())
                file.flush()
                yield lease
                return
