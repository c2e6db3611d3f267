"""Disks that are full, or cannot be written any more: a clear error with a way out, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kills import begin, ended, until
from recording import marks_in
from survival import nothing_was_repeated, survives

from pawl import app
from pawl.errors import PawlError

Make = Callable[..., app.OpenStudy]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk of its own")


def sh(*command: str) -> str:
    """What a command says; it must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def pawl(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A `pawl` command in a process of its own."""
    argv = [sys.executable, "-m", "pawl", *command, "-C", str(folder)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


class Mounted:
    """A small ext4 disk in a file, mounted as a study's .pawl."""

    def __init__(self, image: Path, place: Path) -> None:
        self.image, self.place = image, place

    def mount(self) -> None:
        sh("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.place))

    def name(self) -> str:
        return Path(sh("findmnt", "-no", "SOURCE", str(self.place))).name

    def fail(self) -> None:
        """What the kernel does when the disk gives a wrong answer: it makes the file system read-only at once."""
        Path(f"/sys/fs/ext4/{self.name()}/trigger_fs_error").write_text("a test")

    def mend(self) -> None:
        sh("umount", str(self.place))
        subprocess.run(["e2fsck", "-fy", str(self.image)], capture_output=True, check=False)
        self.mount()


@pytest.fixture
def mounted(make_toy: Make, tmp_path: Path) -> Iterator[tuple[Path, Mounted]]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk of its own")
    folder = make_toy().folder
    disk = Mounted(tmp_path / "image", folder / ".pawl")
    (folder / ".pawl" / "ledger.sqlite").unlink()
    try:
        sh("truncate", "-s", "64M", str(disk.image))
        sh("mkfs.ext4", "-q", str(disk.image))
        disk.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this machine mounts no disk in a file: {error}")
    try:
        yield folder, disk
    finally:
        subprocess.run(["umount", "-l", str(disk.place)], check=False)


@pytest.mark.slow
@ROOT
def test_a_full_disk_is_a_clear_error_and_loses_nothing(toy_study: app.OpenStudy) -> None:
    state = toy_study.state
    sh("mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(state))
    try:
        study = app.open(toy_study.folder)
        with pytest.raises(PawlError, match=r"disk|space|full") as caught:
            study.run(runs=10_000)
        assert "free some disk space" in caught.value.hint
        written = [entry.digest for entry in study.ledger.all()]
        sh("mount", "-o", "remount,size=64m", str(state))
        again = app.open(toy_study.folder)
        assert [entry.digest for entry in again.ledger.all()][: len(written)] == written
        again.run(runs=10)
        nothing_was_repeated(again)
    finally:
        sh("umount", "-l", str(state))


@pytest.mark.slow
def test_a_disk_that_is_mounted_read_only_is_a_clear_error_and_loses_nothing(mounted: tuple[Path, Mounted]) -> None:
    folder, disk = mounted
    assert pawl(folder, "run", "--runs", "8").returncode == 0
    before = pawl(folder, "ledger", "verify").stdout
    sh("mount", "-o", "remount,ro", str(disk.place))
    for command in (["run", "--runs", "3"], ["status"], ["ledger", "verify"]):
        done = pawl(folder, *command)
        assert done.returncode == 1, done.stdout
        assert "cannot be used" in done.stderr
        assert "make the disk writable" in done.stderr
        assert "Traceback" not in done.stderr
    sh("mount", "-o", "remount,rw", str(disk.place))
    assert pawl(folder, "ledger", "verify").stdout == before
    assert pawl(folder, "run", "--runs", "3").returncode == 0


@pytest.mark.slow
def test_a_disk_that_fails_under_a_running_loop_ends_it_and_loses_nothing(
    mounted: tuple[Path, Mounted], tmp_path: Path
) -> None:
    folder, disk = mounted
    noted = tmp_path / "marks"
    process = begin(folder, noted, "run", "100000")
    until(process, lambda: len(marks_in(noted)) >= 30)
    disk.fail()
    errors = ended(process)
    assert "PawlError" in errors, errors
    assert any(word in errors for word in ("cannot be used", "cannot be written")), errors
    promised = [promise for promise in marks_in(noted) if promise.id]
    assert len(promised) > 25
    assert "Read-only file system" in pawl(folder, "run", "--runs", "3").stderr
    disk.mend()
    digests = [entry.digest for entry in app.open(folder).ledger.all()]
    survives(folder, promised, digests)
    again = app.open(folder)
    again.run(runs=4)
    nothing_was_repeated(again)
