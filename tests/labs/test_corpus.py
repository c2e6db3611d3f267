"""Works stand in one split each, boilerplate in none, and sealed windows hold nothing that stands in train."""

from __future__ import annotations

import random

import numpy as np
import pytest

from pawl.errors import ConfigError
from pawl.labs import corpus

WORDS = [f"{a}{b}{c}" for a in ("lo", "mi", "ra", "tu") for b in ("n", "st", "ck", "ll") for c in ("a", "o", "ing")]


def play(seed: int, words: int = 3000) -> bytes:
    rng = random.Random(seed)
    return b"\n".join(" ".join(rng.choices(WORDS, k=8)).encode() for _ in range(words // 8))


def plays(count: int) -> dict[str, bytes]:
    return {f"play_{number}": play(number) for number in range(count)}


def test_header_and_licence_are_cut_off() -> None:
    header = b"\xef\xbb\xbfThe Library's eBook of X\r\n*** START OF THIS EBOOK X ***\r\n\r\n"
    text = header + b"To be.\r\n*** END OF THIS EBOOK X ***\r\nLicence"
    assert corpus.body(text) == b"To be.\n"


def test_a_paragraph_that_speaks_of_the_library_goes() -> None:
    assert corpus.body(b"Act I\n\nThis Etext is brought to you by\nsomebody.\n\nEnter two.") == b"Act I\n\nEnter two.\n"


def test_every_work_is_in_one_split() -> None:
    splits = corpus.split_by_work(plays(12), sealed_works=2)
    names = [*splits.train, *splits.validation, *splits.holdout]
    assert len(names) == len(set(names)) == 12
    assert (len(splits.validation), len(splits.holdout)) == (2, 2)


def test_editions_stay_out_and_the_folio_goes_first() -> None:
    texts = plays(12)
    again = {f"{name}_f": text.replace(b"u", b"v").replace(b"n", b"nn") for name, text in texts.items()}
    assert corpus.split_by_work(texts | again, sealed_works=2) == corpus.split_by_work(texts, sealed_works=2)


def test_too_few_works_are_refused() -> None:
    with pytest.raises(ConfigError, match="too few"):
        corpus.split_by_work(plays(5), sealed_works=2)


def test_windows_are_whole_and_labels_are_the_next_bytes() -> None:
    inputs, labels = corpus.sealed_windows({"a": play(1)}, [{"b": play(2)}], count=20, length=64)
    assert inputs.shape == labels.shape == (20, 64)
    assert inputs.dtype == labels.dtype == np.uint8
    assert (inputs[:, 1:] == labels[:, :-1]).all()
    assert all((bytes(row) + bytes(last[-1:])) in play(1) for row, last in zip(inputs, labels, strict=True))


def test_a_window_that_stands_in_train_is_left_out() -> None:
    ours, theirs = play(1), play(2)
    copied = theirs[2000:9000]
    inputs, _ = corpus.sealed_windows({"a": ours[:4000] + copied + ours[4000:]}, [{"b": theirs}], 40, 128)
    assert not any(bytes(row) in copied for row in inputs)


def test_too_few_clean_windows_are_refused() -> None:
    with pytest.raises(ConfigError, match="only 0 sealed windows"):
        corpus.sealed_windows({"a": play(1)}, [{"b": play(1)}], 10, 128)
