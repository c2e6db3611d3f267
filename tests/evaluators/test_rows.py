"""Rows one by one: look-alikes are near and never the same, gains are trimmed at both ends, luck is a fair p-value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, trim_mean

from pawl.evaluators import rows
from pawl.evaluators.scorers import accuracy, log_loss


@given(st.integers(2, 40), st.integers(1, 30), st.sampled_from(["f4", "f8", "u1", "i8"]), st.integers(0, 9))
def test_look_alikes_have_the_form_of_their_rows(count: int, width: int, kind: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    inputs = (draw.random((count, width)) * 100).astype(kind)
    found = rows.lookalikes(inputs, draw)
    assert (found.shape, found.dtype) == (inputs.shape, inputs.dtype)
    assert found.min() >= inputs.min() - 1e-4
    assert found.max() <= inputs.max() + 1e-4


def test_look_alikes_are_near_and_rounding_does_not_undo_them() -> None:
    draw = np.random.default_rng(1)
    inputs = (draw.integers(0, 17, (300, 64)) / 16).astype(np.float32)
    found = rows.lookalikes(inputs, draw)
    assert np.abs(found - inputs).max() <= rows.BLEND + 1e-6
    assert (np.round(found * 16) != np.round(inputs * 16)).any(axis=1).all()


def test_words_are_exchanged_in_a_few_places() -> None:
    draw = np.random.default_rng(2)
    inputs = draw.integers(0, 256, (50, 128)).astype(np.uint8)
    places = (rows.lookalikes(inputs, draw) != inputs).sum(axis=1)
    assert 1 <= places.min() <= places.max() <= 4


@pytest.mark.parametrize(("shift", "share"), [(0.0, 0.0), (1e-5, 0.0), (0.01, 1.0)])
def test_rounding_moves_no_row(shift: float, share: float) -> None:
    before = np.random.default_rng(3).random((20, 10))
    assert rows.moved(before, before + shift) == share


def test_what_is_not_a_number_moves_when_it_differs() -> None:
    assert rows.moved(np.array(["a", "b"]), np.array(["a", "c"])) == 0.5
    assert rows.moved(np.zeros(2), np.array([0.0, np.nan])) == 0.5
    assert rows.moved(np.zeros(2), np.zeros(3)) == 1.0


@settings(max_examples=30)
@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.floats(-9, 9), min_size=20 * n, max_size=20 * n)))
def test_a_trimmed_gain_is_scipys(gains: list[float]) -> None:
    assert rows.trimmed(np.array(gains)) == pytest.approx(trim_mean(gains, rows.TRIM), abs=1e-12)


def test_a_gain_on_a_few_rows_is_trimmed_away() -> None:
    assert rows.trimmed(np.array([5.0] * 4 + [0.0] * 96)) == 0.0
    assert rows.trimmed(np.array([0.1] * 90 + [-3.0] * 5 + [0.1] * 5)) == pytest.approx(0.1)
    assert rows.trimmed(np.array([1.0, 1.0])) == 0.0


def test_scores_of_rows_have_the_mean_of_all() -> None:
    draw = np.random.default_rng(4)
    predictions, labels = draw.dirichlet(np.ones(5), 30), draw.integers(0, 5, 30)
    found = rows.scores(log_loss, "log_loss", predictions, labels, labels)
    assert found.mean() == pytest.approx(log_loss(predictions, labels, labels)["log_loss"])


def test_luck_is_uniform_where_there_is_only_luck() -> None:
    draw, found = np.random.default_rng(5), []
    for _ in range(60):
        predictions, labels = draw.dirichlet(np.ones(4), 12), draw.integers(0, 4, 12)
        found.append(rows.luck(log_loss, "log_loss", -1, (predictions, labels, labels), draw))
    assert kstest(found, "uniform").pvalue > 0.001


def test_luck_cannot_explain_knowing_every_label() -> None:
    draw = np.random.default_rng(6)
    labels = np.arange(40) % 10
    predictions = np.eye(10)[labels]
    assert rows.luck(accuracy, "accuracy", 1, (predictions, labels, labels), draw) == pytest.approx(1e-4)
    assert rows.luck(log_loss, "log_loss", -1, (predictions, labels, labels), draw) == pytest.approx(1e-4)


@pytest.mark.parametrize("kind", ["f4", "f8", "u1"])
def test_rows_are_found_in_whatever_they_were_kept_as(kind: str) -> None:
    sealed = np.random.default_rng(7).integers(0, 200, (10, 32))
    kept = np.concatenate([sealed[:3].ravel(), np.arange(50)]).astype(kind)
    assert rows.found(sealed.astype(np.float32), [kept, np.array(["text"])]) == 3
    assert rows.found(sealed.astype(np.float32), [np.zeros(500)]) == 0


def test_rows_that_say_nothing_are_not_looked_for() -> None:
    assert rows.found(np.zeros((5, 64)), [np.zeros(10_000)]) == 0
