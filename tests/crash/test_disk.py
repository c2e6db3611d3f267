"""The simulated disk forgets what a real one may forget, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from disk import SECTOR, Disk, materialise
from journal import Call

TIMES = 200


class Writer:
    """Makes calls on a disk as a program would."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk(folder)

    def __call__(self, name: str, path: str = "", other: str = "", content: bytes = b"", offset: int = -1) -> None:
        flags = "O_CREAT|O_WRONLY" if name == "open" else ""
        self.disk.take(Call(name, self.disk.taken, path, other, content, offset, flags))

    def outcomes(self, path: str) -> set[bytes | None]:
        """What may stand in a file after a power cut now; None: there is no such file."""
        chance = random.Random(3)
        return {self.disk.after_a_power_cut(chance).get(path) for _ in range(TIMES)}


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    (tmp_path / "old").write_bytes(b"before")
    return Writer(tmp_path)


def test_nothing_of_what_was_there_before_changes(write: Writer) -> None:
    write("open", "new")
    assert write.outcomes("old") == {b"before"}


def test_a_write_that_was_not_synced_may_be_there_lost_or_torn(write: Writer) -> None:
    write("write", "old", content=b"AFTER!", offset=0)
    found = write.outcomes("old")
    assert {b"before", b"AFTER!"} < found
    assert all(a in (x, y) for text in found for a, x, y in zip(text or b"", b"before", b"AFTER!", strict=True))


def test_a_synced_write_is_there(write: Writer) -> None:
    write("write", "old", content=b"AFTER!", offset=0)
    write("fsync", "old")
    assert write.outcomes("old") == {b"AFTER!"}


def test_a_sync_holds_only_for_what_was_written_before_it_began(write: Writer) -> None:
    write("write", "old", content=b"A", offset=0)
    began = write.disk.taken
    write("write", "old", content=b"B", offset=1)
    write.disk.take(Call("fsync", began, "old"))
    assert {text[:1] for text in write.outcomes("old") if text} == {b"A"}
    assert {text[1:2] for text in write.outcomes("old") if text} == {b"e", b"B"}


def test_a_file_needs_its_folder_synced_to_keep_its_name(write: Writer) -> None:
    write("open", "new")
    write("write", "new", content=b"x")
    write("fsync", "new")
    assert write.outcomes("new") == {None, b"x"}
    write("fsync", "")
    assert write.outcomes("new") == {b"x"}


def test_a_new_file_that_was_not_synced_may_be_empty_zero_or_garbage(write: Writer) -> None:
    write("open", "new")
    write("write", "new", content=b"content")
    write("fsync", "")
    found = write.outcomes("new")
    assert {b"", b"content", bytes(7)} < found
    assert None not in found
    assert any(text and set(text) - set(b"content\0") for text in found)


def test_a_renaming_is_atomic(write: Writer) -> None:
    write("open", "new")
    write("write", "new", content=b"x")
    write("fsync", "new")
    write("fsync", "")
    write("rename", "new", "old")
    chance = random.Random(3)
    found = [write.disk.after_a_power_cut(chance) for _ in range(TIMES)]
    assert {(files.get("new"), files.get("old")) for files in found} == {(b"x", b"before"), (None, b"x")}


def test_a_removal_may_come_undone_until_the_folder_is_synced(write: Writer) -> None:
    write("unlink", "old")
    assert write.outcomes("old") == {None, b"before"}
    write("fsync", "")
    assert write.outcomes("old") == {None}


def test_a_folder_is_lost_with_all_that_was_synced_in_it(write: Writer) -> None:
    write("mkdir", "a")
    write("open", "a/b")
    write("fsync", "a/b")
    write("fsync", "a")
    assert write.outcomes("a/b") == {None, b""}


def test_long_writes_are_torn_between_sectors_too(write: Writer) -> None:
    write("write", "old", content=b"x" * 4 * SECTOR, offset=0)
    write("fsync", "old")
    write("write", "old", content=b"y" * 4 * SECTOR, offset=0)
    shapes = {bytes(text[n * SECTOR] for n in range(4)) for text in write.outcomes("old") if text}
    assert b"yxyx" in shapes
    assert b"xyxy" in shapes


def test_what_is_left_is_written_out_as_it_is(write: Writer, tmp_path: Path) -> None:
    write("mkdir", "empty")
    write("open", "new")
    write("sync")
    place = tmp_path / "place"
    place.mkdir()
    materialise(write.disk.after_a_power_cut(random.Random(1)), place)
    assert sorted(path.name for path in place.iterdir()) == ["empty", "new", "old"]
    assert (place / "old").read_bytes() == b"before"
