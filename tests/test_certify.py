"""When a certificate stops, and what it says: the decision after every pair."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.certify import decide, signed
from pawl.evidence import ClippedMean, SignFlip, threshold
from pawl.policy import CertificationTable
from pawl.records import Pair

TEST, RULES, BAR = SignFlip(1.0), CertificationTable(), threshold(1, 0, 0.1)


def pair(reference: float | None, head: float | None) -> Pair:
    both = reference is not None and head is not None
    gain = reference - head if reference is not None and head is not None else None
    return Pair(
        seed=1, reference=2, head=3, reference_score=reference, head_score=head, gain=gain,
        cpu_ratio=1.0 if both else None,
    )  # fmt: skip


def test_a_clear_gain_is_certified_after_five_pairs_and_not_before() -> None:
    assert [decide([3.0] * n, TEST, BAR, RULES).outcome for n in range(1, 6)] == ["", "", "", "", "certified"]


@given(st.lists(st.floats(-4, 4) | st.sampled_from([math.inf, -math.inf, math.nan]), min_size=20, max_size=20))
@settings(max_examples=40, deadline=None)
def test_a_forecast_ends_where_a_certificate_does(gains: list[float]) -> None:
    for test in (TEST, ClippedMean(1.0)):
        said = [decide(gains[:n], test, BAR, RULES).outcome for n in range(1, 21)]
        first = next(n for n, outcome in enumerate(said, start=1) if outcome)
        assert RULES.stop(BAR).end(test, gains) == (first, said[first - 1])


def test_a_clear_loss_is_futile_soon() -> None:
    assert decide([-3.0, -3.0], TEST, BAR, RULES).outcome == "futile"


def test_what_can_no_longer_reach_the_threshold_is_futile_before_the_pairs_run_out() -> None:
    gains = [1.0, -1.0] * 8
    outcomes = [decide(gains[:n], TEST, BAR, CertificationTable(futility=0.0)).outcome for n in range(1, 17)]
    assert "futile" in outcomes
    first = outcomes.index("futile") + 1
    assert TEST.best_case(list(TEST.wealth(gains[:first]))[-1], RULES.pairs - first) < BAR


def test_when_the_pairs_run_out_it_is_exhausted() -> None:
    rules = CertificationTable(pairs=5, futility=0.0)
    assert decide([3.0, 3.0, 3.0, 3.0, 0.1], TEST, BAR, rules).outcome == "exhausted"


def test_later_certificates_need_more_evidence_and_won_ones_make_it_cheaper() -> None:
    gains = [3.0] * 5
    assert decide(gains, TEST, threshold(2, 0, 0.1), RULES).outcome == ""
    assert threshold(2, 1, 0.1) == pytest.approx(threshold(2, 0, 0.1) / 2)


def test_where_one_arm_fails_alone_the_other_wins_by_infinity() -> None:
    assert signed(pair(1.0, 0.5)) == 0.5
    assert signed(pair(1.0, None)) == -math.inf
    assert signed(pair(None, 1.0)) == math.inf
    assert math.isnan(signed(pair(None, None)))


def test_a_head_that_crashes_now_and_then_pays_for_each_crash() -> None:
    assert decide([3.0] * 4 + [-math.inf], TEST, BAR, RULES).e_value < 1
