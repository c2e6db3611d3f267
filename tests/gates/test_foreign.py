"""Data come from the study: not from packages, folders or files elsewhere."""

from __future__ import annotations

import pytest

from pawl.gates.foreign import Foreign
from pawl.testing.gates import SOURCE, GateContract, case


class TestForeign(GateContract):
    def make(self) -> Foreign:
        return Foreign()


def judged(code: str, before: str = "", **settings: object) -> tuple[bool, str]:
    """What it says about a script that gained some code, beside one that had some already."""
    finding = Foreign(**settings).judge(  # type: ignore[arg-type]
        case(reference_files={"train.py": SOURCE + before}, head_files={"train.py": SOURCE + code})
    )
    return finding.passed, finding.reason


REFUSED = [
    "import sklearn.datasets\n",
    "from torchvision import datasets\n",
    'for root, _, names in os.walk("."):\n    pass\n',
    "import sys\nx = sys.path\n",
    'x = open("/usr/share/dict/words").read()\n',
    'x = np.load("../other.npz")\n',
    "x = np.__file__\n",
    'from pathlib import Path\nx = list(Path("data").rglob("*"))\n',
    'x = os.environ["HOME"]\n',
    'x = os.path.expanduser("~/data.csv")\n',
    "import inspect\nx = inspect.getsource(np.load)\n",
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
    'x = np.load("data/train.npz")\n',
    'x = open("/out/model.txt", "w")\n',
    "import math\n",
    'ratio = "1/2"\n',
    'x = os.environ["PAWL_SEED"]\n',
    '"""Reads like /usr/share would be opened, and is a docstring."""\n',
    'print("tokens / second")\n',
]


@pytest.mark.parametrize("code", PASSED)
def test_code_that_only_looks_like_it_passes(code: str) -> None:
    passed, reason = judged(code)
    assert passed, reason


def test_a_package_can_be_allowed() -> None:
    assert judged("import sklearn\n", allowed=("sklearn",))[0]
    assert not judged("import sklearn\nimport nltk\n", allowed=("sklearn",))[0]
