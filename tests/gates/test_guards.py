"""Other metrics that must not get worse: by estimate, by evidence of harm, and where asked, by proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.gates.guards import Guards
from pawl.protocols import Case, Guard
from pawl.records import Artifact, Usage
from pawl.testing.gates import GateContract, case, evaluation, run

USAGE = Usage(wall_s=2.0, cpu_s=1.9, peak_bytes=50_000_000)


class TestGuards(GateContract):
    def make(self) -> Guards:
        return Guards()


def guard(metric: str = "accuracy", direction: Any = "maximize", margin: float = 0.01, **also: bool) -> Guard:
    return Guard(metric, direction, margin, **{"relative": False, "proof": False, **also})


def scored(reference: Sequence[float], head: Sequence[float], metric: str = "accuracy") -> Case:
    """A case whose pairs have these values of a scorer's metric."""
    pairs = [value for pair in zip(reference, head, strict=True) for value in pair]
    return case(
        reference_runs=(run(1),) * len(reference), head_runs=(run(2),) * len(head),
        evaluations=tuple(evaluation(metrics={"bits_per_byte": 2.0, metric: value}) for value in pairs),
    )  # fmt: skip


def judged(found: Case, *guards: Guard, **settings: Any) -> tuple[bool, str]:
    finding = Guards(**settings).judge(Case(**{**{n: getattr(found, n) for n in Case.__slots__}, "guards": guards}))
    return finding.passed, finding.reason


def test_a_little_worse_is_within_the_margin_and_more_is_not() -> None:
    assert judged(scored([0.95] * 8, [0.945] * 8), guard()) == (
        True, "accuracy worse by 0.005 (worse by at most 0.01) (proven, e-value 86.9)",
    )  # fmt: skip
    passed, reason = judged(scored([0.95] * 8, [0.93] * 8), guard())
    assert not passed
    assert reason.startswith("accuracy worse by 0.02 (worse by at most 0.01); shown to be worse (e-value ")
    assert judged(scored([0.95] * 3, [0.93] * 3), guard()) == (
        False, "accuracy worse by 0.02 (worse by at most 0.01)",
    )  # fmt: skip


def test_proof_needs_evidence_and_not_only_a_good_look() -> None:
    few, many = scored([0.95] * 3, [0.95] * 3), scored([0.95] * 9, [0.95] * 9)
    assert judged(few, guard())[0]
    assert "not proven by 3 pairs" in judged(few, guard(proof=True))[1]
    assert judged(many, guard(proof=True))[0]


@pytest.mark.parametrize(
    ("metric", "usage"),
    [
        ("cpu_seconds", {"cpu_s": 2.5}), ("wall_seconds", {"wall_s": 2.5}), ("memory_bytes", {"peak_bytes": 6 * 10**7}),
    ],
)  # fmt: skip
def test_a_cost_is_a_ratio_to_the_references(metric: str, usage: dict[str, float]) -> None:
    dear = run(2, usage=Usage.model_validate({**USAGE.model_dump(), **usage}))
    found = case(head_runs=(dear,) * 8)
    assert not judged(found, guard(metric, "minimize", 1.1, relative=True))[0]
    passed, reason = judged(found, guard(metric, "minimize", 1.5, relative=True))
    assert passed
    assert "times worse (at most 1.5)" in reason


def test_sizes_and_the_time_of_predictions_are_measured_too() -> None:
    big = run(2, artifacts=(Artifact(name="w.npz", digest="d1" * 32, size=10**6),))
    slow = evaluation(usage=Usage(wall_s=1.0, cpu_s=0.2, peak_bytes=1))
    found = case(head_runs=(big,) * 8, evaluations=(evaluation(), slow) * 8)
    for metric in ("artifact_bytes", "predict_seconds"):
        assert not judged(found, guard(metric, "minimize", 2.0, relative=True))[0]


def test_one_slow_run_on_a_busy_machine_does_not_decide_and_one_disaster_of_a_score_does() -> None:
    slow = run(2, usage=Usage(wall_s=900.0, cpu_s=900.0, peak_bytes=50_000_000))
    assert judged(case(head_runs=(run(2),) * 7 + (slow,)), guard("cpu_seconds", "minimize", 1.1, relative=True))[0]
    assert not judged(scored([0.95] * 8, [0.96] * 7 + [0.1]), guard())[0]


def test_every_slice_is_guarded_and_one_of_them_is_enough() -> None:
    values = {"log_loss@0": 0.5, "log_loss@1": 0.5}
    worse = {**values, "log_loss@1": 0.7}
    same, one = (
        case(evaluations=(evaluation(metrics=values), evaluation(metrics=head)) * 8) for head in (values, worse)
    )
    every = guard("log_loss@*", "minimize", 0.05)
    assert judged(same, every)[0]
    passed, reason = judged(one, every)
    assert (passed, reason.split()[0], "@0" in reason) == (False, "log_loss@1", False)
    assert judged(one, guard("log_loss@0", "minimize", 0.05))[0]
    assert "not every run has it" in judged(case(), every)[1]


def test_what_is_missing_or_said_of_itself_is_refused() -> None:
    assert judged(case()) == (False, "the policy has no [[guard]]: nothing is guarded")
    assert judged(case(), guard("accuracy"))[1] == "accuracy: not every run has it"
    printed = case(head_runs=(run(2, summary={"f1": 0.9}),) * 8, reference_runs=(run(1, summary={"f1": 0.9}),) * 8)
    assert judged(printed, guard("f1"))[1] == "f1: self-reported by the script under test"
    assert judged(printed, guard("f1"), allow_self_reported=True)[0]
    forged = case(head_runs=(run(2, summary={"memory_bytes": 1.0}, usage=USAGE),) * 8)
    assert "1 times worse" in judged(forged, guard("memory_bytes", "minimize", 1.1, relative=True))[1]
    assert "has no ratio" in judged(scored([0.0] * 8, [0.0] * 8), guard(relative=True, margin=1.1))[1]


def test_failed_runs_are_left_to_the_crash_rate_and_pairs_without_any_value_are_refused() -> None:
    failed = run(2, outcome="crashed", reason="exit 1", artifacts=())
    memory = guard("memory_bytes", "minimize", 1.1, relative=True)
    assert judged(case(head_runs=(failed, *(run(2),) * 7)), memory)[0]
    assert judged(case(head_runs=(failed,) * 8), memory)[1] == "memory_bytes: no pair has it on both sides"


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), min_size=1, max_size=12),
    st.floats(0, 0.5), st.floats(0, 0.5), st.sampled_from(["minimize", "maximize"]), st.booleans(),
)  # fmt: skip
def test_a_wider_margin_never_refuses_by_estimate_what_a_narrower_one_passed(
    pairs: list[tuple[float, float]], margin: float, more: float, direction: Any, relative: bool
) -> None:
    found = scored(*zip(*pairs, strict=True))
    shift = 1.0 if relative else 0.0
    narrow, wide = (
        judged(found, guard("accuracy", direction, shift + m, relative=relative)) for m in (margin, margin + more)
    )
    assert wide[0] or not narrow[0] or "shown to be worse" in wide[1]


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), min_size=1, max_size=12))
def test_less_of_a_loss_is_more_of_its_negative(pairs: list[tuple[float, float]]) -> None:
    down = judged(scored(*zip(*pairs, strict=True)), guard(direction="minimize"))
    flipped = [(-a, -b) for a, b in pairs]
    assert down == judged(scored(*zip(*flipped, strict=True)), guard(direction="maximize"))
