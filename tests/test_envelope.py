"""Records become bytes once, and the bytes become equal records."""

from __future__ import annotations

import json
import math
import types
import typing
from datetime import date
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from pawl import decisions, inquiries, records, sealing
from pawl.envelope import decode, encode, sha256
from pawl.errors import IntegrityError, PawlError
from pawl.records import RECORDS, Finding, Noise, Part, Proposal, Record, Release, Run, Verdict

AT = "2030-01-02T03:04:05+00:00"
TEXT = st.text(max_size=12)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
INT = st.integers(-(2**70), 2**70)
JSON = st.recursive(
    st.none() | st.booleans() | INT | FLOAT | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: TEXT, int: INT, float: FLOAT, bool: st.booleans(), types.NoneType: st.none(), JsonValue: JSON,
}  # fmt: skip


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*map(values, arguments))
    return of_kind(hint)


def of_kind(kind: type[Record]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{name: values(field.annotation) for name, field in kind.model_fields.items()})


def proposal(**changes: Any) -> Proposal:
    return Proposal(**{"parent": 1, "patch": "", "hypothesis": "", "proposer": "space", "settings": {}, **changes})


@pytest.mark.parametrize("name", RECORDS)
def test_every_kind_of_record_comes_back_equal(name: str) -> None:
    @given(of_kind(RECORDS[name]))
    @settings(max_examples=12, deadline=None)
    def check(record: Record) -> None:
        body = encode(record, AT)
        again, at = decode(body)
        assert (again, at, type(again)) == (record, AT, RECORDS[name])
        assert encode(again, at) == body

    check()


def test_the_encoding_is_canonical_json() -> None:
    body = encode(proposal(hypothesis="größer\n", settings={"b": 1, "a": [1.5, None]}), AT)
    assert body.decode() == (
        '{"at":"2030-01-02T03:04:05+00:00","kind":"Proposal","record":{"chosen":"","hypothesis":"größer\\n","parent":1,"patch":"",'
        '"proposer":"space","settings":{"a":[1.5,null],"b":1}}}'
    )


def test_equal_records_are_equal_bytes_whatever_the_order_of_their_settings() -> None:
    assert encode(proposal(settings={"a": 1, "b": 2}), AT) == encode(proposal(settings={"b": 2, "a": 1}), AT)


@pytest.mark.parametrize(
    "change",
    [
        {"parent": "1"}, {"parent": True}, {"parent": 1.0}, {"patch": None}, {"patch": b""},
        {"settings": {"a": math.nan}},
        {"settings": {"a": [math.inf]}}, {"settings": {"a": b"x"}}, {"settings": {1: 2}}, {"unknown": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_a_record_refuses_what_is_not_its_type_or_not_finite(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        proposal(**change)


def test_a_record_lacks_nothing_and_is_never_changed() -> None:
    with pytest.raises(ValidationError, match="Field required"):
        Noise(variant=1)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="frozen"):
        proposal().parent = 2  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Verdict(certificate=1, policy="", findings=[Finding(gate="g", passed=True, reason="")], passed=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"patch": "caf\udce9"}, {"settings": {"a": "\ud800"}}])
def test_text_that_is_not_unicode_is_refused_or_kept_but_never_a_traceback(change: dict[str, Any]) -> None:
    try:
        record = proposal(**change)
        stored = encode(record, AT)
    except (ValidationError, PawlError):
        return
    assert decode(stored)[0] == record


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff", b"null", b"[]", b"3", b'"x"', b"{}", b'{"kind":"Proposal"}',
        b'{"kind":"Nobody","at":"","record":{}}',
        b'{"kind":["Proposal"],"at":"","record":{}}', b'{"kind":"Release","at":"","record":{"dossier":1}}',
        b'{"kind":"Release","record":{"dossier":1,"variant":2,"commit":"","approvals":[],"threshold":1}}',
        b'{"kind":"Finding","at":"","record":{"gate":"","passed":true,"reason":""}}',
        b'{"kind":"Release","at":"","record":{"dossier":"1","variant":2,"commit":"","approvals":[],"threshold":1}}',
        b'{"kind":"Release","at":"","record":{"dossier":1,"variant":2,"commit":"","approvals":[],"threshold":1,"x":0}}',
        pytest.param(b"[" * 100_000, id="nested"),
    ],
)  # fmt: skip
def test_bytes_that_hold_no_record_are_an_integrity_error(body: bytes) -> None:
    with pytest.raises(IntegrityError, match="cannot be read") as caught:
        decode(body)
    assert caught.value.hint == "pawl ledger verify"


def test_a_stored_release_is_read_strictly_and_exactly() -> None:
    release = Release(dossier=1, variant=2, commit="c", approvals=(3, 4), threshold=2)
    content = json.loads(encode(release, AT))
    assert content["record"]["approvals"] == [3, 4]
    assert decode(json.dumps(content).encode()) == (release, AT)


def test_names_of_content_are_the_sha256_that_everybody_computes() -> None:
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_every_record_is_in_the_registry_under_its_own_name() -> None:
    assert RECORDS["Run"] is Run
    kinds = [kind for module in (records, decisions, sealing, inquiries) for kind in vars(module).values()]
    words = {
        kind.__name__ for kind in kinds if isinstance(kind, type) and issubclass(kind, Record)
        and not issubclass(kind, Part) and kind is not Record
    }  # fmt: skip
    assert words - {"Question"} == RECORDS.keys()  # which others are made of, and no fact of its own


def test_text_that_is_not_unicode_is_refused_with_the_kind_of_its_record() -> None:
    with pytest.raises(IntegrityError, match="^a proposal holds text that is not Unicode: .*surrogates not allowed"):
        encode(proposal().model_copy(update={"patch": "caf\udce9"}), AT)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_never_written_down_however_it_came_in(number: float) -> None:
    unchecked = proposal().model_copy(update={"settings": {"a": number}})
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(unchecked, AT)


def test_a_field_of_a_type_that_json_lacks_is_written_as_text() -> None:
    class Dated(Part):
        day: date

    assert encode(Dated(day=date(2030, 1, 2)), AT) == (
        b'{"at":"2030-01-02T03:04:05+00:00","kind":"Dated","record":{"day":"2030-01-02"}}'
    )
