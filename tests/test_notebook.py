"""The notebook: the loop's sections are written anew, people's bytes stay, and nothing is ever torn."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl import notebook
from pawl.errors import ConfigError, PawlError

NAMES = ("tried", "helped")
PIECES = st.sampled_from(
    ["<!-- pawl:begin tried -->", "<!-- pawl:end tried -->", "<!-- pawl:begin helped -->", "<!-- pawl:end helped -->"]
) | st.text(alphabet="ab \t\r\u2028<!->`#", max_size=12)
TEXTS = st.lists(PIECES, max_size=12).map("\n".join)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_peoples_text_is_never_touched_whatever_it_holds(text: str, first: str, second: str) -> None:
    after = notebook.merged(text, {"tried": first, "helped": second})
    assert notebook.outside(after).rstrip("\n").startswith(notebook.outside(text).rstrip("\n"))
    added = notebook.outside(after).removeprefix(notebook.outside(text))
    assert set(added) <= {"\n"}, "nothing is added to it but empty lines"


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_written_twice_is_written_once(text: str, first: str, second: str) -> None:
    found = {"tried": first, "helped": second}
    once = notebook.merged(text, found)
    assert notebook.merged(once, found) == once
    assert set(notebook.sections(once)) >= set(NAMES)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80))
def test_bytes_that_are_no_text_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, own: bytes) -> None:
    folder = tmp_path_factory.mktemp("notes")
    (folder / notebook.FILE).write_bytes(own)
    notebook.write(folder, {"tried": "one idea"})
    assert (folder / notebook.FILE).read_bytes().startswith(own)


def test_a_new_notebook_says_whose_is_what(tmp_path: Path) -> None:
    path = notebook.write(tmp_path, {"tried": "nothing yet"})
    assert path.read_text() == f"{notebook.HEADING}\n<!-- pawl:begin tried -->\nnothing yet\n<!-- pawl:end tried -->\n"
    assert [file.name for file in tmp_path.iterdir()] == [notebook.FILE]


def test_people_may_move_sections_and_write_around_them(tmp_path: Path) -> None:
    path = notebook.write(tmp_path, {"tried": "1", "helped": "2"})
    tried, helped = ("<!-- pawl:begin {0} -->\n{1}\n<!-- pawl:end {0} -->\n".format(*pair) for pair in (
        ("tried", "1"), ("helped", "2"),
    ))  # fmt: skip
    path.write_text(f"# Mine\n{helped}why?\n{tried}the end")
    path.chmod(0o600)
    notebook.write(tmp_path, {"tried": "3", "helped": "4"})
    assert path.read_text() == f"# Mine\n{helped.replace('2', '4')}why?\n{tried.replace('1', '3')}the end\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_lost_marker_makes_the_section_peoples(tmp_path: Path) -> None:
    path = notebook.write(tmp_path, {"tried": "old"})
    torn = path.read_text().replace("<!-- pawl:end tried -->\n", "my own words\n")
    path.write_text(torn)
    notebook.write(tmp_path, {"tried": "new"})
    assert path.read_text().startswith(torn)
    assert notebook.sections(path.read_text()) == {"tried": "new\n"}


def test_what_people_save_meanwhile_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, grow, saved = tmp_path / notebook.FILE, notebook._grow, iter(["saved by an editor\n"])

    def slow(*given: object) -> None:
        grow(*given)  # type: ignore[arg-type]
        path.write_text(next(saved, path.read_text() if path.exists() else ""))

    monkeypatch.setattr(notebook, "_grow", slow)
    notebook.write(tmp_path, {"tried": "1"})
    assert path.read_text().startswith("saved by an editor\n")
    assert notebook.sections(path.read_text()) == {"tried": "1\n"}


def test_a_crash_in_the_middle_leaves_the_last_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = notebook.write(tmp_path, {"tried": "1"})
    before = path.read_bytes()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", dies)
        with pytest.raises(KeyboardInterrupt):
            notebook.write(tmp_path, {"tried": "2"})
    assert path.read_bytes() == before
    notebook.write(tmp_path, {"tried": "2"})
    assert [file.name for file in tmp_path.iterdir()] == [notebook.FILE]


def test_a_link_is_refused_and_what_it_points_at_is_not_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a key")
    for name in (notebook.FILE, notebook.DIRECTION):
        (tmp_path / name).symlink_to(secret)
    with pytest.raises(ConfigError, match="is a link"):
        notebook.direction(tmp_path)
    with pytest.raises(ConfigError, match="is a link"):
        notebook.notes(tmp_path)
    with pytest.raises(ConfigError, match="is a link"):
        notebook.write(tmp_path, {"tried": "1"})
    assert secret.read_text() == "a key"


def test_a_pipe_or_a_folder_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / notebook.DIRECTION)
    (tmp_path / notebook.FILE).mkdir()
    for read in (notebook.direction, notebook.notes):
        with pytest.raises(ConfigError, match="is not a plain file"):
            read(tmp_path)


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(notebook, "_grow", full)
    with pytest.raises(PawlError, match="No space left") as caught:
        notebook.write(tmp_path, {"tried": "1"})
    assert "notebook = false" in caught.value.hint


def test_readers_get_peoples_words_first_bounded_and_printable(tmp_path: Path) -> None:
    assert notebook.direction(tmp_path) == notebook.notes(tmp_path) == ""
    path = notebook.write(tmp_path, {"tried": "x" * 50})
    path.write_text(path.read_text() + "try \x1b[2Jwarm-up\n")
    (tmp_path / notebook.DIRECTION).write_text("go \x07left\n" * 9999)
    said = notebook.notes(tmp_path)
    assert said.index("warm-up") < said.index("xxx")
    assert "\x1b" not in said
    assert len(notebook.direction(tmp_path)) == notebook.TOLD
    assert "\x07" not in notebook.direction(tmp_path)
    assert notebook.notes(tmp_path, 10).endswith("...")
