"""Nothing comes in by the network, other programs, native code or pickles."""

from __future__ import annotations

import pytest

from pawl.gates.fetched import Fetched
from pawl.testing.gates import SOURCE, GateContract, case


class TestFetched(GateContract):
    def make(self) -> Fetched:
        return Fetched()


def judged(code: str, before: str = "", **settings: object) -> tuple[bool, str]:
    """What it says about a script that gained some code, beside one that had some already."""
    finding = Fetched(**settings).judge(  # type: ignore[arg-type]
        case(reference_files={"train.py": SOURCE + before}, head_files={"train.py": SOURCE + code})
    )
    return finding.passed, finding.reason


REFUSED = [
    "import socket\n",
    "from urllib.request import urlopen\n",
    "import subprocess\n",
    'os.system("ls")\n',
    "import ctypes\n",
    "import pickle\n",
    'x = np.load("m.npy", allow_pickle=True)\n',
    'import torch\nx = torch.hub.load("a/b", "c")\n',
    'import torch\nx = torch.load("m.pt", weights_only=False)\n',
    'ADDRESS = "https://example.org/w.npz"\n',
    "from torchvision.models import resnet18\n",
    'from os import popen\nx = popen("ls")\n',
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
    'x = np.load("m.npy", allow_pickle=False)\n',
    'x = 1\n"""See https://arxiv.org/abs/1412.6980."""\n',
    "# from https://arxiv.org/abs/1412.6980\n",
    "import json\n",
    'x = os.path.join("a", "b")\n',
    "weights = layers\nnp.average(layers[0], weights=layers[1])\n",
]


@pytest.mark.parametrize("code", PASSED)
def test_code_that_only_looks_like_it_passes(code: str) -> None:
    passed, reason = judged(code)
    assert passed, reason
