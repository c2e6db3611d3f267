"""A stream of files written by hostile hands gives plain files with plain names, or it is refused."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.sandboxes import inside
from pawl.sandboxes.outputs import LONGEST_NAME, MOST_FILES, OutputsRefused, unpack

MIB = 2**20


def member(kind: bytes, name: bytes, content: bytes = b"") -> bytes:
    return b"%s %d %d\n%s%s" % (kind, len(content), len(name), name, content)


def file(name: str, content: bytes = b"x") -> bytes:
    return member(b"file", name.encode(), content)


END = member(b"cpu", b"", b"1.5")


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """Fail a test that hangs."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"it was not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def refused(stream: bytes, limit: int = MIB) -> str:
    with no_longer_than(2), pytest.raises(OutputsRefused) as caught:
        unpack(stream, limit)
    message = str(caught.value)
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 200
    return message


def sent(folder: Path) -> bytes:
    """What the supervisor inside a sandbox would send of a folder."""
    with tempfile.TemporaryFile() as channel:
        inside.hand_out(channel.fileno(), str(folder), b"")
        inside.send(channel.fileno(), "cpu", b"", b"0.25")
        channel.seek(0)
        return channel.read()


FILES = {"weights.npz": b"\0\xff\nfile 1 1\n" * 70, "deep/er/log.txt": b"", "größe ✓.csv": b"a,b\r\n"}


def test_plain_files_come_out_as_the_supervisor_found_them(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "empty folder").mkdir()
    assert unpack(sent(tmp_path), MIB) == (FILES, 0.25)


def test_the_supervisor_runs_nowhere_but_in_a_sandbox() -> None:
    """It ends every process that it can see. The program named here does not exist, so that even without the guard
    nothing would be run; the guard is asked for before anything else is read."""
    source = Path(inside.__file__).read_text()
    guarded = source.index("if os.getpid() != 1:")
    assert guarded < source.index("sys.argv[") < source.index("os.kill(-1")
    assert os.getpid() != 1
    assert inside.main() == 2


def test_nothing_written_is_nothing(tmp_path: Path) -> None:
    assert unpack(sent(tmp_path), MIB) == ({}, 0.25)


@pytest.mark.parametrize("kind", ["symlink", "symlink-to-folder", "dangling", "hardlink", "fifo", "device"])
def test_what_is_not_a_regular_file_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    odd, out = tmp_path / "out" / "odd", tmp_path / "out"
    out.mkdir()
    if kind == "fifo":
        os.mkfifo(odd)
    elif kind == "hardlink":
        (tmp_path / "target").write_text("secret")
        odd.hardlink_to(tmp_path / "target")
    elif kind == "device":
        try:
            os.mknod(odd, 0o600 | 0o020000, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("only root makes devices")
    else:
        odd.symlink_to({"symlink": "/etc/passwd", "symlink-to-folder": "/etc", "dangling": "nowhere"}[kind])
    with no_longer_than(2):
        stream = sent(out)
    assert b"secret" not in stream
    assert b"root:" not in stream
    assert refused(stream) == "it wrote 'odd', which is a link or a device and not a regular file"


@pytest.mark.parametrize("name", ["/etc/passwd", "..", "../x", "a/../../x", "a/..", "//x"])
def test_a_path_that_leads_out_is_refused(name: str) -> None:
    assert refused(file(name) + END) == f"it wrote {name!r}, a path that leads out of its folder"


@pytest.mark.parametrize(
    "name",
    ["", "a\nb", "a\tb", "a\0b", "\x1b[2J", "a\x7f", "a\u202eb", "a\u200bb", "a\ufeff", "a\u2028", "./a", "a//b", "a/"],
)  # fmt: skip
def test_a_name_that_cannot_be_shown_or_is_not_plain_is_refused(name: str) -> None:
    assert "unusable name" in refused(file(name) + END)


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    assert "unusable name" in refused(member(b"file", b"caf\xe9") + END)


def test_a_file_is_not_the_folder_itself() -> None:
    refused(file(".") + END)


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("a/b/c", "d", "a/b")])
def test_a_file_cannot_be_a_folder_too(names: tuple[str, ...]) -> None:
    refused(b"".join(map(file, names)) + END)


def test_the_longest_name_is_counted_in_bytes() -> None:
    longest = "n" * LONGEST_NAME
    assert unpack(file(longest) + END, MIB) == ({longest: b"x"}, 1.5)
    assert "unusable name" in refused(file(longest + "n") + END)
    assert "unusable name" in refused(file("🙂" * 60) + END)


def test_one_name_is_one_file() -> None:
    assert refused(file("a", b"1") + file("a", b"2") + END) == "it wrote 'a' twice"


def test_as_many_files_as_are_allowed_and_not_one_more() -> None:
    some = b"".join(file(f"{n}", b"") for n in range(MOST_FILES))
    assert len(unpack(some + END, MIB)[0]) == MOST_FILES
    assert refused(some + file("one more") + END) == f"it wrote more than {MOST_FILES} files"


def test_as_many_bytes_as_are_allowed_and_not_one_more() -> None:
    assert unpack(file("a", b"x" * 600) + file("b", b"x" * 400) + END, 1000)[0]["b"] == b"x" * 400
    assert "more than" in refused(file("a", b"x" * 600) + file("b", b"x" * 401) + END, 1000)
    assert refused(file("a", b"x" * (MIB + 1)) + END, MIB) == "it wrote more than 1 MiB"


GARBAGE = {
    "empty": b"",
    "text": b"garbage",
    "lines": b"garbage\n" * 200,
    "ff": b"\xff" * 2048,
    "unknown-kind": member(b"link", b"a") + END,
    "no-numbers": b"file x y\na",
    "one-number": b"file 1\na",
    "negative": b"file -1 1\na",
    "padded": b"file  1 1\nax" + END,
    "plus": b"file +1 1\nax" + END,
    "not-ascii-digits": "file \u0661 1\nax".encode() + END,
    "too-long-a-header": b"file " + b"0" * 60 + b"1 1\nax" + END,
    "a-tar": b"./\0" + b"\0" * 100 + b"0000755\0" + b"\0" * 1024,
    "junk-after": file("a") + END + b"junk",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused(name: str) -> None:
    assert "outputs cannot be read" in refused(GARBAGE[name])


@pytest.mark.parametrize("size", [b"9" * 20, b"9" * 50, b"1000001"])
def test_a_size_beyond_the_end_is_refused(size: bytes) -> None:
    assert refused(b"file %s 1\na" % size + b"x" * 1000) == "its outputs cannot be read: they end in the middle"
    assert refused(b"file 1 %s\na" % size + b"x" * 1000) == "its outputs cannot be read: they end in the middle"


WHOLE = file("a", b"content") + file("b/c", b"more\n") + END


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_stream_cut_off_anywhere_is_refused(length: int) -> None:
    assert unpack(WHOLE, MIB) == ({"a": b"content", "b/c": b"more\n"}, 1.5)
    message = refused(WHOLE[:length])
    assert "outputs cannot be read" in message or "CPU time" in message


@pytest.mark.parametrize(
    ("said", "cpu"), [(b"0", 0.0), (b"12.5", 12.5), (b"nan", 0.0), (b"inf", 0.0), (b"-1", 0.0), (b"1e300", 0.0)]
)
def test_cpu_seconds_that_cannot_be_are_none(said: bytes, cpu: float) -> None:
    assert unpack(member(b"cpu", b"", said), MIB) == ({}, cpu)


@pytest.mark.parametrize("said", [b"", b"many", b"\xff", b"1 2", b"0x1"])
def test_cpu_seconds_that_are_no_number_are_refused(said: bytes) -> None:
    assert refused(member(b"cpu", b"", said)) == "its account of CPU time is not a number"


def plain_or_refused(stream: bytes) -> None:
    with no_longer_than(2):
        try:
            files, cpu = unpack(stream, 4096)
        except OutputsRefused:
            return
    assert all(name.isprintable() and not name.startswith("/") and ".." not in name.split("/") for name in files)
    assert sum(map(len, files.values())) <= 4096
    assert 0 <= cpu < 1e9


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_random_bytes_are_files_or_refused(stream: bytes) -> None:
    plain_or_refused(stream)
    plain_or_refused(stream + END)


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_a_damaged_stream_is_files_or_refused(place: int, junk: bytes) -> None:
    plain_or_refused(WHOLE[:place] + junk + WHOLE[place + len(junk) :])


NUMBER = st.integers(0, 40).map(str) | st.text("0123456789-+_. \x00", max_size=8)


KIND = st.sampled_from(["file", "other", "cpu", "x"])


@given(st.lists(st.tuples(KIND, NUMBER, NUMBER, st.binary(max_size=30)), max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_members_are_files_or_refused(members: list[tuple[str, str, str, bytes]]) -> None:
    plain_or_refused(
        b"".join(f"{kind} {size} {length}\n".encode() + rest for kind, size, length, rest in members) + END
    )
