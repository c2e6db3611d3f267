"""Constants are exchanged in the source, and every other character stays."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.errors import ConfigError
from pawl.proposers.constants import Constant, current, exchange

SOURCE = '''"""A script.

DEPTH = 99 in a docstring is text.
"""
import math  # DEPTH = 98 in a comment is a comment


DEPTH   =  2   # layers, at most 8
RATE: float = 1e-3
NAME = "relu"; FLAG = True
SHIFT = -1
BIG = 1_000
OTHER = [DEPTH,
         RATE]


def train(DEPTH=3):
    DEPTH = 4
    RATE: float = 5.0
    return DEPTH


class Model:
    DEPTH = 6

    def f(self):
        DEPTH = 7


async def other():
    DEPTH = 8


if True:
\tprint( DEPTH )
'''
VALUES: dict[str, Constant] = {"DEPTH": 2, "RATE": 1e-3, "NAME": "relu", "FLAG": True, "SHIFT": -1, "BIG": 1000}


def test_the_current_values_are_those_at_the_top_of_the_file() -> None:
    found = current(SOURCE, list(VALUES), "train.py")
    assert found == VALUES
    assert {name: type(value) for name, value in found.items()} == {name: type(value) for name, value in VALUES.items()}


def test_only_the_value_changes_and_all_else_stays_to_the_letter() -> None:
    after = exchange(SOURCE, {"DEPTH": 5}, "train.py")
    assert after == SOURCE.replace("DEPTH   =  2   #", "DEPTH   =  5   #")
    assert after != SOURCE


def test_several_values_change_at_once_annotated_or_behind_a_semicolon() -> None:
    after = exchange(SOURCE, {"RATE": 0.5, "FLAG": False, "SHIFT": -7}, "train.py")
    expected = SOURCE.replace("RATE: float = 1e-3", "RATE: float = 0.5").replace("FLAG = True", "FLAG = False")
    assert after == expected.replace("SHIFT = -1", "SHIFT = -7")


@pytest.mark.parametrize("name", [f"DEPTH = {n}" for n in (99, 98, 4, 6, 7, 8)])
def test_the_same_name_inside_functions_classes_and_texts_is_left_alone(name: str) -> None:
    assert name in SOURCE
    assert name in exchange(SOURCE, {"DEPTH": 5}, "train.py")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3, "3"),
        (-3, "-3"),
        (0.1, "0.1"),
        (1e-05, "1e-05"),
        (-2.5, "-2.5"),
        (True, "True"),
        (False, "False"),
        (10**30, str(10**30)),
    ],
)
def test_a_number_is_written_as_python_writes_it(value: Constant, written: str) -> None:
    assert exchange("A = 1\n", {"A": value}, "a.py") == f"A = {written}\n"
    assert current(f"A = {written}\n", ["A"], "a.py") == {"A": value}


@pytest.mark.parametrize(
    "text",
    [
        "gelu", "it's \"so\"\n\\", "größe", "", "\0\x1b\x7f", "a\u2028b", "A = 2\nA = 3",
        "\N{SLIGHTLY SMILING FACE}",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_text_is_written_on_one_line_and_means_itself(text: str) -> None:
    after = exchange("A = 1\n", {"A": text}, "a.py")
    assert current(after, ["A"], "a.py") == {"A": text}
    assert after.count("\n") == 1


CONSTANT = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text(max_size=10)


@given(st.fixed_dictionaries({"DEPTH": CONSTANT, "RATE": CONSTANT, "NAME": CONSTANT, "SHIFT": CONSTANT}))
@settings(max_examples=30, deadline=None)
def test_what_was_exchanged_is_read_back_and_back_again(values: dict[str, Constant]) -> None:
    after = exchange(SOURCE, values, "train.py")
    found = current(after, list(values), "train.py")
    assert found == values
    assert {name: type(value) for name, value in found.items()} == {name: type(value) for name, value in values.items()}
    assert current(after, ["FLAG", "BIG"], "train.py") == {"FLAG": True, "BIG": 1000}
    restored = exchange(after, {name: VALUES[name] for name in values}, "train.py")
    assert ast.dump(ast.parse(restored)) == ast.dump(ast.parse(SOURCE))


@pytest.mark.parametrize(
    "source",
    ["A = 1", "A = 1\r\nB = 2\r\n", "\tA = 1".lstrip(), "A = (\n  1  # one\n)\n", "A \\\n = 1\n", "A = 1\n\n\n"],
)
def test_line_ends_and_odd_layouts_survive(source: str) -> None:
    after = exchange(source, {"A": 7}, "a.py")
    assert current(after, ["A"], "a.py") == {"A": 7}
    assert after.count("\r\n") == source.count("\r\n")
    assert after.endswith("\n") == source.endswith("\n")


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("B = 1\n", 0), ("", 0), ("def f():\n    A = 1\n", 0), ("A = 1\nA = 2\n", 2), ("A = 1\nif x:\n    A = 2\n", 2),
        ("A = B = 1\n", 1), ("A, B = 1, 2\n", 1), ("A: int\n", 0), ("x.A = 1\n", 0), ("A == 1\n", 0),
        ("A = 1\nA += 1\n", 2),
        ("A = 1\nfor A in range(3): pass\n", 2),
    ],
)  # fmt: skip
def test_a_constant_that_is_not_assigned_exactly_once_is_refused(source: str, count: int) -> None:
    with pytest.raises(ConfigError, match=rf"\[space\] names a\.py:A, which is assigned {count} times") as caught:
        exchange(source, {"A": 3}, "a.py")
    assert caught.value.hint == "write `A = VALUE` once in a.py"


def test_a_declaration_before_the_value_is_no_second_assignment() -> None:
    assert exchange("A: int\nA = 1\n", {"A": 3}, "a.py") == "A: int\nA = 3\n"


@pytest.mark.parametrize("name", ["B", "a", "A.b"])
def test_a_constant_that_is_missing_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"a\.py:{name}, which a\.py does not assign"):
        current("A = 1\ndef f():\n    B = 1\n", ["A", name], "a.py")


@pytest.mark.parametrize(
    "value",
    [
        "f()", "B", "1 + 1", "[1]", "(1, 2)", "{}", "None", "b'x'", "1j", "...", "f'{x}'", "not True", "lambda: 1",
        "{[]: 1}",
    ],
)  # fmt: skip
def test_a_value_that_is_no_plain_literal_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"a\.py:A, which is not a plain number or string"):
        current(f"A = {value}\n", ["A"], "a.py")


def test_a_file_that_is_not_python_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"a\.py is not valid Python") as caught:
        exchange("A = = 1\n", {"A": 3}, "a.py")
    assert caught.value.hint == "correct a.py"


def test_a_file_that_is_not_python_has_no_current_values() -> None:
    with pytest.raises(ConfigError, match=r"a\.py is not valid Python"):
        current("A = = 1\n", ["A"], "a.py")
