"""The strict test: fair for the clipped mean, whatever the shape of the gains."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundles import both_say, exported, known
from pawl import app, keys
from pawl.certify import decide
from pawl.errors import ConfigError
from pawl.evidence import ClippedMean, SignFlip, threshold
from pawl.policy import CertificationTable, Policy
from pawl.records import Preregistration
from pawl.tables import parse
from studies import toy

TEST, BAR = ClippedMean(1.0), threshold(1, 0, 0.1)
STRICT = CertificationTable(test="clipped-mean", pairs=40)
GAIN = st.floats(-50, 50) | st.sampled_from([0.0, -0.0, 1e-300, 1e300, -1e300, math.inf, -math.inf])


def test_the_value_is_the_formula() -> None:
    gains, scale = [0.3, -0.1, 0.0, 9.0], 0.4
    by_hand = fmean(math.prod(1 + stake * min(max(gain / scale, -3), 3) / 3 for gain in gains) for stake in (0.5, 0.98))
    assert ClippedMean(scale).e_value(gains) == pytest.approx(by_hand, rel=1e-12)


@given(st.lists(GAIN, max_size=6), st.lists(st.integers(-9, 9), min_size=2, max_size=6), st.sampled_from([0.05, 1.0]))
@settings(max_examples=60, deadline=None)
def test_after_any_past_a_draw_whose_clipped_mean_is_zero_changes_nothing_on_average(
    past: list[float], draws: list[int], scale: float
) -> None:
    """Any law on finitely many values with clipped mean 0, lopsided ones too, each value as likely as the next."""
    centred = [draw - fmean(draws) for draw in draws]
    largest = max(map(abs, centred)) or 1.0
    values = [draw / largest * 2.9 * scale for draw in centred]  # inside the clip, so that the mean stays 0
    test = ClippedMean(scale)
    after = fmean(test.e_value([*past, value]) for value in values)
    assert after == pytest.approx(test.e_value(past), rel=1e-9)


@given(st.lists(st.tuples(GAIN, GAIN), max_size=8), st.sampled_from([1e-9, 1.0, 30.0]))
@settings(max_examples=60, deadline=None)
def test_better_gains_never_give_less_evidence(pairs: list[tuple[float, float]], scale: float) -> None:
    test = ClippedMean(scale)
    assert test.e_value([min(pair) for pair in pairs]) <= test.e_value([max(pair) for pair in pairs]) * (1 + 1e-12)


@given(st.lists(st.floats(-50, 50), max_size=6), st.floats(1e-3, 1e3))
@settings(max_examples=30, deadline=None)
def test_the_unit_of_the_metric_does_not_matter(gains: list[float], unit: float) -> None:
    assert ClippedMean(unit).e_value([gain * unit for gain in gains]) == pytest.approx(TEST.e_value(gains), rel=1e-6)


@given(st.lists(st.floats(0, 50), max_size=7))
@settings(max_examples=25, deadline=None)
def test_over_all_sign_flips_the_mean_is_exactly_one(sizes: list[float]) -> None:
    flips = itertools.product((1, -1), repeat=len(sizes))
    values = [TEST.e_value([sign * size for sign, size in zip(signs, sizes, strict=True)]) for signs in flips]
    assert fmean(values) == pytest.approx(1, abs=1e-9)


def lopsided(rng: np.random.Generator, shape: tuple[int, int]) -> list[list[float]]:
    """Usually a little better, now and then far worse; inside three scales the mean is exactly 0."""
    rows: list[list[float]] = np.where(rng.random(shape) < 0.9, 0.3, -2.7).tolist()
    return rows


def test_usually_better_and_sometimes_a_disaster_is_certified_by_signs_and_not_by_the_mean() -> None:
    rows = lopsided(np.random.default_rng(3), (1500, 20))
    signs, mean = (
        fmean(any(fmean(held) >= BAR for held in test.wealth(row)) for row in rows) for test in (SignFlip(1.0), TEST)
    )
    assert mean <= 0.05 < signs


def test_one_failed_run_weighs_no_more_than_the_clip() -> None:
    assert TEST.e_value([-math.inf]) == TEST.e_value([-3.0]) == pytest.approx(fmean((0.5, 0.02)))
    assert TEST.e_value([math.inf]) == pytest.approx(fmean((1.5, 1.98)))
    assert ClippedMean(0.0).e_value([1e-9]) == pytest.approx(fmean((1.5, 1.98)))


def test_the_interval_covers_the_place_at_which_the_clipped_mean_is_zero() -> None:
    covered = 0
    for row in lopsided(np.random.default_rng(5), (120, 25)):
        low, high = TEST.interval([0.4 + gain for gain in row], 0.90)
        covered += (low is None or low <= 0.4) and (high is None or high >= 0.4)
    assert covered / 120 >= 0.9


@pytest.mark.slow
def test_a_release_under_the_strict_test_holds_for_both_verifiers(
    tmp_path: Path, people: dict[str, keys.Signer]
) -> None:
    ada = people["ada"]
    rules = {"pairs = 20 ": "pairs = 40 ", "futility = 0.15 ": 'test = "clipped-mean"\nfutility = 0.15 '}
    study = app.open(toy(tmp_path / "toy", [ada], rules=rules))
    dossier = study.run(runs=300, until_certified=True)[-1]
    plan = study.entries(Preregistration)[-1].record
    assert plan.test == "clipped-mean"
    assert "clipped-mean test" in dossier.record.statement
    study.decide(dossier.id, "approve", ada.key, ada.name, "well done")
    assert both_say(exported(study, dossier.id), known(study, dossier.id)) == 0


def test_a_certificate_is_decided_by_the_test_that_the_policy_names() -> None:
    test = STRICT.betting("clipped-mean", 1.0)
    assert test == ClippedMean(1.0, STRICT.stakes, STRICT.clip)
    assert STRICT.betting("sign-flip", 1.0) == SignFlip(1.0, STRICT.lambdas)
    outcomes = [decide([3.0] * n, test, BAR, STRICT).outcome for n in range(1, 8)]
    assert outcomes.index("certified") == 5
    assert decide([0.4] * 39 + [0.0], test, BAR, STRICT).outcome in ("certified", "exhausted")


@pytest.mark.parametrize(
    "line", ['test = "t-test"', "stakes = []", "stakes = [1.0]", "stakes = [0.0]", "clip = 0", "clip = nan"]
)
def test_other_settings_are_refused(line: str) -> None:
    text = f"version = 1\nexpires = 2099-01-01\n[approval]\nthreshold = 1\n[certification]\n{line}\n"
    with pytest.raises(ConfigError, match=line.split()[0]):
        parse(text.encode(), Path("policy.toml"), Policy)
