"""What gates that read sources have in common: new code is refused with its line, what was there before is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest

from pawl.protocols import Gate
from pawl.testing.gates import SOURCE, GateContract, case


def says(gate: Gate, code: str, before: str = "") -> tuple[bool, str]:
    """What a gate says about a script that gained some code, beside one that had some already."""
    finding = gate.judge(case(reference_files={"train.py": SOURCE + before}, head_files={"train.py": SOURCE + code}))
    return finding.passed, finding.reason


class LetsPass(GateContract):
    """`passed` is code that only looks like what the gate refuses."""

    passed: ClassVar[Sequence[str]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "good" in metafunc.fixturenames:
            metafunc.parametrize("good", self.passed)

    def test_code_that_only_looks_like_it_passes(self, good: str) -> None:
        passed, reason = says(self.make(), good)
        assert passed, reason


class ReadsSources(LetsPass):
    """`refused` is code that the gate must refuse, wherever it is new."""

    refused: ClassVar[Sequence[str]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        super().pytest_generate_tests(metafunc)
        if "bad" in metafunc.fixturenames:
            metafunc.parametrize("bad", self.refused)

    def test_new_code_like_this_is_refused_with_its_line(self, bad: str) -> None:
        passed, reason = says(self.make(), bad)
        assert not passed
        assert "train.py:" in reason

    def test_what_the_reference_does_too_is_nobodys_cheat(self, bad: str) -> None:
        assert says(self.make(), bad + "DEPTH = 3\n", bad)[0]
