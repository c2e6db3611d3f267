"""The contract that every gate keeps, and what this one adds."""

from __future__ import annotations

import pytest
from pawl_gate_imports import Imports

from pawl.protocols import Gate
from pawl.testing.gates import GateContract, case


class TestImportsContract(GateContract):
    def make(self) -> Gate:
        return Imports(allowed=("numpy",))


@pytest.mark.parametrize(
    ("line", "passed"),
    [
        ("+import numpy as np", True),
        ("+import numpy.linalg", True),
        ("+    from numpy import linalg", True),
        ("+DEPTH = 3", True),
        ("-import os", True),
        (" import os", True),
        ("+import os", False),
        ("+import numpy, os", False),
        ("+    from os.path import join", False),
    ],
)
def test_only_added_imports_off_the_list_are_refused(line: str, passed: bool) -> None:
    finding = Imports(allowed=("numpy",)).judge(case(patch=f"--- a/train.py\n+++ b/train.py\n{line}\n"))
    assert finding.passed is passed
    assert ("os" in finding.reason) is not passed


def test_a_single_word_is_not_a_list() -> None:
    with pytest.raises(ValueError, match="must be a list"):
        Imports(allowed="numpy")
