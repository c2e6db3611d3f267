"""Looked at again: only editable files, artifacts that parse, walls that held, one environment."""

from __future__ import annotations

import io
import math
import pickle
from typing import Any

import numpy as np
import pytest

from pawl.gates.integrity import Integrity
from pawl.protocols import Case
from pawl.records import Evaluation, Isolation
from pawl.testing.gates import GateContract, case, evaluation, run, weights

UNSAFE = Isolation(sandbox="unsafe", version="", safe=False, held=())


class TestIntegrity(GateContract):
    def make(self) -> Integrity:
        return Integrity()


def judged(case: Case, **settings: Any) -> tuple[bool, str]:
    finding = Integrity(**settings).judge(case)
    return finding.passed, finding.reason


def test_a_case_without_fault_passes_and_says_what_was_looked_at() -> None:
    assert judged(case()) == (True, "1 editable file(s) changed, 1 artifacts parse, all walls held")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ((), "nothing differs from the reference"),
        ((("100644", "predict.py"),), "predict.py changed and is not editable"),
        ((("100644", "train.py"), ("100644", "x/train.py")), "x/train.py changed and is not editable"),
        ((("120000", "train.py"),), "train.py is no longer a regular file (mode 120000)"),
        ((("000000", "train.py"),), "train.py is no longer a regular file (mode 000000)"),
        ((("160000", "train.py"),), "train.py is no longer a regular file (mode 160000)"),
    ],
)
def test_a_change_that_may_not_be_is_refused(changed: tuple[tuple[str, str], ...], said: str) -> None:
    assert judged(case(changed=changed)) == (False, said)


def nan() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, w=np.array([math.nan]))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("9:weights.npz", b"garbage", "weights.npz cannot be read"),
        ("9:weights.npz", weights()[:-9], "weights.npz cannot be read"),
        ("9:deep/weights.npz", nan(), "deep/weights.npz: w holds NaN or infinity"),
        ("9:model.pkl", pickle.dumps({}), "model.pkl is of a kind that is not accepted"),
        ("9:report.json", b"{", "report.json is not JSON"),
    ],
)
def test_an_artifact_that_does_not_parse_is_refused_though_others_do(name: str, content: bytes, said: str) -> None:
    passed, reason = judged(case(artifacts={"8:weights.npz": weights(), name: content}))
    assert not passed
    assert reason.startswith(said)


def test_what_an_artifact_unpacks_to_is_bounded() -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, w=np.zeros(2 * 2**20, np.uint8))
    big = case(artifacts={"9:w.npz": buffer.getvalue()})
    assert judged(big, unpacked_mib=3)[0]
    assert judged(big, unpacked_mib=1) == (False, "w.npz unpacks to more than 1 MiB")


def test_without_artifacts_there_is_nothing_to_release() -> None:
    assert judged(case(artifacts={})) == (False, "no run of the head left an artifact")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_that_is_not_finite_is_refused_though_the_record_should_have(value: float) -> None:
    forged = Evaluation.model_construct(**{**dict(evaluation()), "metrics": {"m": value}})
    assert judged(case(evaluations=(evaluation(), forged))) == (False, "the evaluation of run 3 is not finite")


@pytest.mark.parametrize("arm", ["head_runs", "reference_runs"])
def test_one_run_without_walls_is_refused_unless_policy_allows_it(arm: str) -> None:
    runs: dict[str, Any] = {arm: (run(), run(isolation=UNSAFE))}
    assert judged(case(**runs)) == (False, "runs were not isolated (unsafe sandbox)")
    assert judged(case(**runs, allow_unsafe=True))[0]


def test_both_arms_share_one_environment() -> None:
    assert judged(case(reference_runs=(run(environment="a" * 64),))) == (
        False,
        "the runs did not share one environment",
    )


@pytest.mark.parametrize(
    "missing", [{"head_runs": ()}, {"reference_runs": ()}, {"head_runs": (), "reference_runs": ()}]
)
def test_walls_around_nothing_did_not_hold(missing: dict[str, Any]) -> None:
    assert not judged(case(**missing))[0]


def test_many_problems_are_told_up_to_five() -> None:
    passed, reason = judged(case(changed=tuple(("100644", f"{n}.py") for n in range(9)), artifacts={}))
    assert not passed
    assert reason.count("; ") == 4
