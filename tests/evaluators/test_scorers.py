"""Scores against sums done by hand, and everything that a variant could claim and not have."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import rel_entr

from pawl.errors import ConfigError
from pawl.evaluators.scorers import (
    SCORERS,
    SEES_NO_FUTURE,
    accuracy,
    bits_per_byte,
    log_loss,
    named,
    rmse,
    steady,
)
from pawl.hostile import Refused
from pawl.slices import by_slice

RNG = np.random.default_rng(3)
NOTHING: NDArray[Any] = np.zeros(0)


def distributions(*shape: int) -> NDArray[np.float64]:
    raw = RNG.random(shape) + 0.01
    return raw / raw.sum(axis=-1, keepdims=True)


BYTES = RNG.integers(0, 256, (3, 5)).astype(np.uint8)
LOG_P = np.log(distributions(3, 5, 256))
CLASSES = np.array([0, 2, 1, 2, 0, 1])
P = distributions(6, 3)


# --------------------------------------------------------------------------------------------- bits per byte


def test_bits_per_byte_is_the_mean_surprise_in_bits() -> None:
    by_hand = [-math.log2(math.exp(LOG_P[n, t, BYTES[n, t]])) for n in range(3) for t in range(5)]
    assert bits_per_byte(LOG_P, BYTES, NOTHING) == {"bits_per_byte": pytest.approx(sum(by_hand) / 15, rel=1e-12)}


def test_knowing_nothing_costs_eight_bits_and_single_precision_is_enough() -> None:
    uniform = np.full((3, 5, 256), -math.log(256), np.float32)
    assert bits_per_byte(uniform, BYTES, NOTHING)["bits_per_byte"] == pytest.approx(8, abs=1e-5)
    single = bits_per_byte(LOG_P.astype(np.float32), BYTES, NOTHING)["bits_per_byte"]
    assert single == pytest.approx(bits_per_byte(LOG_P, BYTES, NOTHING)["bits_per_byte"], abs=1e-5)


@pytest.mark.parametrize("shift", [math.log(2), 0.01, -0.01, 5.0, 700.0, -700.0])
def test_log_probabilities_that_do_not_sum_to_one_are_refused(shift: float) -> None:
    with pytest.raises(Refused, match="do not sum to one"):
        bits_per_byte(LOG_P + shift, BYTES, NOTHING)


def test_one_position_that_does_not_sum_to_one_is_enough() -> None:
    cheat = LOG_P.copy()
    cheat[2, 4, BYTES[2, 4]] = 0.0
    with pytest.raises(Refused, match="do not sum to one"):
        bits_per_byte(cheat, BYTES, NOTHING)


def test_probabilities_in_place_of_their_logarithms_are_refused() -> None:
    with pytest.raises(Refused, match="do not sum to one"):
        bits_per_byte(np.exp(LOG_P), BYTES, NOTHING)


def test_the_tolerance_cannot_be_turned_into_a_gain() -> None:
    honest, inflated = (
        bits_per_byte(LOG_P + shift, BYTES, NOTHING)["bits_per_byte"] for shift in (0.0, math.log(1.0009))
    )
    assert inflated == pytest.approx(honest, abs=1e-6)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_log_probabilities_that_are_not_finite_are_refused(value: float) -> None:
    broken = LOG_P.copy()
    broken[0, 0, 0] = value
    with pytest.raises(Refused, match="NaN or infinity"):
        bits_per_byte(broken, BYTES, NOTHING)


# -------------------------------------------------------------------------------------- log-loss and accuracy


def test_log_loss_is_scipys_divergence_from_what_was_right() -> None:
    found = log_loss(P, CLASSES, NOTHING)
    assert found["log_loss"] == pytest.approx(rel_entr(np.eye(3)[CLASSES], P).sum() / 6, rel=1e-12)
    assert found["accuracy"] == sum(P[n].argmax() == CLASSES[n] for n in range(6)) / 6


def test_log_loss_is_the_mean_surprise_in_nats() -> None:
    by_hand = sum(-math.log(P[n, CLASSES[n]]) for n in range(6)) / 6
    assert log_loss(P, CLASSES, NOTHING)["log_loss"] == pytest.approx(by_hand, rel=1e-12)


def test_a_confident_error_costs_sixteen_nats() -> None:
    found = log_loss(np.array([[1.0, 0.0]]), np.array([1]), NOTHING)
    assert found == {"log_loss": pytest.approx(-math.log(1e-7)), "accuracy": 0.0}


def test_negative_probabilities_are_refused_though_they_sum_to_one() -> None:
    with pytest.raises(Refused, match="negative"):
        log_loss(np.array([[1.5, -0.5]]), np.array([0]), NOTHING)


@pytest.mark.parametrize("factor", [2.0, 1.01, 0.99, 0.0])
def test_probabilities_that_do_not_sum_to_one_are_refused(factor: float) -> None:
    with pytest.raises(Refused, match="do not sum to one"):
        log_loss(P * factor, CLASSES, NOTHING)


def test_the_tolerance_gains_nothing_in_log_loss_either() -> None:
    assert log_loss(P * 1.0009, CLASSES, NOTHING)["log_loss"] == pytest.approx(
        log_loss(P, CLASSES, NOTHING)["log_loss"], abs=1e-6
    )


def test_labels_beyond_the_predicted_classes_are_refused_with_the_number() -> None:
    with pytest.raises(Refused, match="predictions know 3 classes; the labels need 8"):
        log_loss(P, np.array([0, 1, 2, 0, 1, 7]), NOTHING)


def test_negative_labels_are_refused() -> None:
    with pytest.raises((Refused, ConfigError)):
        log_loss(P, np.array([0, 1, 2, 0, 1, -1]), NOTHING)


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises((Refused, ConfigError)):
        log_loss(P, CLASSES[:, None], NOTHING)


def test_accuracy_is_the_share_of_right_classes() -> None:
    predicted = np.array([0, 2, 1, 0, 0, 0])
    assert accuracy(predicted, CLASSES, NOTHING) == {"accuracy": pytest.approx(4 / 6)}
    assert accuracy(np.eye(3)[predicted], CLASSES, NOTHING) == accuracy(predicted, CLASSES, NOTHING)
    assert accuracy(np.array(["a", "b"]), np.array(["a", "c"]), NOTHING) == {"accuracy": 0.5}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_scores_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(Refused, match="NaN or infinity"):
        accuracy(np.full((6, 3), value), CLASSES, NOTHING)


@pytest.mark.parametrize(
    "predictions", [np.zeros((6, 0)), np.zeros(6, dtype=[("a", "f8")])], ids=["no-classes", "structured"]
)
def test_predictions_that_cannot_be_classes_are_refused(predictions: NDArray[Any]) -> None:
    with pytest.raises(Refused):
        accuracy(predictions, CLASSES, NOTHING)


def test_rmse_is_numpys_by_hand_in_the_labels_unit() -> None:
    assert rmse(np.array([1.0, 2.0, 5.0]), np.array([1, 4, 4]), NOTHING) == {"rmse": pytest.approx(math.sqrt(5 / 3))}
    assert rmse(np.array([3, 3], np.int8), np.array([3.0, 3.0]), NOTHING) == {"rmse": 0.0}


def test_rmse_does_not_overflow_in_the_type_of_the_predictions() -> None:
    assert rmse(np.array([200], np.uint8), np.array([100], np.uint8), NOTHING) == {"rmse": 100.0}
    assert rmse(np.array([60_000], np.float16), np.array([0.0]), NOTHING)["rmse"] == pytest.approx(60_000)


# ------------------------------------------------------------------------------------------------ every scorer


GOOD: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
    "bits-per-byte": (LOG_P, BYTES),
    "log-loss": (P, CLASSES),
    "accuracy": (P, CLASSES),
    "rmse": (np.ones(6), np.ones(6)),
}


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("wrong", ["shorter", "longer", "one-more-axis", "scalar", "empty", "transposed"])
def test_predictions_of_another_shape_are_refused(name: str, wrong: str) -> None:
    predictions, labels = GOOD[name]
    shaped = {
        "shorter": predictions[:-1],
        "longer": np.concatenate([predictions, predictions[:1]]),
        "one-more-axis": predictions[None],
        "scalar": np.float64(1.0),
        "empty": predictions[:0],
        "transposed": predictions.T if predictions.ndim > 1 else predictions[None],
    }[wrong]
    with pytest.raises(Refused, match="shape"):
        SCORERS[name](np.asarray(shaped), labels, NOTHING)


@pytest.mark.parametrize("name", sorted(set(SCORERS) - {"accuracy"}))
@pytest.mark.parametrize("dtype", ["U3", "S3", "c16", "M8[s]", "?", "O", "V8"])
def test_predictions_that_are_no_numbers_are_refused(name: str, dtype: str) -> None:
    predictions, labels = GOOD[name]
    with pytest.raises(Refused, match="not numbers"):
        SCORERS[name](np.zeros(predictions.shape, dtype), labels, NOTHING)


@pytest.mark.parametrize("name", SCORERS)
def test_scores_are_plain_finite_floats(name: str) -> None:
    found = SCORERS[name](*GOOD[name], NOTHING)
    assert found
    assert all(type(value) is float and math.isfinite(value) for value in found.values())


# --------------------------------------------------------------------------------------------------- the future


CUTS = np.array([2, 4, 1])


def moved(row: int, position: int, by: float) -> NDArray[np.float64]:
    after = LOG_P.copy()
    after[row, position, 7] += by
    return after


@pytest.mark.parametrize(("row", "position"), [(0, 2), (0, 4), (1, 4), (2, 1)])
def test_predictions_from_the_cut_on_may_move(row: int, position: int) -> None:
    assert steady(LOG_P, moved(row, position, 9.0), CUTS) is None  # type: ignore[func-returns-value]
    with pytest.raises(Refused):
        steady(LOG_P, moved(row, position, 9.0), CUTS + 5)


@pytest.mark.parametrize(("row", "position"), [(0, 0), (0, 1), (1, 3), (2, 0)])
@pytest.mark.parametrize("by", [0.01, -0.01, 100.0])
def test_a_prediction_that_moved_before_the_cut_sees_its_future(row: int, position: int, by: float) -> None:
    with pytest.raises(Refused, match="predictions see their future: 1 of them moved"):
        steady(LOG_P, moved(row, position, by), CUTS)


def test_rounding_is_no_future() -> None:
    assert steady(LOG_P, moved(0, 0, 1e-4), CUTS) is None  # type: ignore[func-returns-value]
    assert steady(LOG_P[..., 0], LOG_P[..., 0], CUTS) is None  # type: ignore[func-returns-value]


def test_predictions_that_change_shape_with_the_inputs_are_refused() -> None:
    with pytest.raises(Refused, match="change shape with the inputs"):
        steady(LOG_P, LOG_P[:, :-1], CUTS)


@pytest.mark.parametrize("position", [0, 1])
def test_nan_in_the_second_look_is_a_move(position: int) -> None:
    with pytest.raises(Refused):
        steady(LOG_P, moved(0, position, math.nan), CUTS)


@pytest.mark.parametrize(
    "predictions", [np.full((3, 5), "abc"), np.zeros((3, 5), dtype=[("a", "f8")]), np.zeros((3, 5, 0))],
    ids=["text", "structured", "empty"],
)  # fmt: skip
def test_predictions_that_are_no_numbers_have_no_future(predictions: NDArray[Any]) -> None:
    with pytest.raises(Refused):
        steady(predictions, predictions.copy(), CUTS)


def test_a_model_that_copies_the_next_byte_is_caught() -> None:
    """As the sealed evaluator looks: the same rows with other ends."""
    inputs = RNG.integers(0, 256, (3, 6))

    def leaky(rows: NDArray[Any]) -> NDArray[np.float64]:
        p = np.full((3, 5, 256), 0.1 / 255)
        np.put_along_axis(p, rows[:, 1:, None], 0.9, axis=-1)
        return np.log(p)

    other = inputs.copy()
    for row, cut in enumerate(CUTS):
        other[row, cut:] = (other[row, cut:] + 1) % 256
    assert bits_per_byte(leaky(inputs), inputs[:, 1:], inputs)["bits_per_byte"] < 0.2
    with pytest.raises(Refused, match="see their future: 3 of them"):
        steady(leaky(inputs), leaky(other), CUTS)


def test_sequences_are_looked_at_for_their_future() -> None:
    assert SEES_NO_FUTURE <= SCORERS.keys()
    assert "bits-per-byte" in SEES_NO_FUTURE


# ------------------------------------------------------------------------------------------------------ by name


@pytest.mark.parametrize("name", SCORERS)
def test_a_built_in_scorer_is_found_by_name(tmp_path: Path, name: str) -> None:
    assert named(name, tmp_path) is SCORERS[name]


def test_a_studys_own_scorer_is_read_from_its_sealed_folder(tmp_path: Path) -> None:
    (tmp_path / "f1.py").write_text(
        "import math\ndef score(predictions, labels, inputs):\n    return {'f1': math.sqrt(inputs)}\n"
    )
    assert named("f1.py", tmp_path)(NOTHING, NOTHING, np.float64(9.0)) == {"f1": 3.0}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rsme", None, "there is no scorer 'rsme'. Did you mean 'rmse'?"),
        ("", None, "there is no scorer ''"),
        ("own.py", None, "own.py cannot be used: .*No such file"),
        ("own.py", "def score(:", "own.py cannot be used: "),
        ("own.py", "scores = 1", "has no function score"),
        ("own.py", "score = 1", "has no function score"),
    ],
)
def test_a_scorer_that_cannot_be_had_is_an_error(tmp_path: Path, name: str, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match=said) as caught:
        named(name, tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"import no_such_module", b"1 / 0", b"\xff\xfe"])
def test_a_scorers_file_that_fails_is_an_error_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.py").write_bytes(content)
    with pytest.raises(ConfigError, match=r"own\.py"):
        named("own.py", tmp_path)


def test_a_scorer_outside_the_sealed_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir()
    (tmp_path / "train.py").write_text("def score(predictions, labels, inputs): return {}\n")
    with pytest.raises(ConfigError):
        named("../train.py", tmp_path / "sealed")


# ---------------------------------------------------------------------------------------------------------- slices


@pytest.mark.parametrize("names", [np.array([0, 0, 1, 1, 2, 2]), np.array(["a", "a", "b", "b", "c c", "c c"])])
def test_a_slice_is_scored_on_its_own_rows(names: NDArray[Any]) -> None:
    found = by_slice(log_loss, P, CLASSES, np.zeros(6), names)
    whole = log_loss(P, CLASSES, NOTHING)
    assert {name: found[name] for name in whole} == whole
    for n, name in enumerate(dict.fromkeys(names.tolist())):
        rows = slice(2 * n, 2 * n + 2)
        assert found[f"log_loss@{name}"] == log_loss(P[rows], CLASSES[rows], NOTHING)["log_loss"]
    assert np.mean([found[f"log_loss@{name}"] for name in set(names.tolist())]) == pytest.approx(whole["log_loss"])


def test_without_slices_there_is_only_the_whole() -> None:
    assert by_slice(log_loss, P, CLASSES, np.zeros(6), None) == log_loss(P, CLASSES, NOTHING)


@pytest.mark.parametrize(
    "names", [np.zeros(5, int), np.zeros((6, 1), int), np.zeros(6), np.zeros(0, int), np.arange(6) > 2]
)
def test_slices_that_do_not_fit_are_the_owners_mistake(names: NDArray[Any]) -> None:
    with pytest.raises(ConfigError, match="`slices` must name 1 to 64 slices"):
        by_slice(log_loss, P, CLASSES, np.zeros(6), names)


def test_too_many_slices_are_refused() -> None:
    many = np.arange(65)
    with pytest.raises(ConfigError, match="1 to 64"):
        by_slice(accuracy, many, many, many, many)
