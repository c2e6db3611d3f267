"""Files that this training made: not another variant's, not the same again, not the same for every seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gates.control_cases import case, runs, weights
from pawl.envelope import sha256
from pawl.gates.freshness import Freshness
from pawl.records import Finding
from pawl.testing.gates import GateContract

DRAW = np.random.default_rng(1)
THEIRS = [weights(DRAW.standard_normal(50)) for _ in range(4)]
MINE = [weights(DRAW.standard_normal(60)) for _ in range(4)]


class TestFreshness(GateContract):
    def make(self) -> Freshness:
        return Freshness()


del GateContract


def judged(mine: list[bytes], theirs: list[bytes] = THEIRS, **changes: Any) -> Finding:
    (head, artifacts), (reference, others) = runs(2, mine), runs(1, theirs)
    fields = {"head_runs": head, "reference_runs": reference, "artifacts": artifacts, "reference_artifacts": others}
    return Freshness().judge(case(**{**fields, **changes}))


def test_weights_of_this_training_pass() -> None:
    assert judged(MINE).passed


def test_files_of_another_variant_are_refused() -> None:
    finding = judged(MINE, earlier={sha256(MINE[2]): 17})
    assert (finding.passed, finding.reason) == (
        False, "seed 2 left nothing but files that variant 17 wrote on another seed",
    )  # fmt: skip


def test_the_same_files_for_two_seeds_are_refused_unless_the_reference_does_so_too() -> None:
    repeated = [MINE[0], MINE[1], MINE[0], MINE[1]]
    assert not judged(repeated).passed
    assert judged(repeated, [THEIRS[0]] * 4).passed


@pytest.mark.parametrize(("spread", "passes"), [(1e-4, False), (0.1, True)])
def test_weights_must_depend_on_the_seed_as_the_references_do(spread: float, passes: bool) -> None:
    base = DRAW.standard_normal(60)
    assert judged([weights(base + spread * DRAW.standard_normal(60)) for _ in range(4)]).passed == passes


def test_a_seed_written_beside_the_weights_does_not_make_them_fresh() -> None:
    base = DRAW.standard_normal(600)
    finding = judged([weights(base, DRAW.random(4) / 100) for _ in range(4)])
    assert not finding.passed
    assert "hardly depend on the seed" in finding.reason


def test_a_large_seed_beside_the_weights_does_not_make_them_stale() -> None:
    assert judged([weights(DRAW.standard_normal(600), np.array([10**9 + seed])) for seed in range(4)]).passed


def test_a_reference_without_spread_asks_for_none() -> None:
    same = weights(np.ones(5))
    assert judged([weights(np.full(5, 2.0))] * 4, [same] * 4).passed


def test_other_kinds_of_files_than_the_references_cannot_be_compared() -> None:
    assert not judged(MINE, reference_artifacts={}).passed
    assert not judged(MINE, artifacts={"20:notes.json": b"{}"}).passed
    assert judged(MINE, artifacts={"20:notes.json": b"{}"}, reference_artifacts={"10:notes.json": b"{}"}).passed


def test_weights_that_do_not_parse_are_refused_and_never_raised() -> None:
    assert not judged(MINE, artifacts={"20:weights.npz": b"PK garbage", "21:weights.npz": b""}).passed
