"""Data come from the study: not from packages, folders or files elsewhere."""

from __future__ import annotations

from reads_sources import ReadsSources, says

from pawl.gates.foreign import Foreign


def judged(code: str, before: str = "", **settings: object) -> tuple[bool, str]:
    return says(Foreign(**settings), code, before)  # type: ignore[arg-type]


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


PASSED = [
    'x = np.load("data/train.npz")\n',
    'x = open("/out/model.txt", "w")\n',
    "import math\n",
    'ratio = "1/2"\n',
    'x = os.environ["PAWL_SEED"]\n',
    '"""Reads like /usr/share would be opened, and is a docstring."""\n',
    'print("tokens / second")\n',
]


class TestForeign(ReadsSources):
    refused = REFUSED
    passed = PASSED

    def make(self) -> Foreign:
        return Foreign()


def test_a_package_can_be_allowed() -> None:
    assert judged("import sklearn\n", allowed=("sklearn",))[0]
    assert not judged("import sklearn\nimport nltk\n", allowed=("sklearn",))[0]
