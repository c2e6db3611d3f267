"""Data taken apart: the same numbers, and nothing that belongs together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pawl import unlearning
from pawl.errors import ConfigError
from pawl.protocols import Mount


def test_rows_keep_their_numbers_and_lose_their_labels(tmp_path: Path) -> None:
    inputs = np.arange(600, dtype=np.float32).reshape(200, 3)
    classes = np.repeat([0, 1, 2], [150, 25, 25])
    order = np.arange(200) / 7
    np.savez(tmp_path / "train.npz", inputs=inputs, order=order, labels=classes, name=np.array("digits"))
    (mount,) = unlearning.scrambled([Mount(tmp_path / "train.npz", "/study/data/train.npz")])
    assert mount.target == "/study/data/train.npz"
    with np.load(mount.source) as found:
        assert found["name"] == "digits"
        assert (np.sort(found["inputs"], axis=0) == inputs).all()
        assert sorted(found["order"]) == sorted(order)
        together = found["inputs"][:, 0] / 3 == np.round(found["order"] * 7)
        assert together.mean() < 0.05
        assert np.bincount(found["labels"]).min() > 40  # how common a class is, is something to learn too


def test_the_same_data_are_taken_apart_in_the_same_way(tmp_path: Path) -> None:
    np.save(tmp_path / "text.npy", np.arange(100))
    mount = Mount(tmp_path / "text.npy", "/study/text.npy")
    assert unlearning.scrambled([mount]) == unlearning.scrambled([mount])


def test_what_cannot_be_taken_apart_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r"only \.npz and \.npy"):
        unlearning.scrambled([Mount(tmp_path / "train.csv", "/study/train.csv")])
