"""Only pinned bytes are used, and only the texts inside them; nothing is unpacked."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from pawl.errors import ConfigError, IntegrityError
from pawl.labs import sources
from pawl.labs.sources import Source


def make_archive(path: Path, files: dict[str, bytes]) -> Source:
    """A gzipped tar of the files; the source that pins it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return Source("plays", "1.0", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAWL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sources"


def stub_pip(monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str = "") -> list[list[str]]:
    """Let `pip download` write the content (or fail with the message); returns the commands it was given."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if content is None:
            return subprocess.CompletedProcess(command, 1, "", message)
        Path(command[command.index("--dest") + 1], "plays-1.0.tar.gz").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_a_cached_archive_needs_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_archive(cache / "plays-1.0.tar.gz", {"plays-1.0/a.txt": b"x"})
    commands = stub_pip(monkeypatch, None)
    assert sources.fetch(source) == cache / source.filename
    assert commands == []


def test_a_cached_archive_with_other_bytes_is_refused(cache: Path) -> None:
    source = make_archive(cache / "plays-1.0.tar.gz", {"plays-1.0/a.txt": b"x"})
    (cache / source.filename).write_bytes(b"something else")
    with pytest.raises(IntegrityError, match="sha256") as caught:
        sources.fetch(source)
    assert caught.value.hint == f"rm {cache / source.filename}"


def test_a_download_with_other_bytes_is_refused_and_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub_pip(monkeypatch, b"something else")
    with pytest.raises(IntegrityError, match="sha256"):
        sources.fetch(Source("plays", "1.0", "0" * 64))
    assert list(cache.iterdir()) == []


def test_a_download_is_checked_by_pip_too_and_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"archive"
    commands = stub_pip(monkeypatch, content)
    path = sources.fetch(Source("plays", "1.0", hashlib.sha256(content).hexdigest()))
    assert path.read_bytes() == content
    assert {"--require-hashes", "--no-deps", "--no-binary"} <= set(commands[0])


def test_a_failing_pip_is_an_error_with_a_way_out(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub_pip(monkeypatch, None, "WARNING: retrying\nERROR: no route to host")
    with pytest.raises(ConfigError, match=r"plays 1\.0: ERROR: no route to host") as caught:
        sources.fetch(Source("plays", "1.0", "0" * 64))
    assert str(cache) in caught.value.hint


def test_only_the_texts_of_one_folder_are_read(tmp_path: Path) -> None:
    files = {"p/texts/a.txt": b"A", "p/texts/deep/b.txt": b"B", "p/c.txt": b"C", "p/texts/d.py": b"D"}
    make_archive(tmp_path / "p.tar.gz", files)
    assert sources.read_texts(tmp_path / "p.tar.gz", "p/texts") == {"a": b"A"}


def test_a_file_too_large_for_a_text_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LARGEST_MEMBER", 3)
    make_archive(tmp_path / "p.tar.gz", {"p/a.txt": b"1234", "p/b.txt": b"123"})
    assert sources.read_texts(tmp_path / "p.tar.gz", "p") == {"b": b"123"}


def test_the_cache_is_where_it_is_told_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAWL_CACHE", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert sources.cache_folder() == Path("/var/cache/pawl")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert sources.cache_folder() == Path("/home/somebody/.cache/pawl")
