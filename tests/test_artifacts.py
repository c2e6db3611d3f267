"""Files by digest: the same bytes once, other bytes never."""

from __future__ import annotations

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pawl.artifacts import ArtifactStore
from pawl.errors import IntegrityError
from pawl.records import Artifact


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def files(store: ArtifactStore) -> list[Path]:
    return [path for path in store.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("content", [b"", b"\0\n\r\n", bytes(range(256)) * 4096], ids=["empty", "NUL", "1-MiB"])
def test_bytes_come_back_by_their_sha256(store: ArtifactStore, content: bytes) -> None:
    artifact = store.put("weights.npz", content)
    assert artifact == Artifact(name="weights.npz", digest=hashlib.sha256(content).hexdigest(), size=len(content))
    assert store.get(artifact.digest) == content
    assert ArtifactStore(store.folder).get(artifact.digest) == content


def test_the_same_bytes_are_kept_once_whatever_they_are_called(store: ArtifactStore) -> None:
    one, other = store.put("a.txt", b"same"), store.put("../b.txt", b"same")
    assert one.digest == other.digest
    assert [path.read_bytes() for path in files(store)] == [b"same"]


@pytest.mark.parametrize("damage", [b"", b"sane", b"same\n"])
def test_changed_bytes_are_noticed_when_they_are_read(store: ArtifactStore, damage: bytes) -> None:
    artifact = store.put("a.txt", b"same")
    files(store)[0].write_bytes(damage)
    with pytest.raises(IntegrityError, match=f"{artifact.digest[:12]} is not what was written"):
        store.get(artifact.digest)


@pytest.mark.parametrize("digest", ["0" * 64, "", "..", "../../etc/passwd", "ab/../../x"])
def test_what_is_not_there_is_an_integrity_error(store: ArtifactStore, digest: str) -> None:
    store.put("a.txt", b"same")
    with pytest.raises(IntegrityError) as caught:
        store.get(digest)
    assert caught.value.hint == "pawl ledger verify"


def test_threads_that_keep_the_same_bytes_leave_one_file(store: ArtifactStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(lambda n: store.put(f"{n}", b"x" * 1000), range(16)))
    assert len({artifact.digest for artifact in kept}) == 1
    assert len(files(store)) == 1


def synced(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What `put` syncs to disk, in order: True for a folder, False for a file."""
    seen: list[bool] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        seen.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store.put("a.txt", b"content")
    return seen


def test_the_bytes_are_on_disk_before_put_returns(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert synced(store, monkeypatch)[0] is False


def test_the_name_is_on_disk_before_put_returns(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert True in synced(store, monkeypatch)


def test_others_may_not_read_artifacts(store: ArtifactStore) -> None:
    store.put("a.txt", b"content")
    assert all(path.stat().st_mode & 0o077 == 0 for path in (*files(store), files(store)[0].parent))
