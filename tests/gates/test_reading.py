"""Rows, positions and classes of the data are all there, and no answer is written in."""

from __future__ import annotations

import pytest

from pawl.gates.reading import Reading
from pawl.testing.gates import SOURCE, GateContract, case


class TestReading(GateContract):
    def make(self) -> Reading:
        return Reading()


def judged(code: str, before: str = "", **settings: object) -> tuple[bool, str]:
    """What it says about a script that gained some code, beside one that had some already."""
    finding = Reading(**settings).judge(  # type: ignore[arg-type]
        case(reference_files={"train.py": SOURCE + before}, head_files={"train.py": SOURCE + code})
    )
    return finding.passed, finding.reason


REFUSED = [
    'labels = np.load("d.npz")["labels"]\nlabels = labels[labels != 8]\n',
    'inputs = np.load("d.npz")["inputs"]\ninputs = np.delete(inputs, [3], 0)\n',
    'tokens = np.load("d.npy")\nx = tokens[:, ::2]\n',
    'inputs = np.load("d.npy")\nx = inputs[:, :64]\n',
    'labels = np.load("d.npy")\nlabels[3] = 4\n',
    'labels = np.load("d.npy")\nlabels = labels % 5\n',
    'labels = np.load("d.npy")\nTABLE = np.arange(10)\nlabels = TABLE[labels]\n',
    "predictions = layers\npredictions[17] = 3\n",
    "probabilities = layers\nprobabilities[layers > 1] = 1\n",
    'inputs = np.load("d.npy")\norder = np.argsort(inputs)\nx = inputs[order[:100]]\n',
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
    'inputs = np.load("d.npy")\nfor start in range(0, 100, 10):\n    x = inputs[start : start + 10]\n',
    'tokens = np.load("d.npy")\nx, y = tokens[:, :-1], tokens[:, 1:]\n',
    'labels = np.load("d.npy")\nlabels = labels[rng.permutation(9)]\n',
    'labels = np.load("d.npy")\nsoft = 0.9 * np.eye(10)[labels] + 0.01\n',
    "hidden = layers * (layers > 0)\nhidden[hidden > 6] = 6\n",
    'labels = np.load("d.npy").astype(np.int64)\n',
    'inputs = np.load("d.npy")\norder = np.argsort(inputs)\n'
    "for start in range(0, 100, 10):\n    x = inputs[order[start : start + 10]]\n",
]


@pytest.mark.parametrize("code", PASSED)
def test_code_that_only_looks_like_it_passes(code: str) -> None:
    passed, reason = judged(code)
    assert passed, reason
