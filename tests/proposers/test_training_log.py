"""Curves are found in what training programs print, and hostile logs do nothing."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.proposers.training_log import (
    MOST_BYTES,
    POINTS,
    Curves,
    curves,
    diverged,
    flat,
    overfits,
    still_falling,
)

FORMS = (
    "step {n}: train loss {x}, val loss {y}",
    "step {n}/9999 | loss: {x} | lr 3e-4 | val_loss: {y} | 12ms",
    "{{'loss': {x}, 'grad_norm': 1.5, 'eval_loss': {y}, 'epoch': {n}}}",
    '{{"step": {n}, "train/loss": {x}, "val/loss": {y}}}',
    "Epoch {n} loss={x} loss_val={y} accuracy=0.5",
    "\r 10%|#   | {n}/100 [00:01<00:09, 3.1it/s, loss={x}, test_loss={y}]",
    "INFO 2026-01-01 12:00:{n} training loss {x}   validation loss {y}",
)


@pytest.mark.parametrize("form", FORMS)
def test_what_common_programs_print_is_a_curve(form: str) -> None:
    points = [(0.5 + 1 / (n + 1), 0.6 + 1 / (n + 1)) for n in range(20)]
    log = "\n".join(["loading", *(form.format(n=n, x=x, y=y) for n, (x, y) in enumerate(points)), "done"])
    found = curves(log.encode())
    assert found.training == tuple(x for x, _ in points)
    assert found.validation == tuple(y for _, y in points)


def test_the_summary_is_no_point_and_nan_is_one() -> None:
    found = curves(b"loss 3.5\nloss nan\nloss: -inf\n---\nval_loss: 1.25\ntrain_loss: 2\n")
    assert found.training[0] == 3.5
    assert math.isnan(found.training[1])
    assert found.training[2] == -math.inf
    assert found.validation == ()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_log_makes_it_raise(log: bytes) -> None:
    for found in (curves(log), curves(b"loss " + log), curves(log + b"\nloss 1e999\nloss -nan\nval_loss 7\n" * 9)):
        for shape in (diverged, still_falling, flat):
            assert isinstance(shape(found.training), str)
            assert isinstance(shape(found.validation), str)
        assert isinstance(overfits(found), str)


LOSSES = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40).map(tuple)


@settings(max_examples=60, deadline=None)
@given(LOSSES, LOSSES)
def test_no_numbers_make_it_raise(training: tuple[float, ...], validation: tuple[float, ...]) -> None:
    assert isinstance(overfits(Curves(training, validation)), str)
    for shape in (diverged, still_falling, flat):
        assert isinstance(shape(training), str)


def test_a_flood_is_bounded() -> None:
    log = b"loss 1.0 " * (MOST_BYTES // 9) + b"\n" + b"loss 2.5\n" * 20_000
    found = curves(log)
    assert len(found.training) <= POINTS
    assert found.training[-1] == 2.5
    assert len(curves(b"train " * 100_000 + b"loss" * 100_000).training) == 0


def noisy(shape: list[float], noise: float = 0.02) -> list[float]:
    random = Random(3)
    return [value + random.gauss(0, noise) for value in shape]


def falling(rate: float, points: int = 200) -> list[float]:
    return noisy([1 + 2 * math.exp(-rate * n / points) for n in range(points)])


def test_shapes_are_told_apart() -> None:
    healthy, early, short = falling(4.5), falling(40.0), falling(1.0)
    assert [bool(still_falling(values)) for values in (healthy, early, short)] == [False, False, True]
    assert [bool(flat(values)) for values in (healthy, early, short)] == [False, True, False]
    assert not any(diverged(values) for values in (healthy, early, short))


def test_divergence_is_a_rise_that_noise_does_not_explain() -> None:
    blown = falling(20.0)[:120] + noisy([1 + n / 40 for n in range(80)])
    assert "rises again" in diverged(blown)
    assert not still_falling(blown)
    assert "NaN" in diverged([2.0, 1.0, math.nan])
    assert not diverged(noisy([1.0] * 100, noise=0.3))
    assert not diverged([1.0, 9.0])


def test_overfitting_needs_a_training_loss_that_falls() -> None:
    up = [1.5, 1.2, 1.0, 1.1, 1.3, 1.6]
    assert "rises from" in overfits(Curves(tuple(falling(3.0)), tuple(up)))
    assert not overfits(Curves(tuple(falling(3.0)), tuple(sorted(up, reverse=True))))
    assert not overfits(Curves((), tuple(up)))
