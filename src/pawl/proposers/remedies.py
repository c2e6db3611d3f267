"""Constants by what they do, as their names say, and how far to move each of them against what ails a training.

The names are those of common training programs. The steps are those that people take by hand: a learning rate by
factors of two to three (Bengio 2012, "Practical recommendations for gradient-based training of deep architectures",
section 3.3, searches it so), clipping at a norm of 1 (Pascanu, Mikolov and Bengio 2013; the usual default), warm-up
longer against divergence at the start (Goyal et al. 2017), weight decay and dropout against over-fitting (Goodfellow et
al. 2016, chapter 7). They need not be right: what they propose is raced like everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

Number = int | float
Ail = Literal["divergence", "under-training", "over-fitting", "plateau", "room", "waiting"]
Move = Callable[[Number], Number]

ROLES: Mapping[str, re.Pattern[str]] = {
    "rate": re.compile(r"(^|.*_)(learning_?rate|lr|step_size)(_max|_peak)?"),
    "warmup": re.compile(r"(.*_)?warm_?up(_\w+)?"),
    "clip": re.compile(r"((gradient|grad|max_grad|norm)_?)?(clip|norm)(_(norm|value|grad|gradient))?|max_grad_norm"),
    "decay": re.compile(r"(.*_)?(weight_?decay|wd|l2)"),
    "dropout": re.compile(r"(.*_)?drop_?(out|path)?(_(rate|p|prob))?"),
    "smoothing": re.compile(r"label_smoothing"),
    "width": re.compile(r"hidden(_(size|units|dim))?|width|n_?embd?|d_model|channels|model_dim"),
    "depth": re.compile(r"depth|(n_|num_)layers?|layers|(n_|num_)?blocks"),
    "workers": re.compile(r"(num_|n_)?(data_?)?(loader_)?workers"),
}
"""What whole names, in small letters, do. The first that fits counts."""


def _times(factor: float) -> Move:
    return lambda value: value * factor


def _at_least_one_more(factor: float) -> Move:
    return lambda value: max(value + 1, round(value * factor)) if isinstance(value, int) else value * factor


def _longer(value: Number) -> Number:
    """Steps are doubled; a share of the training too, up to a third of it."""
    if isinstance(value, int) and value > 0:
        return 2 * value
    return min(2 * value, 0.3) if 0 < value < 1 else 0.05 if value == 0 else value


def _clipped(value: Number) -> Number:
    return 1.0 if value <= 0 or value > 1 else value / 2


MOVES: Mapping[Ail, Sequence[tuple[str, Move]]] = {
    "divergence": (("rate", _times(1 / 3)), ("clip", _clipped), ("warmup", _longer)),
    "under-training": (("rate", _times(2.0)), ("warmup", _times(0.5))),
    "over-fitting": (
        ("decay", lambda value: 3 * value if value else 0.01),
        ("dropout", lambda value: min(value + 0.1, 0.5)),
        ("smoothing", lambda value: max(value, 0.1)),
    ),
    "plateau": (("rate", _times(0.5)),),
    "room": (("width", _at_least_one_more(1.2)), ("depth", _at_least_one_more(1.0))),
    "waiting": (("workers", lambda value: 2 * value if value else 2),),
}  # fmt: skip
"""What is done about each ail, the surest first."""


@dataclass(frozen=True, slots=True)
class Change:
    """A constant of a file, and the value that might help."""

    path: str
    name: str
    before: Number
    after: Number

    @property
    def said(self) -> str:
        return f"{self.name} {self.before} -> {self.after}"


def changes(
    ail: Ail, constants: Mapping[str, Mapping[str, Number]], space: Mapping[str, Mapping[str, JsonValue]]
) -> Iterator[Change]:
    """The constants, by file and name, that might help against an ail, each with its new value, inside the range that
    [space] gives for it. What would not change is left out."""
    for role, move in MOVES[ail]:
        for path, values in constants.items():
            for name, before in values.items():
                if ROLES[role].fullmatch(name.lower()):
                    after = _inside(before, move(before), space.get(f"{path}:{name}", {}))
                    if after != before:
                        yield Change(path, name, before, after)


def _inside(before: Number, after: Number, table: Mapping[str, JsonValue]) -> Number:
    """A value of the constant's own type in its range; the value of before where the range names its values."""
    if table.get("type") == "categorical":
        return before
    low, high = table.get("low"), table.get("high")
    after = max(after, low) if isinstance(low, int | float) else after
    after = min(after, high) if isinstance(high, int | float) else after
    whole = isinstance(before, int) and (table.get("type") == "int" or float(after).is_integer() or before > 1)
    return round(after) if whole else float(f"{after:.4g}")
