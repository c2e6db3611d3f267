"""TOML into tables: each error names the file, the key, and what was perhaps meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from pawl.errors import ConfigError
from pawl.tables import Bytes, PartTable, Seconds, Table, parse, read, seconds, size


class Inner(Table):
    wall: Seconds = 1.0
    memory: Bytes = 1
    class_: str = Field(default="", alias="class")


class Outer(Table):
    name: str
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()
    named: dict[str, Inner] = {}
    part: tuple[PartTable, ...] = ()


def outer(text: str) -> Outer:
    return parse(text.encode(), Path("study/some.toml"), Outer)


@pytest.mark.parametrize(
    ("text", "value"),
    [("90s", 90.0), ("5m", 300.0), ("1.5m", 90.0), ("2h", 7200.0), ("1d", 86400.0), (" 3 s ", 3.0), (7, 7), (1.5, 1.5)],
)
def test_durations_are_read_in_seconds(text: object, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10B", 10), ("64MiB", 64 * 2**20), ("2 GiB", 2 * 2**30), ("1KiB", 1024), ("1KB", 1000), ("2MB", 2 * 10**6),
        ("2GB", 2 * 10**9), ("1.5KiB", 1536), (7, 7),
    ],
)  # fmt: skip
def test_sizes_are_read_in_bytes(text: object, value: int) -> None:
    found = size(text)
    assert (found, type(found)) == (value, int)


@pytest.mark.parametrize(
    "text", ["", "s", "5", "5 minutes", "-5s", "5S", "1e3s", "1h30m", "inf s", "nan", "5m\n5s", "1.s", ".5s"]
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 90s, 5m or 2h"):
        seconds(text)


@pytest.mark.parametrize("text", ["", "MiB", "64", "64 mib", "64M", "-1MiB", "1TiB", "0x10B"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size such as 64MiB or 2GiB"):
        size(text)


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        found = seconds(text)
    except ValueError:
        return
    assert isinstance(found, float)
    assert found >= 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'name': Field required"),
        ("name = 3", "'name': Input should be a valid string"),
        ('name = "a"\nnmae = "b"', "unknown key 'nmae'. Did you mean 'name'?"),
        ('name = "a"\n[inner]\nwal = "1s"', "unknown key 'inner.wal'. Did you mean 'wall'?"),
        ('name = "a"\n[inner]\nclas = "x"', "unknown key 'inner.clas'. Did you mean 'class'?"),
        ('name = "a"\n[[many]]\n[[many]]\nmemry = 1', "unknown key 'many.1.memry'. Did you mean 'memory'?"),
        ('name = "a"\n[named.x]\nmemry = 1', "unknown key 'named.x.memry'. Did you mean 'memory'?"),
        ('name = "a"\n[inner]\nxyz = 1', "unknown key 'inner.xyz'. Known: class, memory, wall."),
        ('name = "a"\n[inner]\nwall = "soon"', "'inner.wall': 'soon' is not a duration such as"),
        ('name = "a"\n[inner]\nwall = 0', "'inner.wall': Input should be greater than 0"),
        ('name = "a"\n[inner]\nwall = nan', "'inner.wall': Input should be a finite number"),
        ('name = "a"\n[inner]\nwall = inf', "'inner.wall': Input should be a finite number"),
        ('name = "a"\n[inner]\nmemory = "0.5B"', "'inner.memory': Input should be greater than 0"),
        ('name = "a"\ninner = 3', "'inner': Input should be"),
        ('name = "a"\n[[part]]\nsize = 1', "'part.0.use': Field required"),
    ],
)
def test_a_bad_table_says_where_and_what(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        outer(text)
    assert str(caught.value).startswith("study/some.toml: ")
    assert said in str(caught.value)
    assert caught.value.hint == "correct some.toml"


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"'name': Field required; .*'inner\.wall': .*; unknown key 'x'"):
        outer("x = 1\n[inner]\nwall = 0")


@pytest.mark.parametrize(
    "text",
    [
        "[inner]\nwall = true",
        "[inner]\nmemory = true",
        "[inner]\nmemory = 1.0",
    ],
)
def test_a_value_of_another_type_is_not_coerced(text: str) -> None:
    with pytest.raises(ConfigError, match=r"inner\."):
        outer(f'name = "a"\n{text}')


@pytest.mark.parametrize(
    "content", [b"name = ", b"name = 'a'\nname = 'b'", b"\xff\xfe", b"\xef\xbb\xbfname = 'a'", b"\0"]
)
def test_what_is_not_toml_is_named_as_such(content: bytes) -> None:
    with pytest.raises(ConfigError, match=r"^study/some\.toml is not valid TOML: ") as caught:
        parse(content, Path("study/some.toml"), Outer)
    assert caught.value.hint == "correct some.toml"


def test_a_file_is_read_with_its_bytes(tmp_path: Path) -> None:
    content = b'name = "a"\r\n[inner]\r\nwall = "1m"\r\n'
    (tmp_path / "some.toml").write_bytes(content)
    table, found = read(tmp_path / "some.toml", Outer, "make it")
    assert (table.name, table.inner.wall, found) == ("a", 60.0, content)


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_cannot_be_read_is_named_with_the_way_out(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "some.toml"
    if kind == "folder":
        path.mkdir()
    with pytest.raises(ConfigError, match="some.toml cannot be read: ") as caught:
        read(path, Outer, "make it")
    assert caught.value.hint == "make it"


def test_a_table_is_frozen_and_a_part_keeps_its_own_settings() -> None:
    table = outer('name = "a"\n[[part]]\nuse = "limits"\nwall_s = 3\ndeep = { x = [1] }')
    assert (table.part[0].use, table.part[0].settings()) == ("limits", {"wall_s": 3, "deep": {"x": [1]}})
    for frozen in (table, table.inner, table.part[0]):
        with pytest.raises(ValidationError, match="frozen"):
            frozen.name = "b"  # type: ignore[union-attr]


def test_the_settings_of_a_part_are_the_callers_own_copy() -> None:
    part = PartTable.model_validate({"use": "x", "a": 1})
    part.settings().clear()
    assert part.settings() == {"a": 1}
    assert PartTable(use="x").settings() == {}
