"""Bytes from untrusted code: read as numbers or refused, never run, never shown raw."""

from __future__ import annotations

import io
import json
import math
import pickle
import re
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.hostile import ACCEPTED, Refused, arrays, check, check_all, printable, summary

MIB = 2**20


class Bomb:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def npz(**members: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **members)
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tensors(**members: Any) -> bytes:
    return bytes(safetensors.numpy.save({name: np.asarray(array) for name, array in members.items()}))


GOOD = {
    "a.npy": npy(np.arange(6.0).reshape(2, 3)),
    "a.npz": npz(w=np.ones(3, np.float32), b=np.arange(2)),
    "a.safetensors": tensors(w=np.ones((2, 2), np.float32)),
    "a.json": b'{"a": [1, 2.5, null]}',
    "a.txt": b"text",
    "deep/er/a.csv": b"a,b\n1,2\n",
    "a.tsv": b"a\tb\n",
}


@pytest.mark.parametrize("name", GOOD)
def test_an_honest_file_passes(name: str) -> None:
    assert check(name, GOOD[name], MIB) is None  # type: ignore[func-returns-value]
    with pytest.raises(Refused):
        check(name + ".pkl", GOOD[name], MIB)


def test_every_accepted_kind_is_tried_above() -> None:
    assert {Path(name).suffix for name in GOOD} == set(ACCEPTED)


def test_arrays_come_out_as_they_went_in() -> None:
    assert np.array_equal(arrays("a.npy", GOOD["a.npy"], MIB)["array"], np.arange(6.0).reshape(2, 3))
    found = arrays("a.npz", GOOD["a.npz"], MIB)
    assert sorted(found) == ["b", "w"]
    assert (found["w"].dtype, found["b"].tolist()) == (np.float32, [0, 1])
    assert arrays("a.safetensors", GOOD["a.safetensors"], MIB)["w"].tolist() == [[1, 1], [1, 1]]


def object_array(path: Path) -> bytes:
    return npy(np.array([Bomb(path)], dtype=object), allow_pickle=True)


PICKLES = {
    "array of objects": ("x.npy", object_array),
    "array of objects in a zip": ("x.npz", lambda path: zipped(**{"w.npy": object_array(path)})),
    "bare, called npy": ("x.npy", lambda path: pickle.dumps(Bomb(path))),
    "bare, called npz": ("x.npz", lambda path: pickle.dumps(Bomb(path))),
    "bare, called safetensors": ("x.safetensors", lambda path: pickle.dumps(Bomb(path))),
}


@pytest.mark.parametrize("how", PICKLES)
def test_a_pickle_is_refused_and_never_run(tmp_path: Path, how: str) -> None:
    name, make = PICKLES[how]
    content = make(tmp_path / "boom")
    with pytest.raises(Refused, match=f"{name} cannot be read"):
        check(name, content, MIB)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    "name",
    ["m.pkl", "m.pt", "m.pth", "m.ckpt", "m.joblib", "m.bin", "m.py", "m.so", "m", ".npz", "m.NPZ", "m.npz ", "m.zip"],
)
def test_kinds_that_can_hold_code_are_refused_by_name(name: str) -> None:
    with pytest.raises(Refused, match="is of a kind that is not accepted"):
        check(name, GOOD["a.npz"], MIB)


def test_a_zip_bomb_is_refused_by_what_it_declares_before_it_is_unpacked() -> None:
    content = npz(w=np.zeros(8 * MIB, np.uint8))
    assert len(content) < MIB / 50
    tracemalloc.start()
    with pytest.raises(Refused, match="unpacks to more than 1 MiB"):
        check("x.npz", content, MIB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MIB


def test_a_zip_bomb_that_declares_too_little_gives_no_more_than_it_declares() -> None:
    content = bytearray(npz(w=np.zeros(8 * MIB, np.uint8)))
    declared = struct.pack("<L", 8 * MIB + 128)
    assert content.count(declared) >= 1
    with pytest.raises(Refused):
        check("x.npz", bytes(content).replace(declared, struct.pack("<L", 1000)), MIB)


def test_many_small_members_count_together() -> None:
    with pytest.raises(Refused, match="unpacks to more than"):
        check("x.npz", zipped(**{f"{n}.npy": GOOD["a.npy"] for n in range(20)}), 1000)
    with pytest.raises(Refused):
        check("x.npz", zipped(**{f"{n}": b"" for n in range(10_001)}), MIB)


def test_a_header_that_promises_terabytes_is_refused() -> None:
    content = npy(np.ones(3)).replace(b"(3,), }" + b" " * 13, b"(3000000000000,), }" + b" ")
    assert b"(3000000000000,)" in content
    with pytest.raises(Refused, match="x.npy cannot be read"):
        check("x.npy", content, MIB)


@pytest.mark.parametrize("name", ["a.npy", "a.safetensors"])
def test_the_limit_holds_for_every_kind_of_arrays(name: str) -> None:
    with pytest.raises(Refused):
        arrays(name, GOOD[name], 4)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8"])
def test_numbers_that_are_not_finite_are_refused(value: float, dtype: str) -> None:
    array = np.array([0, value], dtype=dtype)
    for name, content in (("x.npy", npy(array)), ("x.npz", npz(w=array))):
        with pytest.raises(Refused, match="holds NaN or infinity"):
            check(name, content, MIB)


def test_a_tensor_that_is_not_finite_is_refused_by_its_name() -> None:
    with pytest.raises(Refused, match="m.safetensors: bad holds NaN or infinity"):
        check("m.safetensors", tensors(good=np.ones(2), bad=np.array([math.nan])), MIB)


@pytest.mark.parametrize(
    "array",
    [np.array([complex(math.nan, 0)]), np.array([(math.nan,)], dtype=[("x", "f8")])],
    ids=["complex", "structured"],
)
def test_nan_cannot_hide_in_other_kinds_of_number(array: Any) -> None:
    with pytest.raises(Refused):
        check("x.npy", npy(array), MIB)


@pytest.mark.parametrize("content", [b"[NaN]", b'{"a": -Infinity}', b"1e999"])
def test_json_with_numbers_that_are_not_finite_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        check("x.json", content, MIB)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"{'a': 1}", b"[" * 100_000, b"1" * 5000, pickle.dumps({})])
def test_what_is_not_json_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="x.json is not JSON"):
        check("x.json", content, MIB)


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.npy", GOOD["a.npz"]), ("x.npz", zipped(**{"notes.txt": b"hello"})), ("x.npz", zipped(**{"w.npy": b"hello"}))],
    ids=["npz-called-npy", "text-in-npz", "no-array-in-npz"],
)
def test_a_zip_that_is_not_arrays_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(Refused):
        check(name, content, MIB)


def test_an_npy_called_npz_is_refused() -> None:
    with pytest.raises(Refused, match="x.npz cannot be read"):
        check("x.npz", GOOD["a.npy"], MIB)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.safetensors"])
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(name: str, part: float) -> None:
    with pytest.raises(Refused, match=f"{name} cannot be read"):
        check(name, GOOD[name][: int(len(GOOD[name]) * part)], MIB)


def safetensor(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize(
    "content",
    [
        safetensor({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, b"\0" * 8),
        safetensor({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 16]}}, b"\0" * 16),
        safetensor({"w": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 16]}}, b"\0" * 16),
        safetensor({"w": {"dtype": "X9", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 8),
        safetensor({"w": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}, b"\0" * 8),
        safetensor(b"{not json"),
        struct.pack("<Q", 2**63) + b"{}",
        b"\xff" * 16,
    ],
)
def test_a_lying_safetensors_header_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match=r"m\.safetensors cannot be read"):
        check("m.safetensors", content, MIB)


def finite_or_refused(name: str, content: bytes) -> None:
    try:
        check(name, content, MIB)
    except Refused as refusal:
        said = str(refusal)
    else:
        said = "" if name.endswith(".json") or _finite(arrays(name, content, MIB)) else "not finite"
    assert said == "" or said.startswith(name)


def _finite(found: Any) -> bool:
    return all(np.isfinite(array).all() for array in found.values() if array.dtype.kind == "f")


@given(st.binary(max_size=200), st.sampled_from(["x.npy", "x.safetensors", "x.json"]))
@settings(max_examples=100, deadline=None)
def test_random_bytes_are_arrays_or_refused(content: bytes, name: str) -> None:
    finite_or_refused(name, content)


@given(st.sampled_from(["a.npy", "a.npz", "a.safetensors"]), st.integers(0, 10**6), st.binary(min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_is_arrays_or_refused(name: str, place: int, junk: bytes) -> None:
    content = bytearray(GOOD[name])
    place %= len(content)
    content[place : place + len(junk)] = junk
    finite_or_refused(name, bytes(content))


def test_all_files_of_a_run_are_checked() -> None:
    assert check_all(GOOD, MIB) is None  # type: ignore[func-returns-value]
    with pytest.raises(Refused, match="z.pkl"):
        check_all({**GOOD, "z.pkl": b""}, MIB)


def test_a_refusal_is_fit_for_a_terminal() -> None:
    with pytest.raises(Refused) as caught:
        check("x.npz", npz(**{"w\x1b[2J\u202e": np.array([math.nan])}), MIB)
    assert str(caught.value) == printable(str(caught.value))


# ---------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize(
    "sign",
    [
        "\0", "\a", "\b", "\x0b", "\x0c", "\r", "\x1b", "\x1f", "\x7f", "\x80", "\x9b", "\x9f", "\u200b", "\u200d",
        "\u200e", "\u200f", "\u202a", "\u202d", "\u202e", "\u2066", "\u2069", "\ufeff", "\u061c", "\u00ad", "\u2028",
        "\u2029", "\u2060", "\u2064", "\U000e0041", "\u180e",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_moves_the_cursor_or_hides_letters_is_made_visible(sign: str) -> None:
    assert printable(f"a{sign}b") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize("text", ["", "plain", "a\tb\nc", "größe 中文 ✓ 🙂", "e\u0301", "שלום"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_a_windows_line_end_is_a_line_end_and_a_bare_return_is_not() -> None:
    assert printable("a\r\nb\rc") == "a\nb\N{REPLACEMENT CHARACTER}c"


@given(st.text())
def test_printable_text_has_no_escape_codes_and_stays_printable(text: str) -> None:
    shown = printable(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("", {}),
        ("loss: 1\n", {}),
        ("epoch 1\n---\nval_bpb:          0.997900\nnum_steps: 953\n", {"val_bpb": 0.9979, "num_steps": 953.0}),
        ("x\n---\na: 1\n---\nb: 2\n", {"b": 2.0}),
        ("x\n---\na: 1\n---\n", {}),
        ("x\r\n---\r\na: 1\r\n", {"a": 1.0}),
        ("x\n---\na: nan\nb: inf\nc: -inf\nd: 2\n", {"d": 2.0}),
        ("x\n---\na: 1\na: nan\n", {}),
        ("x\n---\na: 1\na: 2\n", {"a": 2.0}),
        ("x\n---\na: -1.5e-3\nb: +2\nc: .5\n", {"a": -0.0015, "b": 2.0, "c": 0.5}),
        ("x\n---\na: 1e999\nb: --1\nc: e\nd: 1-2\ne: .\nf: 1_000\ng: 0x10\n", {}),
        ("x\n---\na: 1 GB\nb: text\n: 1\n1a: 2\nc 3\nd=4\n", {}),
        ("x\n---\n  val/loss-2.x : 3  \n", {"val/loss-2.x": 3.0}),
        ("x\n---\n" + "n" * 65 + ": 1\n" + "m" * 64 + ": 1\n", {"m" * 64: 1.0}),
        ("---\na: 1\n", {"a": 1.0}),
        ("x\n---\na: 1\n-------- done --------\n", {"a": 1.0}),
    ],
)  # fmt: skip
def test_a_summary_is_the_finite_numbers_after_the_last_rule(log: str, found: dict[str, float]) -> None:
    assert summary(log) == found


@given(st.text(), st.text())
def test_any_log_has_a_summary_of_finite_numbers(before: str, after: str) -> None:
    assert all(math.isfinite(value) for value in summary(f"{before}\n---\n{after}").values())
