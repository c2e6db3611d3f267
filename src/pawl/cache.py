"""Where Pawl keeps what can be made again: environments, downloaded sources, staged training data.

Sandboxes start from an unprivileged user, who must be able to read these; so root's cache is not under /root.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

SANDBOX_USER = 65534
"""The user that sandboxes start from when Pawl runs as root ("nobody")."""


def folder(name: str) -> Path:
    """A folder of the cache, made if missing: under $PAWL_CACHE, else /var/cache/pawl (root), else ~/.cache/pawl."""
    default = Path("/var/cache/pawl") if os.geteuid() == 0 else Path.home() / ".cache" / "pawl"
    path = Path(os.environ.get("PAWL_CACHE") or default) / name
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)  # whatever the umask is
    return path


def private(name: str) -> Path:
    """A folder of the cache that only its owner and the sandboxes' user may enter."""
    path = folder(name)
    if os.geteuid() == 0:
        os.chown(path, 0, SANDBOX_USER)
        path.chmod(0o710)
    else:
        path.chmod(0o700)
    return path


def stage(source: Path) -> tuple[Path, str]:
    """A private, unchanging copy of a training file and its sha256: the original may be edited while runs go on."""
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    copy = private("data") / digest
    if not copy.exists():
        with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as target, source.open("rb") as file:
            shutil.copyfileobj(file, target)
        os.chmod(target.name, 0o444)
        os.replace(target.name, copy)
    return copy, digest


def readable(path: Path) -> bool:
    """Whether the user that sandboxes start from may read a path: every folder above it, and itself."""
    if os.geteuid() != 0:
        return os.access(path, os.R_OK | os.X_OK)
    real = path.resolve()
    return all(parent.stat().st_mode & 0o001 for parent in real.parents) and bool(real.stat().st_mode & 0o004)
