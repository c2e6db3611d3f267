"""What a challenger may cost: the dearest of its runs counts, each limit on its own."""

from __future__ import annotations

from typing import Any

import pytest

from pawl.gates.limits import Limits
from pawl.protocols import Case
from pawl.records import Artifact, Usage
from pawl.testing.gates import PATCH, GateContract, case, certificate, run

MIB = 2**20


class TestLimits(GateContract):
    def make(self) -> Limits:
        return Limits()


def heads(**usage: Any) -> Case:
    dear = run(usage=Usage(**{"wall_s": 2.0, "cpu_s": 1.9, "peak_bytes": 50 * MIB, **usage}))
    return case(head_runs=(run(), dear, run()))


def judged(case: Case, **settings: Any) -> tuple[bool, str]:
    finding = Limits(**settings).judge(case)
    return finding.passed, finding.reason


def test_what_is_affordable_passes_and_says_what_it_costs() -> None:
    passed, reason = judged(case(head_runs=(run(usage=Usage(wall_s=2.0, cpu_s=1.9, peak_bytes=50 * MIB)),)))
    assert passed
    assert reason == "2.0 s, 50 MiB, artifacts 0.00 MiB, 2 lines changed, 1.00 times the reference's CPU"


@pytest.mark.parametrize(
    ("usage", "settings", "said"),
    [
        ({"wall_s": 61.0}, {"wall_s": 60.0}, "wall time 61 s, more than 60"),
        ({"peak_bytes": 101 * MIB}, {"memory_mib": 100.0}, "memory 101 MiB, more than 100"),
    ],
)
def test_one_run_beyond_a_limit_is_refused_with_both_numbers(
    usage: dict[str, Any], settings: dict[str, Any], said: str
) -> None:
    assert judged(heads(**usage), **settings) == (False, said)
    assert judged(heads(), **settings)[0]


def test_the_artifacts_of_one_run_count_together() -> None:
    two = tuple(Artifact(name=f"{n}.npz", digest="d" * 64, size=3 * MIB) for n in range(2))
    big = case(head_runs=(run(), run(artifacts=two)))
    assert judged(big, artifact_mib=5.0) == (False, "artifacts 6 MiB, more than 5")
    assert judged(big, artifact_mib=6.0)[0]


def test_the_references_own_cost_is_not_held_against_the_head() -> None:
    dear = run(1, usage=Usage(wall_s=9e9, cpu_s=1.0, peak_bytes=2**50))
    assert judged(case(reference_runs=(dear,)))[0]


@pytest.mark.parametrize(("ratio", "passes"), [(0.5, True), (1.25, True), (1.26, False), (None, False)])
def test_cpu_is_bounded_beside_the_reference_and_must_be_known(ratio: float | None, passes: bool) -> None:
    passed, reason = judged(case(certificate=certificate(cpu_ratio=ratio)))
    assert passed == passes
    assert passes or ("not known" if ratio is None else "1.26 times the reference's CPU, more than 1.25") in reason


def test_changed_lines_are_counted_without_the_names_of_files() -> None:
    assert judged(case(), patch_lines=2)[0]
    assert judged(case(), patch_lines=1) == (False, "patch 2 lines, more than 1")
    assert judged(case(patch=PATCH + PATCH.replace("train", "model")), patch_lines=3)[1] == "patch 4 lines, more than 3"


@pytest.mark.parametrize(
    ("line", "place"), [("+++x", "-0,0 +1,9"), ("--- comment", "-1,9 +0,0"), ("+++ b = 1", "-0,0 +1,9")]
)
def test_no_line_of_a_patch_is_free(line: str, place: str) -> None:
    patch = f"--- a/train.py\n+++ b/train.py\n@@ {place} @@\n" + f"{line}\n" * 9
    assert judged(case(patch=patch), patch_lines=5) == (False, "patch 9 lines, more than 5")


def test_lines_that_did_not_change_are_free() -> None:
    assert judged(case(patch=PATCH.replace("-1,2 +1,2", "-1,52 +1,52") + "\n" * 50), patch_lines=2)[0]


def test_a_line_is_what_git_calls_a_line() -> None:
    patch = PATCH.replace("+1,2", "+1,3") + "+a = '\x0c+\u2028-\x85+'\n"
    assert judged(case(patch=patch), patch_lines=3)[0]
    assert judged(case(patch=patch), patch_lines=2) == (False, "patch 3 lines, more than 2")


def test_all_limits_that_are_broken_are_told() -> None:
    passed, reason = judged(heads(wall_s=9.0), wall_s=1.0, memory_mib=1.0, patch_lines=0)
    assert not passed
    assert reason.count("; ") == 2


def test_without_runs_there_is_nothing_to_afford() -> None:
    assert judged(case(head_runs=())) == (False, "there is no run to look at")
