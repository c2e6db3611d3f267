"""The broker: which bytes are a sealed set, what a bar is, and that a holdout gives one bit."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from openings import write_set
from pawl.broker import LEAST_ROWS, HeldOut, SealedFile, Validation, contents, one_bit, threshold
from pawl.envelope import sha256
from pawl.errors import ConfigError, IntegrityError
from pawl.evaluators import scorers


def sealed(path: Path) -> SealedFile:
    return SealedFile(path, sha256(contents(path)))


# -- thresholds -----------------------------------------------------------------------------------------------------


def test_the_standard_bar_is_z_at_every_opening() -> None:
    assert {threshold(k, 20, "standard", 2.8, 0.05) for k in range(1, 21)} == {2.8}


def test_the_adversarial_bar_counts_what_the_attacker_may_have_learnt() -> None:
    bars = [threshold(k, 20, "adversarial", 2.8, 0.05) for k in range(1, 21)]
    assert bars == sorted(bars)
    assert bars[0] == pytest.approx(math.sqrt(2 * math.log(400)))  # 20 openings share .05
    assert bars[-1] == pytest.approx(math.sqrt(2 * (math.log(2**19) + math.log(400))))


@given(st.integers(1, 40), st.floats(0.001, 0.5))
def test_the_adversarial_tails_of_all_transcripts_add_up_to_delta_at_most(of: int, delta: float) -> None:
    bars = [threshold(k, of, "adversarial", 2.8, delta) for k in range(1, of + 1)]
    assert math.fsum(2.0 ** (k - 1) * stats.norm.sf(bar) for k, bar in enumerate(bars, 1)) <= delta


@given(st.lists(st.floats(-1e6, 1e6), min_size=LEAST_ROWS, max_size=200), st.floats(1, 7))
def test_the_bit_is_a_paired_t_statistic_beside_the_bar(gains: list[float], bar: float) -> None:
    values = np.array(gains)
    error = values.std(ddof=1) / math.sqrt(len(values))
    if error > 0 and not math.isclose(values.mean() / error, bar, rel_tol=1e-6):
        assert one_bit(values, bar) == (stats.ttest_1samp(values, 0).statistic > bar)


REFUSED = {
    "too few rows": np.ones(LEAST_ROWS - 1) + np.arange(LEAST_ROWS - 1),
    "all the same": np.ones(100),
    "nothing gained": np.zeros(100),
    "NaN": np.array([math.nan, *range(1000, 1100)]),
    "infinite": np.array([math.inf, *range(1000, 1100)]),
    "a table": np.full((100, 2), 5.0) + np.arange(200).reshape(100, 2),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_standard_error_is_a_no(what: str) -> None:
    assert not one_bit(REFUSED[what], 1.0)
    assert one_bit(np.arange(1000.0, 1100.0), 1.0)  # the control


# -- files ----------------------------------------------------------------------------------------------------------


def test_a_set_is_the_bytes_that_have_the_digest(tmp_path: Path) -> None:
    labels = write_set(tmp_path / "a.npz", 1)
    file = sealed(tmp_path / "a.npz")
    inputs, found, slices = file.read()
    assert slices is None
    assert (found == labels).all()
    assert sorted(inputs) == ["inputs"]
    write_set(tmp_path / "a.npz", 2)
    with pytest.raises(IntegrityError, match="not the set that was sealed"):
        file.read()


def test_links_pipes_and_folders_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "a.npz", 1)
    (tmp_path / "link.npz").symlink_to("a.npz")
    (tmp_path / "folder.npz").mkdir()

    os.mkfifo(tmp_path / "pipe.npz")
    for name in ("link", "folder", "pipe", "missing"):
        with pytest.raises(ConfigError, match="cannot be read"):
            contents(tmp_path / f"{name}.npz")


BROKEN = {
    "no labels": {"inputs": np.zeros((50, 2))},
    "no inputs": {"labels": np.zeros(50)},
    "rows that differ": {"inputs": np.zeros((50, 2)), "labels": np.zeros(49)},
    "a single label": {"inputs": np.zeros((50, 2)), "labels": np.float64(0)},
    "objects": {"inputs": np.array([print] * 50, dtype=object), "labels": np.zeros(50)},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_no_sealed_set_is_a_clear_error(tmp_path: Path, what: str) -> None:
    np.savez(tmp_path / "a.npz", **BROKEN[what])  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        sealed(tmp_path / "a.npz").read()


def test_a_holdout_with_few_rows_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    write_set(tmp_path / "a.npz", 1, rows=LEAST_ROWS - 1)
    with pytest.raises(ConfigError, match=f"needs {LEAST_ROWS}"):
        HeldOut(sealed(tmp_path / "a.npz"))


# -- what comes out -------------------------------------------------------------------------------------------------


def test_of_the_validation_set_comes_a_score(tmp_path: Path) -> None:
    labels = write_set(tmp_path / "a.npz", 1)
    found = Validation(sealed(tmp_path / "a.npz")).score(scorers.accuracy, labels)
    assert found == {"accuracy": 1.0}


def test_of_the_holdout_comes_a_bit_by_example(tmp_path: Path) -> None:
    labels = write_set(tmp_path / "a.npz", 1)
    holdout = HeldOut(sealed(tmp_path / "a.npz"))
    worse = labels.copy()
    worse[:40] = 1 - worse[:40]
    assert holdout.beats(scorers.accuracy_rows, "accuracy", 1, labels, worse, 2.8)
    assert not holdout.beats(scorers.accuracy_rows, "accuracy", 1, worse, labels, 2.8)
    assert not holdout.beats(scorers.accuracy_rows, "accuracy", -1, labels, worse, 2.8)
    slightly = labels.copy()
    slightly[:4] = 1 - slightly[:4]  # 2 standard errors
    assert not holdout.beats(scorers.accuracy_rows, "accuracy", 1, labels, slightly, 2.8)
    assert holdout.beats(scorers.accuracy_rows, "accuracy", 1, labels, slightly, 1.5)


def test_a_held_out_set_shows_no_label_and_no_score(tmp_path: Path) -> None:
    write_set(tmp_path / "a.npz", 1)
    holdout = HeldOut(sealed(tmp_path / "a.npz"))
    public = {name for name in dir(holdout) if not name.startswith("_")}
    assert public == {"inputs", "digest", "rows", "beats"}
    assert sorted(holdout.inputs) == ["inputs"]


@pytest.mark.parametrize("name", scorers.SCORERS)
def test_row_values_order_models_as_the_metric_does(name: str) -> None:
    draw = np.random.default_rng(3)
    inputs = draw.normal(size=(60, 5))
    classes = draw.integers(0, 4, 60)
    labels, worse, better = {
        "bits-per-byte": lambda: (draw.integers(0, 256, (60, 5)), *(np.full((60, 5, 256), -math.log(256)),) * 2),
        "log-loss": lambda: (classes, np.full((60, 4), 0.25), (np.eye(4)[classes] + 1) / 5),
        "accuracy": lambda: (classes, (classes + 1) % 4, classes),
        "rmse": lambda: (inputs[:, 0], inputs[:, 0] + 2, inputs[:, 0] + 1),
    }[name]()
    scores = [scorers.SCORERS[name](found, labels, inputs) for found in (worse, better)]
    rows = [scorers.ROWS[name](found, labels, inputs) for found in (worse, better)]
    for metric, values in rows[0].items():
        assert np.shape(values) == (60,)
        before, after = (float(np.mean(row[metric])) for row in rows)
        assert np.sign(after - before) == np.sign(scores[1][metric] - scores[0][metric])
        as_metric = math.sqrt(after) if name == "rmse" else after
        assert as_metric == pytest.approx(scores[1][metric])
