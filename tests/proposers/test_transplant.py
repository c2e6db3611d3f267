"""A change of one version, put into another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pawl.changes import put_together
from pawl.proposers.transplant import apart, transplanted
from pawl.records import Change, Piece

BASE = "a = 1\nb = 2\nc = 3\n\n\ndef f():\n    return a\n"


def moved(after: str, onto: str, before: str = BASE) -> str | None:
    pieces = transplanted({"t.py": before}, {"t.py": after}, {"t.py": onto})
    return pieces and put_together({"t.py": onto}, [change(pieces)])["t.py"]


def change(pieces: tuple[Piece, ...]) -> Change:
    return Change(name="", proposals=(1,), pieces=pieces, note="")


def test_a_change_goes_along_where_its_lines_went() -> None:
    onto = "import os\n" + BASE.replace("c = 3", "c = 4")
    assert moved(BASE.replace("b = 2", "b = 5"), onto) == onto.replace("b = 2", "b = 5")
    assert moved(BASE.replace("    return a", "    x = a\n    return x"), onto) == onto.replace(
        "    return a", "    x = a\n    return x"
    )


def test_lines_are_added_at_both_ends_and_between() -> None:
    onto = BASE.replace("b = 2", "b = 7")
    assert moved("# top\n" + BASE, onto) == "# top\n" + onto
    assert moved(BASE + "f()\n", onto) == onto + "f()\n"
    assert moved(BASE.replace("c = 3\n", "c = 3\nd = 4\n"), onto) == onto.replace("c = 3\n", "c = 3\nd = 4\n")


def test_lines_that_are_not_there_take_nothing() -> None:
    assert moved(BASE.replace("b = 2", "b = 5"), BASE.replace("b = 2", "b = 7")) is None
    assert moved(BASE.replace("b = 2\n", ""), BASE.replace("b = 2\n", "")) is None
    assert moved(BASE.replace("b = 2\n", "b = 2\nx = 1\n"), BASE.replace("b = 2\n", "b = 2\ny = 1\n")) is None
    assert moved(BASE, BASE) is None
    assert moved("x\n", "y\n", before="") is None


def test_changes_of_separate_lines_are_apart() -> None:
    def pieces(before: str, after: str) -> tuple[Piece, ...]:
        found = transplanted({"t.py": BASE}, {"t.py": BASE.replace(before, after)}, {"t.py": BASE})
        assert found
        return found

    b, c, added = pieces("b = 2", "b = 5"), pieces("c = 3", "c = 4"), pieces("b = 2\n", "b = 2\nx = 1\n")
    assert apart(b, c)
    assert apart(c, b)
    assert not apart(b, pieces("b = 2", "b = 6"))
    assert not apart(b, added), "whether the new line follows the old or the new one, nobody knows"
    assert not apart(added, pieces("b = 2\n", "b = 2\ny = 1\n"))
    assert apart(b, [piece.model_copy(update={"path": "other.py"}) for piece in b])


TEXTS = st.lists(st.sampled_from("abcd"), max_size=7).map(lambda letters: "".join(f"{letter}\n" for letter in letters))


@given(TEXTS, TEXTS)
def test_onto_what_it_was_made_from_it_makes_what_it_made(before: str, after: str) -> None:
    assert moved(after, before, before) == (None if after == before else after)


@given(TEXTS, TEXTS, TEXTS)
def test_onto_anything_its_pieces_fit(before: str, after: str, onto: str) -> None:
    pieces = transplanted({"t.py": before}, {"t.py": after}, {"t.py": onto})
    for piece in pieces or ():
        there = "".join(onto.splitlines(keepends=True)[piece.first - 1 :])
        assert there.startswith(piece.removed)
