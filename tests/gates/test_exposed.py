"""Sealed rows in what a sandbox shows void a gain; nobody having looked does too."""

from __future__ import annotations

from pawl.gates.exposed import Exposed
from pawl.testing.gates import GateContract, case

FOUND = ("data/train.npz: holds 1 of the 449 rows looked for of sealed/validation.npz",)


class TestExposed(GateContract):
    def make(self) -> Exposed:
        return Exposed()


def test_rows_that_were_found_are_refused_with_their_place() -> None:
    assert Exposed().judge(case(exposed=())).passed
    finding = Exposed().judge(case(exposed=FOUND))
    assert (finding.passed, finding.reason) == (False, FOUND[0])


def test_a_place_that_the_owner_knows_of_is_let_pass_and_no_other() -> None:
    assert Exposed(allowed=("data/train.npz",)).judge(case(exposed=FOUND)).passed
    assert not Exposed(allowed=("data/other.npz",)).judge(case(exposed=FOUND)).passed


def test_where_nobody_looked_it_refuses() -> None:
    assert "nobody looked" in Exposed().judge(case(exposed=None)).reason
    assert not Exposed().judge(case(exposed=None)).passed
