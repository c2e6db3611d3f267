"""Code can be read as it stands: no text is run, no name is made at run time."""

from __future__ import annotations

import pytest

from pawl.gates.obscured import Obscured
from pawl.testing.gates import SOURCE, GateContract, case


class TestObscured(GateContract):
    def make(self) -> Obscured:
        return Obscured()


def judged(code: str, before: str = "", **settings: object) -> tuple[bool, str]:
    """What it says about a script that gained some code, beside one that had some already."""
    finding = Obscured(**settings).judge(  # type: ignore[arg-type]
        case(reference_files={"train.py": SOURCE + before}, head_files={"train.py": SOURCE + code})
    )
    return finding.passed, finding.reason


REFUSED = [
    'exec("x = 1")\n',
    "run = eval\n",
    'x = getattr(np, "lo" + "ad")\n',
    'x = __import__("os")\n',
    'import importlib\nx = importlib.import_module("o" + "s")\n',
    "np.load = print\n",
    "x = ().__class__.__mro__\n",
    'import base64\nx = base64.b64decode("eA==")\n',
    'x = "".join(chr(n) for n in (111, 115))\n',
    "from numpy import *\n",
    'x = globals()["DEPTH"]\n',
    "import builtins\n",
    "Il1O0 = 3\n",
    'x = getattr(np, "__dict__")\n',
    "st\u0435p = 1\n",
    f"x = 1{' + 1' * 120}\n",
]


@pytest.mark.parametrize("code", REFUSED)
def test_new_code_like_this_is_refused_with_its_line(code: str) -> None:
    passed, reason = judged(code)
    assert not passed
    assert "train.py:" in reason


@pytest.mark.parametrize("code", REFUSED)
def test_what_the_reference_does_too_is_nobodys_cheat(code: str) -> None:
    assert judged(code + "DEPTH = 3\n", code)[0]


PASSED = [
    'import re\nx = re.compile("a+")\n',
    'KIND = "maximum"\nx = getattr(np, KIND)(1, 2)\n',
    "class Model:\n    def eval(self):\n        return self\n\n\nModel().eval()\n",
    'x = ", ".join(str(n) for n in (1, 2))\n',
    "x = layers.copy()\nx.flags.writeable = False\n",
    "\u03c3 = 0.1\n",
    'import importlib\nx = importlib.import_module("math")\n',
]


@pytest.mark.parametrize("code", PASSED)
def test_code_that_only_looks_like_it_passes(code: str) -> None:
    passed, reason = judged(code)
    assert passed, reason
