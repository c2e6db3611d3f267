"""Plays and poems, one edition each, split by work; sealed windows share no passage with what a model may train on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pawl.errors import ConfigError
from pawl.labs import duplicates

Bytes = NDArray[np.uint8]

SEALED_WORKS = 5  # works in each sealed set
_BODY = re.compile(rb"\*\*\* ?START OF.*?\*\*\*(.*?)(?:\*\*\* ?END OF.*)?\Z", re.DOTALL | re.IGNORECASE)
_BOILERPLATE = re.compile(rb"project gutenberg|gutenberg\.org|etext", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Splits:
    """Works by name, in three sets that share no work."""

    train: dict[str, bytes]
    validation: dict[str, bytes]
    holdout: dict[str, bytes]


def body(text: bytes) -> bytes:
    """The text without a library's header, licence and mark-up of lines: those stand in every file alike."""
    text = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if found := _BODY.search(text):
        text = found.group(1)
    paragraphs = text.split(b"\n\n")
    kept = b"\n\n".join(paragraph for paragraph in paragraphs if not _BOILERPLATE.search(paragraph))
    return re.sub(rb"\n{4,}", b"\n\n\n", kept).strip() + b"\n"


def edition_rank(name: str) -> tuple[bool, str]:
    """Modern spelling before the folio's (names ending in `_f`)."""
    return name.endswith("_f"), name


def split_by_work(texts: Mapping[str, bytes], sealed_works: int = SEALED_WORKS) -> Splits:
    """One edition of each work; the order of the hashes of their names says which split a work is in."""
    bodies = {name: body(text) for name, text in texts.items()}
    works = duplicates.one_edition_each(bodies, edition_rank)
    order = sorted(works, key=lambda name: hashlib.sha256(name.encode()).digest())
    if len(order) < 3 * sealed_works:
        raise ConfigError(f"{len(order)} works are too few to seal {2 * sealed_works} of them.")

    def pick(names: Sequence[str]) -> dict[str, bytes]:
        return {name: works[name] for name in sorted(names)}

    return Splits(
        validation=pick(order[:sealed_works]),
        holdout=pick(order[sealed_works : 2 * sealed_works]),
        train=pick(order[2 * sealed_works :]),
    )


def joined(works: Mapping[str, bytes]) -> Bytes:
    """All works, one after the other in order of name, as uint8 [bytes]."""
    return np.frombuffer(b"\n\n".join(works[name] for name in sorted(works)), dtype=np.uint8)


def sealed_windows(
    works: Mapping[str, bytes], others: Sequence[Mapping[str, bytes]], count: int, length: int
) -> tuple[Bytes, Bytes]:
    """Inputs and next bytes, both uint8 [count, length], evenly spread over the works.

    A window in which any 64-character passage also stands in one of the other works is left out.
    """
    known = np.sort(np.concatenate([duplicates.passages(text) for other in others for text in other.values()]))
    windows = [
        text[start : start + length + 1]
        for _, text in sorted(works.items())
        for start in range(0, len(text) - length, length + 1)
    ]
    clean = [window for window in windows if not duplicates.shares_passage(window, known)]
    if len(clean) < count:
        raise ConfigError(f"only {len(clean)} sealed windows of {length} bytes are left, {count} are needed.")
    chosen = [clean[index * len(clean) // count] for index in range(count)]
    rows: Bytes = np.frombuffer(b"".join(chosen), dtype=np.uint8).reshape(count, length + 1)
    return rows[:, :-1].copy(), rows[:, 1:].copy()
