"""Sealed rows are found in whatever form a file holds them, and nothing else is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pawl import exposure


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAWL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


DRAW = np.random.default_rng(3)
PIXELS = DRAW.integers(0, 17, (50, 64))
IMAGES = (PIXELS / 16).astype(np.float32)
TEXT = np.frombuffer(DRAW.bytes(50 * 128), np.uint8).reshape(50, 128)


def npz(inputs: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, inputs=inputs, labels=np.zeros(len(inputs)))
    return buffer.getvalue()


SEALED = {"validation.npz": npz(IMAGES), "text.npz": npz(TEXT)}
FORMS: dict[str, Callable[[int], bytes]] = {
    "as stored": lambda n: IMAGES[n].tobytes(),
    "in double precision": lambda n: IMAGES[n].astype(np.float64).tobytes(),
    "as bytes": lambda n: PIXELS[n].astype(np.uint8).tobytes(),
    "as 64-bit integers": lambda n: PIXELS[n].astype(np.int64).tobytes(),
    "as text": lambda n: ",".join(map(str, PIXELS[n])).encode(),
    "as text of fractions": lambda n: ",".join(f"{value}.0" for value in PIXELS[n]).encode(),
}


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.bin", content)
    return buffer.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda content: content, "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zip": zipped,
    "zip in gzip": lambda content: gzip.compress(zipped(content)),
}  # fmt: skip


def looked(folder: Path) -> tuple[str, ...]:
    return exposure.look({"env": folder}, SEALED)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("offset", [0, 3, exposure.CHUNK - 5])
def test_one_row_is_found_in_every_form_and_at_every_place(tmp_path: Path, form: str, offset: int) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    noise = DRAW.bytes(offset)
    (folder / "data.bin").write_bytes(noise + FORMS[form](17) + DRAW.bytes(100))
    assert looked(folder) == ("env/data.bin: holds 1 of the 50 rows looked for of validation.npz",)


@pytest.mark.parametrize("how", PACKED)
def test_rows_are_found_in_archives(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    (folder / "data").write_bytes(PACKED[how](b"before" + TEXT[:7].tobytes()))
    assert looked(folder) == ("env/data: holds 7 of the 50 rows looked for of text.npz",)


def test_what_only_looks_like_a_row_is_not_one(tmp_path: Path) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    others = (DRAW.integers(0, 17, (500, 64)) / 16).astype(np.float32).tobytes()
    nearly = IMAGES[3].tobytes()[:-4] + b"\0\0\0\0" + TEXT[4][:100].tobytes()
    (folder / "other.npy").write_bytes(others + nearly)
    assert looked(folder) == ()


def test_broken_archives_and_links_are_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    for name, start in {"a": b"PK\x03\x04", "b": b"\x1f\x8b", "c": b"BZh9", "d": b"\xfd7zXZ\0"}.items():
        (folder / name).write_bytes(start + b"garbage")
    (folder / "link").symlink_to("/proc/self/mem")
    assert looked(folder) == ()


def test_what_was_found_is_kept_until_a_file_changes(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    assert looked(folder) == ()
    kept = list((cache / "exposed").iterdir())
    assert looked(folder) == ()
    assert list((cache / "exposed").iterdir()) == kept
    (folder / "new.bin").write_bytes(IMAGES[5].tobytes())
    assert len(looked(folder)) == 1


def test_masked_folders_are_not_shown_and_not_searched(tmp_path: Path) -> None:
    hidden = tmp_path / "env" / "hidden"
    hidden.mkdir(parents=True)
    (hidden / "rows").write_bytes(IMAGES[5].tobytes())
    assert exposure.look({"env": tmp_path / "env"}, SEALED, (str(hidden),)) == ()
    assert len(exposure.look({"env": tmp_path / "env"}, SEALED)) == 1


def test_rows_that_say_too_little_are_not_looked_for() -> None:
    flat = {"validation.npz": npz(np.zeros((50, 64), np.float32)), "short.npz": npz(np.ones((50, 1)))}
    assert [needle for name, content in flat.items() for needle in exposure.needles(name, content)] == []


@pytest.mark.slow
def test_the_package_that_ships_the_digits_would_be_noticed(tmp_path: Path) -> None:
    """The lab's promise has a control: where scikit-learn is, the sealed digits are found."""
    sklearn = pytest.importorskip("sklearn")
    from pawl.labs import digits

    digits.prepare(tmp_path)
    sealed = {name: (tmp_path / ".pawl" / "sealed" / name).read_bytes() for name in ("validation.npz", "holdout.npz")}
    found = exposure.look({"datasets": Path(sklearn.__file__).parent / "datasets"}, sealed)
    assert found == (
        "datasets/data/digits.csv.gz: holds 450 of the 450 rows looked for of holdout.npz",
        "datasets/data/digits.csv.gz: holds 449 of the 449 rows looked for of validation.npz",
    )
