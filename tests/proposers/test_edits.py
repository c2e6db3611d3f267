"""Answers are read as they are, in three forms; what does not fit is refused with a reason for the model."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.proposers.edits import MOST, Unusable, read

TRAIN = "import math\n\nRATE = 0.1\nDEPTH = 2\n\n\ndef loss(x):\n    return x * x\n\n\ndef more(x):\n    return x * x\n"
FILES = {"train.py": TRAIN}
TWO = {"train.py": TRAIN, "src/model.py": "WIDTH = 8\n"}
WHY = "HYPOTHESIS: it learns faster\n\n"


def block(old: str, new: str, path: str = "train.py") -> str:
    return f"{path}\n```\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```\n"


def diff(body: str, path: str = "train.py") -> str:
    return f"{WHY}```diff\n--- a/{path}\n+++ b/{path}\n{body}\n```\n"


def test_search_and_replace() -> None:
    change = read(WHY + block("RATE = 0.1", "RATE = 0.2") + block("DEPTH = 2", "DEPTH = 3\nWIDTH = 4"), FILES)
    assert change.hypothesis == "it learns faster"
    assert change.files == {"train.py": TRAIN.replace("0.1", "0.2").replace("DEPTH = 2", "DEPTH = 3\nWIDTH = 4")}


@pytest.mark.parametrize("said", ["**Hypothesis:** it learns faster", "## hypothesis: `it learns faster`",
                                  "- HYPOTHESIS : it learns faster"])  # fmt: skip
def test_a_hypothesis_in_other_dress(said: str) -> None:
    assert read(f"{said}\n{block('DEPTH = 2', 'DEPTH = 3')}", FILES).hypothesis == "it learns faster"


def test_a_diff_with_wrong_numbers_fits_by_its_context() -> None:
    body = "@@ -90,1 +90,99 @@ def nowhere():\n \n-RATE = 0.1\n+RATE = 0.2\n DEPTH = 2\n\n"
    assert read(diff(body), FILES).files["train.py"] == TRAIN.replace("0.1", "0.2")
    assert read(diff(body.replace("@@ -90,1 +90,99 @@ def nowhere():", "@@ ... @@")), FILES).files["train.py"]


def test_a_right_line_number_decides_between_equal_places_and_a_wrong_one_does_not() -> None:
    body = "@@ -12,1 +12,1 @@\n-    return x * x\n+    return x * x * x"
    assert read(diff(body), FILES).files["train.py"] == TRAIN[:-1] + " * x\n"
    with pytest.raises(Unusable, match="2 times"):
        read(diff(body.replace("-12", "-10")), FILES)


def test_a_whole_file() -> None:
    text = "import math\nRATE = 3\n"
    for named in ("train.py\n```python", "```python train.py", "### `train.py`:\n```"):
        assert read(f"{WHY}{named}\n{text}```\n", FILES).files == {"train.py": text}


def test_thoughts_before_an_answer_are_left_out() -> None:
    thought = f"<think>\n{block('RATE = 0.1', 'RATE = 9')}\n</think>\n"
    assert "RATE = 0.2" in read(thought + WHY + block("RATE = 0.1", "RATE = 0.2"), FILES).files["train.py"]


def test_lines_keep_their_ends() -> None:
    files = {"train.py": TRAIN.replace("\n", "\r\n")}
    assert read(WHY + block("RATE = 0.1", "RATE = 0.2\nX = 1"), files).files["train.py"] == (
        TRAIN.replace("0.1", "0.2\nX = 1").replace("\n", "\r\n")
    )
    assert read(WHY + block("A = 1", "A = 2"), {"train.py": "A = 1"}).files == {"train.py": "A = 2"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("x" * (MOST + 1), "longer"),
        (WHY, "no edit"),
        ("I think you should lower the rate.", "no edit"),
        (WHY + "```python\nRATE = 0.2\n```", "no edit"),
        (block("RATE = 0.1", "RATE = 0.2"), "no line 'HYPOTHESIS"),
        (WHY + block("RATE = 0.5", "RATE = 0.2"), "not in train.py as they are quoted, such as 'RATE = 0.5'"),
        (WHY + block("    return x * x", "    return x"), "2 times"),
        (WHY + block("", "X = 1"), "says nothing"),
        (WHY + block("RATE = 0.1\nDEPTH = 2", "X = 1") + block("DEPTH = 2", "Y = 1"), "same lines"),
        (WHY + block("RATE = 0.1", "RATE = 0.2", "pawl.toml"), "pawl.toml may not be changed: only train.py"),
        (WHY + block("RATE = 0.1", "RATE = 0.2", "../policy.toml"), "may not be changed"),
        (WHY + "```\n<<<<<<< SEARCH\nRATE = 0.1\n=======\nRATE = ", "is the answer cut short"),
        (WHY + "train.py\n```python\nRATE = 0.2\n", "does not end"),
        (WHY + "train.py\n```python\nRATE = 0.2\n# ... rest of the code unchanged\n```", "is not whole"),
        (WHY + "train.py\n```\nA = 1\n```\ntrain.py\n```\nA = 2\n```", "two blocks"),
        (WHY + "policy.toml\n```toml\nthreshold = 0\n```", "policy.toml may not be changed"),
        (diff("@@ -1,1 +1,1 @@\n-threshold = 1\n+threshold = 0", "policy.toml"), "policy.toml may not be changed"),
        (diff("@@ -1,1 +0,0 @@\n-import math").replace("+++ b/train.py", "+++ /dev/null"), "may not be changed"),
        (diff("@@ -0,0 +1,1 @@\n+import os"), "says nothing"),
        (diff("@@ -3,1 +3,1 @@\n-RATE = 0.3\n+RATE = 0.2"), "not in train.py"),
        (WHY + block("RATE = 0.1", "RATE = 0.2") * 1 + block("DEPTH = 2", "DEPTH = 3") * 201, "more than 200"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_a_reason(answer: str, said: str) -> None:
    with pytest.raises(Unusable, match="(?i)" + said):
        read(answer, FILES)


def test_which_of_several_files_must_be_said() -> None:
    assert read(WHY + block("WIDTH = 8", "WIDTH = 9", "src/model.py"), TWO).files == {"src/model.py": "WIDTH = 9\n"}
    with pytest.raises(Unusable, match="say above each block"):
        read(WHY + block("WIDTH = 8", "WIDTH = 9", ""), TWO)
    with pytest.raises(Unusable, match="name the one"):
        read(WHY + block("WIDTH = 8", "WIDTH = 9", "from train.py to src/model.py"), TWO)


@given(st.text(max_size=400), st.text(alphabet="<=>`@-+ \nSEARCHREPLACEtrain.py/ab0,1", max_size=400))
@settings(max_examples=40, deadline=None)
def test_any_text_is_read_or_refused(one: str, two: str) -> None:
    for text in (one, two, WHY + one + two, WHY + block(one, two)):
        try:
            assert read(text, TWO).files.keys() <= TWO.keys()
        except Unusable:
            continue


@given(st.lists(st.sampled_from(["a = 1", "b = 2", "", "c = 3", "    d = 4"]), min_size=1, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_a_true_diff_gives_what_it_says_or_is_refused(lines: list[str], data: st.DataObject) -> None:
    after = data.draw(st.lists(st.sampled_from([*lines, "new = 0"]), min_size=1, max_size=12))
    before, wanted = "\n".join(lines) + "\n", "\n".join(after) + "\n"
    told = difflib.unified_diff(before.splitlines(), wanted.splitlines(), "a/train.py", "b/train.py", lineterm="")
    text = "\n".join(told)
    try:
        change = read(f"{WHY}```diff\n{text}\n```\n", {"train.py": before})
    except Unusable:
        return
    assert change.files["train.py"] == wanted
