"""What is rendered can be read back; what is not of the template is not read as if it were."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pawl.errors import ConfigError
from pawl.proposers.template import Texts, Unread, Value, build, literal

SLOTS = {"depth": False, "name": False, "body": True, "tail": True}
CHOICES = {
    "body": {
        "loop": "#: steps\nfor _ in range(3):\n    {{ tail.steps }}\n\n    y = 1\n",
        "plain": "#: words\nplain\n\n#: steps\n\ny = {{ depth }}\n",
    },
    "tail": {"long": "#: steps\na = 1\nif a:\n    b = 2\n", "short": ""},
}
TEXT = (
    "# {{ body.words }}\nDEPTH = {{ depth }}  # layers\nRATE = 2e-3\n\n"
    "def f():\n    {{ body.steps }}\n\n    return {{ name }}\n"
)


def rendered(text: str = TEXT, **genotype: Value) -> str:
    return build("train.py", text, SLOTS, CHOICES).render(genotype, Texts())


def test_sections_stand_indented_in_their_place() -> None:
    assert rendered(depth=2, name="x", body="loop", tail="long") == (
        "# \nDEPTH = 2  # layers\nRATE = 2e-3\n\ndef f():\n    for _ in range(3):\n        a = 1\n        if a:\n"
        '            b = 2\n\n        y = 1\n\n    return "x"\n'
    )


def test_an_empty_section_takes_its_line_along_and_the_blank_lines_below() -> None:
    assert rendered(depth=2, name="x", body="loop", tail="short").splitlines()[5:] == [
        "    for _ in range(3):", "        y = 1", "", '    return "x"',
    ]  # fmt: skip


@settings(deadline=None)
@given(
    depth=st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    name=st.sampled_from(["", "tanh", "it's", "a # b", "é"]) | st.booleans(),
    body=st.sampled_from(["loop", "plain"]), tail=st.sampled_from(["long", "short"]),
    rate=st.sampled_from(["2e-3", "-7", ".5", "True", "'x'", '"# y"']),
)  # fmt: skip
def test_what_is_rendered_is_read_back(depth: float, name: Value, body: str, tail: str, rate: str) -> None:
    template = build("train.py", TEXT, SLOTS, CHOICES)
    genotype = {"depth": depth, "name": name, "body": body} | ({"tail": tail} if body == "loop" else {})
    text = template.render(genotype, Texts(free={"train.py:RATE": rate}))
    found = template.read(text, Texts())
    assert found.values() == genotype
    assert found.free == {"train.py:RATE": rate}
    assert template.render(genotype, found) == text


@settings(deadline=None)
@given(value=st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans() | st.text())
@example(2e-3)
@example(1e22)
@example(-0.0)
def test_a_literal_says_its_value(value: Value) -> None:
    assert ast.literal_eval(literal(value)) == value
    assert type(ast.literal_eval(literal(value))) is type(value)


def test_a_literal_is_as_a_person_writes_it() -> None:
    assert [literal(value) for value in (0.002, 0.9, 0.05, 1e-05, 3, "gelu")] == [
        "2e-3",
        "0.9",
        "0.05",
        "1e-5",
        "3",
        '"gelu"',
    ]


def test_what_stays_is_written_as_it_was() -> None:
    template = build("train.py", TEXT, SLOTS, CHOICES)
    text = rendered(depth=0.5, name="x", body="plain").replace("0.5", "5e-1")
    kept = template.read(text, Texts())
    assert template.render({"depth": 0.5, "name": "y", "body": "plain"}, kept) == text.replace('"x"', '"y"')


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("layers", "blocks", 2),
        ("RATE = 2e-3", "RATE = float(1)", 3),
        ("y = 2", "y = 3", 6),  # the slot has two holes, and they must agree
        ("DEPTH = 2", "DEPTH = 007", 2),
        ('return "x"\n', 'return "x"\nprint()\n', 9),
        ('return "x"\n', 'return "x"', 8),
    ],
)
def test_another_text_is_not_read_and_the_line_is_told(before: str, after: str, line: int) -> None:
    text = rendered(depth=2, name="x", body="plain")
    assert before in text
    with pytest.raises(Unread) as raised:
        build("train.py", TEXT, SLOTS, CHOICES).read(text.replace(before, after), Texts())
    assert raised.value.line == line


def test_a_text_that_could_be_read_in_too_many_ways_is_given_up() -> None:
    slots = {f"s{n}": True for n in range(40)}
    choices = {name: {"a": "", "b": "#: x\n\n"} | {"c": "#: x\nx\n"} for name in slots}
    template = build("train.py", "".join(f"{{{{ {name}.x }}}}" for name in slots) + "end\n", slots, choices)
    with pytest.raises(Unread):
        template.read("x" * 20 + "never\n", Texts())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ dept }}", "names no slot that is a constant. Did you mean 'depth'"),
        ("{{ body }}", "names no slot that is a constant"),
        ("{{ bodi.steps }}", "names no slot of code. Did you mean 'body'"),
        ("{{ depth.steps }}", "names no slot of code"),
        ("{{ body.stepps }}", "has a section stepps. Did you mean 'steps'"),
    ],
)
def test_a_hole_for_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build("train.py", text, SLOTS, CHOICES)


def test_a_section_cannot_hold_itself() -> None:
    with pytest.raises(ConfigError, match="body.steps holds itself"):
        build("train.py", TEXT, SLOTS, {**CHOICES, "body": {"loop": "#: steps\n{{ body.steps }}\n#: words\nx\n"}})
