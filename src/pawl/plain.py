"""Plain files in a folder that may come from a stranger: never by way of a link, never more than was agreed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from pawl.errors import ConfigError


def read(path: Path, whole: bool = False, largest: int = 2**20) -> bytes | None:
    """The bytes of a plain file, None where there is none. A link is refused: a repository may come from a stranger,
    and what it points at would be shown to a language model. Only a beginning is read unless it must be `whole`.

    Raises ConfigError for what is no plain file and, where it must be whole, for one of more than `largest` bytes."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        said = "is a link" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
        raise ConfigError(f"{path} {said}", f"rm {path}   (or make it a plain file)") from error
    there = os.fstat(descriptor)
    if not stat.S_ISREG(there.st_mode):
        os.close(descriptor)
        raise ConfigError(f"{path} is not a plain file", f"mv {path} {path}.old")
    with os.fdopen(descriptor, "rb") as file:
        if whole and there.st_size > largest:
            raise ConfigError(f"{path} holds more than {largest / 2**20:g} MiB", f"mv {path} {path}.old")
        return file.read(largest)


def grow(beside: Path, content: bytes, path: Path) -> None:
    """Write a file that is to replace the one at `path`, next to it and with its mode, and have it on the disk."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    beside.unlink(missing_ok=True)  # left behind by a process that died
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
