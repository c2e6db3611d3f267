"""From a path or address to a judgement of the log in it: finds the reader that knows it, reads, judges.

from pawl import foreign
found = foreign.judge("results.tsv")
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import cast

from pawl import plugins
from pawl.appraise import Appraisal, appraise
from pawl.errors import ConfigError, PartError
from pawl.hostile import one_line
from pawl.protocols import Reader
from pawl.trials import Log

LAST = "table"
"""The reader that takes nearly any file: asked after all others."""


def judge(
    source: str, settings: Mapping[str, str] | None = None, reader: str = "", noise: float | None = None,
    level: float = 0.05,
) -> Appraisal:  # fmt: skip
    """The judgement of a finished log. `settings` are those of its reader; `noise`: the sd of one run, if known.

    Raises ConfigError: nobody knows the source, it cannot be read, it has fewer than two scores, or the noise or level
    is no such number; PartError: there is no such reader, or it has no such setting."""
    if noise is not None and not (math.isfinite(noise) and noise > 0):
        raise ConfigError(f"--noise {noise} is not the sd of anything", "--noise 0.0005   (in the metric's unit)")
    if not 0 < level < 0.5:
        raise ConfigError(f"--level {level} is not between 0 and 0.5", "--level 0.05")
    log = read(source, settings or {}, reader)
    scored = sum(trial.score is not None for trial in log.trials)
    if scored < 2:
        raise ConfigError(
            f"{log.source} has {scored} score(s) for '{log.metric}': a baseline and one try are the least to judge",
            "pawl judge FILE --metric NAME",
        )
    return appraise(log, noise, level)


def read(source: str, settings: Mapping[str, str], reader: str = "") -> Log:
    """The log in a file, folder, database or at an address. Raises as `judge` does."""
    name = reader or _knowing(source)
    part = plugins.load("reader", name)
    takes = {field.name for field in fields(part) if field.init}
    surplus = sorted(set(settings) - takes)
    if surplus:
        raise PartError(
            f"{one_line(source)} is read by '{name}', which has no --{surplus[0]}",
            f"pawl judge FILE   (with: {', '.join('--' + word for word in sorted(takes)) or 'no options'})",
        )
    return cast(Reader, plugins.build("reader", name, dict(settings))).read(source)


def _knowing(source: str) -> str:
    """The name of the first reader that knows the source; strangers' readers and built-in ones by name, tables last."""
    names = sorted(plugins.known("reader"), key=lambda name: (name == LAST, name))
    for name in names:
        if cast(Reader, plugins.build("reader", name, {})).knows(source):
            return name
    shown = one_line(source)
    if "://" not in source and not Path(source).exists():
        raise ConfigError(f"there is no file or folder {shown}", "pawl judge results.tsv")
    raise ConfigError(
        f"{shown} is not a log that a reader knows ({', '.join(names)})",
        "pawl judge FILE --reader table   (a CSV or TSV file, names of columns in its first line)",
    )
