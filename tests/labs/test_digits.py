"""The lab `digits`: splits share no image, and its scripts run end to end, the same each time."""

from __future__ import annotations

import builtins
import stat
import tomllib
from pathlib import Path

import numpy as np
import pytest

from pawl.errors import ConfigError
from pawl.labs import digits

from .conftest import Runner

EPOCHS = 5


def images(study: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    paths = {"train": study / "data/train.npz"}
    paths |= {split: study / f".pawl/sealed/{split}.npz" for split in ("validation", "holdout")}
    with np.load(paths["train"]) as train, np.load(paths["validation"]) as val, np.load(paths["holdout"]) as hold:
        return {k: (a["inputs"], a["labels"]) for k, a in (("train", train), ("validation", val), ("holdout", hold))}


def test_no_image_stands_in_two_splits(digits_study: Path) -> None:
    rows = [image.tobytes() for inputs, _ in images(digits_study).values() for image in inputs]
    assert len(rows) == len(set(rows)) == 1797


def test_every_digit_has_its_share_of_every_split(digits_study: Path) -> None:
    counts = {split: np.bincount(labels, minlength=10) for split, (_, labels) in images(digits_study).items()}
    whole = sum(counts.values())
    assert np.abs(counts["train"] / whole - 0.5).max() < 0.01
    assert np.abs(counts["holdout"] / whole - 0.25).max() < 0.01


def test_the_split_is_the_same_each_time() -> None:
    labels = np.arange(400, dtype=np.int64) % 10
    once, again = digits.split(labels), digits.split(labels)
    assert all((a == b).all() for a, b in zip(once, again, strict=True))
    assert sorted(np.concatenate(once).tolist()) == list(range(400))


def test_sealed_sets_are_their_owners_alone(digits_study: Path) -> None:
    sealed = digits_study / ".pawl/sealed"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (sealed.parent, sealed, *sealed.iterdir())}
    assert set(modes.values()) == {0o700, 0o600}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())
    assert {path.name for path in sealed.iterdir()} == {"validation.npz", "holdout.npz"}


def test_preparing_again_writes_the_same_bytes(digits_study: Path) -> None:
    paths = [digits_study / "data/train.npz", *sorted((digits_study / ".pawl/sealed").iterdir())]
    before = [path.read_bytes() for path in paths]
    digits.prepare(digits_study)
    assert [path.read_bytes() for path in paths] == before


def test_without_scikit_learn_the_error_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def no_sklearn(name: str, *rest: object) -> object:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", no_sklearn)
    with pytest.raises(ConfigError, match="scikit-learn") as caught:
        digits.load()
    assert caught.value.hint == "pip install 'pawl-ai[labs]'"


def train(run_script: Runner, study: Path, out: Path, seed: int, epochs: int = EPOCHS) -> bytes:
    out.mkdir()
    done = run_script(study, "train.py", PAWL_SEED=seed, PAWL_BUDGET=epochs, PAWL_OUT=out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "---"
    assert all(": " in line for line in done.stdout.splitlines()[1:])
    return (out / "model.npz").read_bytes()


def test_the_seed_decides_everything(digits_study: Path, tmp_path: Path, run_script: Runner) -> None:
    models = [train(run_script, digits_study, tmp_path / str(n), seed) for n, seed in enumerate((1, 1, 2))]
    assert models[0] == models[1] != models[2]


def test_the_budget_is_honoured(digits_study: Path, tmp_path: Path, run_script: Runner) -> None:
    models = [train(run_script, digits_study, tmp_path / str(n), 1, epochs=n) for n in (1, 2)]
    assert models[0] != models[1]


def test_predictions_are_probabilities_and_better_than_chance(
    digits_study: Path, tmp_path: Path, run_script: Runner
) -> None:
    model = tmp_path / "model"
    train(run_script, digits_study, model, 1)
    inputs, labels = images(digits_study)["validation"]
    np.savez(tmp_path / "inputs.npz", inputs=inputs)
    out = tmp_path / "out"
    out.mkdir()
    variables = {"PAWL_MODEL": model, "PAWL_INPUTS": tmp_path / "inputs.npz", "PAWL_OUT": out}
    done = run_script(digits_study, "predict.py", **variables)
    assert done.returncode == 0, done.stderr
    with np.load(out / "predictions.npz", allow_pickle=False) as arrays:
        predictions = arrays["predictions"]
    assert predictions.shape == (len(labels), 10)
    assert np.allclose(predictions.sum(axis=1), 1, atol=1e-9)
    assert -np.log(predictions[np.arange(len(labels)), labels]).mean() < 2.0  # chance is 2.3


def test_every_constant_of_the_space_is_a_plain_assignment() -> None:
    config = tomllib.loads((digits.LAB.folder / "pawl.toml").read_text())
    source = (digits.LAB.folder / "train.py").read_text().splitlines()
    for name in config["space"]:
        file, constant = name.split(":")
        assert file in config["train"]["editable"]
        assert sum(line.startswith(f"{constant} = ") for line in source) == 1
