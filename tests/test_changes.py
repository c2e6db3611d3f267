"""A bundle taken apart: pieces, whose they are, and what is left when some are left out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pawl.changes import By, put_together, take_apart, without
from pawl.records import Change

START = """\
import math

RATE = 0.01
WIDTH = 32
NAME = "small"

def step(x):
    return x

print(step(1))
"""


def changes(*texts: str, by: By = "change", words: dict[int, str] | None = None) -> list[Change]:
    """The changes from START on, made by proposals 1, 2, ... in turn."""
    versions = [(n, {"train.py": text}) for n, text in enumerate((START, *texts))]
    return take_apart(versions, words or {}, by)


def left(found: list[Change], *numbers: int) -> str:
    return put_together({"train.py": START}, without(found, numbers))["train.py"]


def test_each_constant_is_a_change_though_one_proposal_made_them_and_they_stand_side_by_side() -> None:
    found = changes(START.replace("0.01", "0.02").replace("32", "64").replace('"small"', '"large"'))
    assert [change.name for change in found] == [
        "train.py: RATE 0.01 -> 0.02", "train.py: WIDTH 32 -> 64", 'train.py: NAME "small" -> "large"',
    ]  # fmt: skip
    assert left(found, 2) == START.replace("0.01", "0.02").replace('"small"', '"large"')


def test_by_proposal_they_are_one_and_by_piece_they_are_three() -> None:
    text = START.replace("0.01", "0.02").replace("32", "64").replace("print", "import sys\nprint")
    assert len(changes(text, by="proposal")) == 1
    assert len(changes(text, by="piece")) == 3


def test_code_that_one_proposal_changed_in_two_places_comes_out_together() -> None:
    text = START.replace("    return x\n", "    return scale(x)\n").replace(
        "import math\n", "import math\nscale = math.sin\n"
    )
    found = changes(text.replace("32", "64"), words={1: "a sine"})
    assert [len(change.pieces) for change in found] == [2, 1]
    assert found[0].name == "train.py:2,8: a sine"
    assert left(found, 1) == START.replace("32", "64")
    assert left(found, 2) == text


def test_a_later_proposal_on_the_same_lines_is_taken_out_with_the_first_and_the_change_says_so() -> None:
    first = START.replace("return x", "return x + 1")
    second = first.replace("return x + 1", "return x + 2")
    third = second.replace("print(step(1))", "print(step(2))")
    found = changes(first, second, third)
    assert [change.proposals for change in found] == [(1, 2), (3,)]
    assert found[0].note == "proposals 1, 2 touch the same lines and are taken out together"
    assert left(found, 1) == START.replace("print(step(1))", "print(step(2))")


def test_a_change_that_was_taken_back_is_none() -> None:
    assert changes(START.replace("32", "64"), START) == []


def test_a_constant_that_two_proposals_moved_has_both_as_authors() -> None:
    found = changes(START.replace("32", "64"), START.replace("32", "128"))
    assert [(change.name, change.proposals) for change in found] == [("train.py: WIDTH 32 -> 128", (1, 2))]


def test_a_deleted_line_has_who_deleted_it_as_author() -> None:
    found = changes(START.replace("32", "64"), START.replace("32", "64").replace("import math\n", ""))
    assert [change.proposals for change in found] == [(2,), (1,)]
    assert left(found, 1).startswith("import math")


def test_what_only_looks_like_a_constant_is_not_cut_line_by_line() -> None:
    text = START.replace("RATE = 0.01\nWIDTH = 32\n", "RATE = max(1,\nWIDTH = 2)\n")
    assert len(changes(text)) == 1


def test_a_last_line_without_an_end_survives() -> None:
    before, after = "A = 1\nB = 2", "A = 2\nB = 3"
    found = take_apart([(0, {"t.py": before}), (1, {"t.py": after})], {}, "change")
    assert put_together({"t.py": before}, found)["t.py"] == after
    assert put_together({"t.py": before}, without(found, {1}))["t.py"] == "A = 1\nB = 3"


def test_hostile_words_in_a_name_stay_on_one_short_line() -> None:
    found = changes(START.replace("return x", "return 2"), words={1: "a\nb\x1b[31m" + "long " * 99})
    assert "\n" not in found[0].name
    assert "\x1b" not in found[0].name
    assert len(found[0].name) <= 72


LINES = st.lists(st.sampled_from(["A = 1\n", "A = 2\n", "B = 1\n", "x\n", "y\n", "\n"]), max_size=12).map("".join)


@given(st.lists(LINES, min_size=2, max_size=5), st.sampled_from(["change", "proposal", "piece"]))
def test_all_changes_give_the_head_none_give_the_reference_and_each_has_an_author(texts: list[str], by: By) -> None:
    found = take_apart([(n, {"t.py": text}) for n, text in enumerate(texts)], {}, by)
    assert put_together({"t.py": texts[0]}, found) == {"t.py": texts[-1]}
    assert put_together({"t.py": texts[0]}, []) == {"t.py": texts[0]}
    for change in found:
        assert change.proposals
        assert set(change.proposals) <= set(range(1, len(texts)))
    lines = [piece for change in found for piece in change.pieces]
    spans = sorted((piece.first, piece.first + piece.removed.count("\n")) for piece in lines)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
