"""Which column is what? The words that people use for metrics, seeds and decisions, and how cells are read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import pairwise

from pawl.errors import ConfigError, did_you_mean
from pawl.hostile import one_line
from pawl.records import Direction
from pawl.trials import Decision

LOWER = ("loss", "error", "err", "bpb", "bpc", "bits", "perplexity", "ppl", "rmse", "mse", "mae", "nll", "wer", "cer",
         "regret", "fid", "logloss", "nats", "entropy", "brier", "latency")  # fmt: skip
HIGHER = ("acc", "accuracy", "auc", "auroc", "f1", "score", "reward", "return", "r2", "bleu", "rouge", "map", "ndcg",
          "precision", "recall", "pass", "elo", "win", "iou", "dice", "psnr", "ssim", "exact", "em")  # fmt: skip
HELD_OUT = ("val", "valid", "validation", "dev", "eval", "test", "holdout", "heldout")
SEED = ("seed", "random_seed", "random_state", "rng_seed", "prng_seed", "rng")
VARIANT = ("variant", "config", "configuration", "config_id", "commit", "model", "arm", "system", "method")
STATUS = ("status", "decision", "outcome", "verdict", "state", "kept", "keep", "accepted", "result")
WORDS = ("description", "hypothesis", "change", "idea", "notes", "note", "comment", "message", "title")
NAME = ("name", "run_name", "run", "commit", "id", "run_id", "trial")
INCIDENTAL = re.compile(
    r"(^|_|\b)(memory|mem|vram|time|times|duration|seconds|secs|minutes|hours|timestamp|date|datetime|started|ended|step|steps|"
    r"epoch|epochs|index|number|tokens|cost|flops|params|size|id|uuid|wall|cpu|gpu|commit|hash|url|path)(_|\b|$)"
)
KEPT = {
    "keep",
    "kept",
    "accept",
    "accepted",
    "merge",
    "merged",
    "improved",
    "improvement",
    "promoted",
    "true",
    "yes",
    "1",
    "best",
}
DISCARDED = {
    "discard", "discarded", "reject", "rejected", "refused", "revert", "reverted", "worse", "false", "no", "0", "drop",
    "dropped", "baseline", "pruned",
}  # fmt: skip
CRASHED = {
    "crash",
    "crashed",
    "fail",
    "failed",
    "failure",
    "error",
    "oom",
    "timeout",
    "timed-out",
    "killed",
    "invalid",
    "nan",
}
DONE = {"finished", "complete", "completed", "done", "ok", "success", "running", "scheduled", ""}


def parts(name: str) -> list[str]:
    """The words of a column's name: `valLoss/best` is val, loss, best."""
    return re.findall(r"[a-z]+\d*|\d+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())


def direction_of(metric: str) -> Direction | None:
    """Whether lower or higher is better, by the metric's name; None: the name does not say."""
    words = set(parts(metric))
    if words & set(LOWER):
        return "minimize"
    return "maximize" if words & set(HIGHER) else None


def a_direction(text: str) -> Direction | None:
    """The direction that somebody stated; None: none. Raises ConfigError for another word."""
    known: dict[str, Direction] = {"minimize": "minimize", "min": "minimize", "lower": "minimize",
                                   "maximize": "maximize", "max": "maximize", "higher": "maximize"}  # fmt: skip
    if text and text not in known:
        raise ConfigError(
            f"there is no direction '{one_line(text)}'.{did_you_mean(text, known)}", "--direction minimize"
        )
    return known.get(text)


def by_kept(scores: Sequence[float]) -> Direction | None:
    """The direction in which kept scores move, if they are at least three and nearly all agree."""
    moves = [after - before for before, after in pairwise(scores) if after != before]
    if len(moves) < 2:
        return None
    down = sum(move < 0 for move in moves) / len(moves)
    return "minimize" if down >= 0.8 else "maximize" if down <= 0.2 else None


def guess_metric(names: Iterable[str]) -> list[str]:
    """Names that sound like a metric, the likeliest first: held-out ones before others, training's last."""
    likely = [name for name in names if direction_of(name) and not INCIDENTAL.search(name.lower())]

    def rank(name: str) -> int:
        words = set(parts(name))
        return 0 if words & set(HELD_OUT) else 2 if "train" in words else 1

    return sorted(likely, key=rank)


def named(wanted: str, names: Sequence[str], what: str) -> str:
    """The column that somebody asked for. Raises ConfigError with what there is."""
    if wanted not in names:
        raise ConfigError(
            f"there is no {what} '{one_line(wanted)}'.{did_you_mean(wanted, names)} "
            f"There are: {', '.join(names[:20])}{' ...' if len(names) > 20 else ''}.",
            f"--{what} {next(iter(get_close_matches(wanted, names, 1) or names), 'NAME')}",
        )
    return wanted


def first_of(words: Sequence[str], names: Sequence[str]) -> str:
    """The first of these words that is a name, however it is capitalised; empty: none is."""
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[word] for word in words if word in lower), "")


def number(text: str) -> float | None:
    """A finite number, or None. Thousands separators are not understood, so that nothing is read as another number."""
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def numeric(text: str) -> bool:
    """Is this how programs print a number, be it finite or not?"""
    return number(text) is not None or text.strip().lower().lstrip("+-") in ("nan", "inf", "infinity")


def decision(text: str) -> Decision | None:
    """What a status means; None: the word is not known."""
    word = re.split(r"[\s:(,]", text.strip().lower(), maxsplit=1)[0]
    if word in KEPT:
        return "kept"
    if word in DISCARDED:
        return "discarded"
    return "crashed" if word in CRASHED else "" if word in DONE else None


def shown(text: str, most: int = 160) -> str:
    """A stranger's words in one printable line of bounded length."""
    line = one_line(text[: 4 * most])
    return line if len(line) <= most else line[: most - 1] + "…"
