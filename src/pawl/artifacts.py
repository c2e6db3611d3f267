"""Files by digest: what runs wrote, kept once each under the sha256 of their content."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pawl import durable
from pawl.envelope import sha256
from pawl.errors import IntegrityError, PawlError
from pawl.records import Artifact


@dataclass(frozen=True, slots=True)
class ArtifactStore:
    """Content-addressed files in `folder`, two levels deep."""

    folder: Path

    def put(self, name: str, content: bytes) -> Artifact:
        """Keep some bytes; durable on return, so that a ledger entry never names bytes that a power cut took.
        Raises PawlError if the disk does not take them."""
        digest = sha256(content)
        path = self._path(digest)
        with self._translated(name):
            if not path.exists():
                self._write(path, content)
            # also where the file was there: whoever wrote it may not have come this far
            durable.sync((path.parent, self.folder, self.folder.parent))
        return Artifact(name=name, digest=digest, size=len(content))

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise

    def lay_out(self, artifacts: Iterable[Artifact], folder: Path) -> None:
        """Write artifacts as files into a new folder, for whoever serves them: it is there whole, or not at all.
        Raises PawlError if the disk does not take them, IntegrityError if a digest's bytes are gone or changed."""
        growing = folder.with_name(f".{folder.name}")
        with self._translated(folder.name):
            shutil.rmtree(growing, ignore_errors=True)  # left behind by a process that died
            growing.mkdir(parents=True)
            for artifact in artifacts:
                path = growing / artifact.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.get(artifact.digest))
            durable.sync((*growing.rglob("*"), growing))
            growing.rename(folder)
            durable.sync((folder.parent, folder.parent.parent))

    def laid_out(self, artifacts: Iterable[Artifact], folder: Path) -> None:
        """Raises IntegrityError if a folder that `lay_out` wrote holds anything but these artifacts; one that is gone
        harms nobody."""
        if not folder.exists():
            return
        there = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}
        wanted = {artifact.name: artifact.digest for artifact in artifacts}
        for name in sorted(there.keys() | wanted.keys()):
            path = there.get(name)
            plain = path is not None and path.is_file() and not path.is_symlink()
            if path is None or not plain or sha256(path.read_bytes()) != wanted.get(name):
                raise IntegrityError(
                    f"{folder / name} is not what was released", f"rm -r {folder}   (pawl ledger verify writes it anew)"
                )

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PawlError(
                f"artifact {name!r} cannot be written below {self.folder.parent}: {error.strerror}",
                "free some disk space or make the disk writable, then type the command again: nothing is lost",
            ) from error

    def get(self, digest: str) -> bytes:
        """The bytes of a digest. Raises IntegrityError if they are gone or changed."""
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise IntegrityError(f"artifact {digest[:12]} cannot be read: {error}", "pawl ledger verify") from error
        if sha256(content) != digest:
            raise IntegrityError(f"artifact {digest[:12]} is not what was written ({path})", "pawl ledger verify")
        return content

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]
