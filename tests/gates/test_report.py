"""Values that the reference reports are computed as before, or refused."""

from __future__ import annotations

import pytest
from reads_sources import LetsPass, says

from pawl.gates.report import Report


def judged(code: str, before: str = "", **settings: object) -> tuple[bool, str]:
    return says(Report(**settings), code, before)  # type: ignore[arg-type]


PASSED = [
    'print("more: 3")\n',
    'loss = 3\nprint(f"loss: {loss}")\n',
]


class TestReport(LetsPass):
    passed = PASSED

    def make(self) -> Report:
        return Report()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("print(f'loss: {layers.sum()}')\n", "print(f'loss: {layers.sum() / 2}')\n"),
        ("print(f'loss: {layers.sum()}')\n", ""),
        ("print('loss:', layers.sum())\n", "print('loss:', 0.1)\n"),
        ("loss = layers.sum()\nprint(f'loss: {loss}')\n", "loss = layers.min()\nprint(f'loss: {loss}')\n"),
        ("loss = layers.sum()\nprint(f'loss: {loss}')\n", "loss = layers.sum()\nloss *= 0.5\nprint(f'loss: {loss}')\n"),
    ],
)
def test_another_value_under_the_same_name_is_refused(before: str, after: str) -> None:
    passed, reason = judged(after, before)
    assert not passed
    assert "loss" in reason


TRAIN = "def train(n):\n    return n\n\n\nloss = train(int(os.environ['PAWL_BUDGET']))\n"


def test_how_training_makes_it_is_free_and_correcting_it_afterwards_is_not() -> None:
    said = "print(f'loss: {loss / 2}')\n"
    other = TRAIN.replace("train(int(os.environ['PAWL_BUDGET']))", "train(int(os.environ['PAWL_BUDGET']) + 0)")
    assert judged(other + said, TRAIN + said)[0]
    assert not judged(TRAIN + "loss = loss - 1\n" + said, TRAIN + said)[0]
