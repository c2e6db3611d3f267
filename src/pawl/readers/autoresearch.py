"""autoresearch's results.tsv: commit, metric, memory_gb, status, description; one fixed seed, lower is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pawl.errors import ConfigError
from pawl.hostile import one_line
from pawl.readers import columns, files
from pawl.trials import Log, Trial

COLUMNS = ("commit", None, "memory_gb", "status", "description")
"""The metric's column has the metric's name."""


@dataclass(frozen=True)
class AutoresearchReader:
    """autoresearch's results.tsv. `direction`: empty for minimize, as in its program."""

    direction: str = ""

    def knows(self, source: str) -> bool:
        """A first line with the five columns, by name and in order."""
        first = files.head(source).split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").rstrip("\r")
        return _fits(first.split("\t"))

    def read(self, source: str) -> Log:
        """Raises ConfigError: the file, or a status that nobody knows."""
        rows = files.table(source, join_last=True)
        if not _fits(rows.names):
            why = f"{one_line(source)} does not have autoresearch's columns"
            raise ConfigError(why, "pawl judge FILE --reader table")
        trials, told = list[Trial](), list[str]()
        for line, (commit, score, _, status, words) in rows.rows:
            decision = columns.decision(status)
            if decision is None:
                raise ConfigError(
                    f"{one_line(source)}, line {line}: '{columns.shown(status, 30)}' is no status",
                    "keep, discard or crash",
                )
            value = None if decision == "crashed" else columns.number(score)
            if value is None and decision != "crashed":
                told.append(f"line {line} has no finite score, and is taken as failed")
            trials.append(Trial(columns.shown(commit, 40), value, decision, commit, "", columns.shown(words)))
        if rows.odd:
            told.append(f"left out, for having too few cells: {len(rows.odd)} line(s), the first is {rows.odd[0]}")
        given = columns.a_direction(self.direction)
        return Log(one_line(source), "autoresearch", rows.names[1], given or "minimize", tuple(trials), tuple(told))


def _fits(names: Sequence[str]) -> bool:
    """The five columns, by name and in order."""
    return len(names) == len(COLUMNS) and all(want in (None, name) for want, name in zip(COLUMNS, names, strict=True))
