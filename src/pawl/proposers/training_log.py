"""What a training log shows: the curves of losses that a program prints, and their shape.

Logs are hostile text, of any program. Whatever reads like `step 100: train loss 2.31, val loss 2.40`, `loss=0.7`,
`{'loss': 2.0, 'epoch': 1}` or `val_loss nan` is a point; all else is passed over. Only numbers leave this file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from pawl.hostile import RULE

MOST_BYTES = 2**22
"""Of a longer log the end is read: what went wrong stands there."""
LINE = 1000
"""Characters of a line that are looked at."""
POINTS = 2048
"""Points that are kept of a curve, evenly."""
BLOCKS = 8
"""A curve is looked at in so many parts of equal length, each by its median: one odd step means nothing."""
LEAST = 8
"""Points that make a training curve."""
FEW = 4
"""Points that make a validation curve: evaluations are rarer than steps."""
SURE = 4.0
"""Standard errors of a block's median that a change must exceed: of hundreds of steps a few are odd."""
REGAINED = 0.25
"""A curve that ends higher than its lowest block by this share of what it had lost has diverged; the rise of a warm
restart or of a last noisy block is smaller."""
STILL_FALLING = 0.1
"""The share of the whole fall that the last quarter of a run brings where training ends too early. A straight line has
.29, an exponential that went through three half-lives .12, one that went through six .02."""
FLAT = 0.02
"""The share of the whole fall that the second half brings where there is nothing left to learn at this rate."""
SPLITS = {"train": "training", "val": "validation", "eval": "validation", "dev": "validation", "test": "validation"}
_SPLIT = r"train(?:ing)?|val(?:id(?:ation)?)?|eval(?:uation)?|dev|test"
_POINT = re.compile(
    rf"(?<![A-Za-z0-9_])(?:(?P<split>{_SPLIT})[ _./-]{{1,2}})?"
    rf"(?:loss|log_loss|nll|bpb|bits_per_byte|cross_entropy|perplexity|ppl)(?:[ _./-]{{1,2}}(?P<after>{_SPLIT}))?"
    r"['\"]?[ \t]{0,4}[:=]?[ \t]{0,8}"
    r"(?P<value>[-+]?(?:(?:\d{1,20}\.?\d{0,20}|\.\d{1,20})(?:e[-+]?\d{1,3})?|nan|inf(?:inity)?))(?![\w.])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Curves:
    """Losses in the order in which they were printed; NaN and infinity are kept, since they say something."""

    training: tuple[float, ...] = ()
    validation: tuple[float, ...] = ()


def curves(log: bytes) -> Curves:
    """The curves in a log. Never raises: a log without any gives none. What a program sums up after its last `---` line
    is no part of a curve."""
    text = log[-MOST_BYTES:].decode(errors="replace")
    rules = [match.start() for match in RULE.finditer(text)]
    body = text[: rules[-1]] if rules else text
    found: dict[str, list[float]] = {"training": [], "validation": []}
    for line in re.split(r"[\r\n]+", body):  # a progress bar writes over itself
        for match in _POINT.finditer(line[:LINE]):
            split = (match["split"] or match["after"] or "train").lower()
            kind = next(name for start, name in SPLITS.items() if split.startswith(start))
            found[kind].append(float(match["value"]))
    return Curves(_thinned(found["training"]), _thinned(found["validation"]))


def _thinned(values: Sequence[float]) -> tuple[float, ...]:
    stride = -(-len(values) // POINTS) or 1
    return tuple(values[::-1][::stride][::-1])  # the last point stays


def diverged(values: Sequence[float]) -> str:
    """How a training loss went wrong, in words; empty where it did not."""
    if any(not math.isfinite(value) for value in values):
        return "the training loss becomes NaN or infinite"
    if len(values) < LEAST:
        return ""
    blocks, slack = _blocks(values), SURE * _error(values)
    lowest = min(blocks)
    rise = blocks[-1] - lowest
    if rise > max(REGAINED * (blocks[0] - lowest), slack) and rise > 0.01 * abs(lowest):
        return f"the training loss rises again, from {lowest:.4g} to {blocks[-1]:.4g}"
    return ""


def still_falling(values: Sequence[float]) -> str:
    """That a training loss still fell fast at the end, in words; empty where it did not."""
    if not _sound(values):
        return ""
    blocks = _blocks(values)
    whole, late = blocks[0] - blocks[-1], blocks[-3] - blocks[-1]
    if late > max(STILL_FALLING * whole, SURE * _error(values)) and whole > 0:
        return f"the last quarter of training still brings {late / whole:.0%} of the fall of the loss"
    return ""


def flat(values: Sequence[float]) -> str:
    """That a training loss stopped falling half-way, in words; empty where it did not."""
    if not _sound(values):
        return ""
    blocks = _blocks(values)
    whole, late = blocks[0] - min(blocks), blocks[BLOCKS // 2 - 1] - blocks[-1]
    if whole > SURE * _error(values) and late < FLAT * whole:
        return f"the training loss hardly falls after half of the training ({blocks[BLOCKS // 2 - 1]:.4g} then)"
    return ""


def overfits(found: Curves) -> str:
    """That validation gets worse while training gets better, in words; empty where it does not."""
    values = found.validation
    if len(values) < FEW or not _finite(values) or not _sound(found.training):
        return ""
    blocks = _blocks(values)
    place = blocks.index(min(blocks))
    rise, fall = blocks[-1] - blocks[place], blocks[0] - blocks[place]
    trained = _blocks(found.training)
    still_better = trained[-1] < trained[min(place * BLOCKS // len(blocks), BLOCKS - 1)]
    if rise > max(STILL_FALLING * fall, SURE * _error(values)) and rise > 0 and still_better:
        return f"the validation loss rises from {blocks[place]:.4g} to {blocks[-1]:.4g} while the training loss falls"
    return ""


def _finite(values: Sequence[float]) -> bool:
    return all(math.isfinite(value) for value in values)


def _sound(values: Sequence[float]) -> bool:
    return len(values) >= LEAST and _finite(values) and not diverged(values)


def _blocks(values: Sequence[float]) -> list[float]:
    """The medians of parts of equal length, as many as there are points for."""
    count = min(BLOCKS, len(values))
    edges = [len(values) * n // count for n in range(count + 1)]
    return [median(values[first:last]) for first, last in pairwise(edges)]


def _error(values: Sequence[float]) -> float:
    """The standard error of a block's median, from second differences: a trend hardly touches them, and their variance
    is six times that of the noise. Robust against odd ones (1.48 MADs are an sd, 1.25 a median's loss against a mean).
    """
    bends = [a - 2 * b + c for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    middle = median(bends)
    sd = 1.4826 * median([abs(bend - middle) for bend in bends]) / math.sqrt(6)
    return 1.25 * sd / math.sqrt(max(len(values) / BLOCKS, 1.0))
