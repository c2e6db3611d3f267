"""Files by digest: what runs wrote, kept once each under the sha256 of their content."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

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
        try:
            if not path.exists():
                self._write(path, content)
        except OSError as error:
            raise PawlError(
                f"artifact {name!r} cannot be written below {self.folder}: {error.strerror}",
                "free some disk space, then type the command again: nothing is lost",
            ) from error
        return Artifact(name=name, digest=digest, size=len(content))

    def _write(self, path: Path, content: bytes) -> None:
        fresh = not path.parent.exists()
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
        for folder in (path.parent, self.folder)[: 1 + fresh]:  # the names too have to survive
            _sync(folder)

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


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
