"""Any CSV or TSV file with one row a run: columns are guessed from their names, and told, or given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pawl.errors import ConfigError
from pawl.hostile import one_line
from pawl.readers import columns, files
from pawl.readers.files import Rows
from pawl.records import Direction
from pawl.trials import Decision, Log, Trial

LEAST_NUMBERS = 0.5
"""A column is one of numbers if so many of its cells that are not empty are."""


@dataclass(frozen=True)
class TableReader:
    """A CSV or TSV file. Settings name columns; empty: guessed. `direction`: minimize or maximize."""

    metric: str = ""
    direction: str = ""
    status: str = ""
    seed: str = ""
    variant: str = ""

    def knows(self, source: str) -> bool:
        """Text whose first line has at least two cells."""
        start = files.head(source)
        return b"\0" not in start and any(mark in start.split(b"\n", 1)[0] for mark in b"\t,;|")

    def read(self, source: str) -> Log:
        """Raises ConfigError: the file, a column that is not there, a metric or direction that cannot be guessed."""
        rows = files.table(source)
        told = list[str]()
        names = rows.names
        metric = self._metric(rows, told)
        status = self._column(self.status, columns.STATUS, names, "status", told)
        seed = self._column(self.seed, columns.SEED, names, "seed", told)
        words = columns.first_of(columns.WORDS, names)
        decisions = _decisions(rows, status, told)
        variants = self._variants(rows, [metric, status, seed, words], seed, told)
        scores = [columns.number(cell) for cell in rows.column(metric)]
        labels = rows.column(columns.first_of(columns.NAME, names) or names[0])
        said = rows.column(words) if words else [""] * len(scores)
        seeds = rows.column(seed) if seed else [""] * len(scores)
        trials = tuple(
            Trial(
                columns.shown(label, 40), None if decision == "crashed" else score, decision, variant,
                columns.shown(number), columns.shown(text),
            )
            for label, score, decision, variant, number, text
            in zip(labels, scores, decisions, variants, seeds, said, strict=True)
        )  # fmt: skip
        _tell_gaps(rows, scores, decisions, told)
        return Log(one_line(source), "table", metric, self._direction(metric, trials, told), trials, tuple(told))

    def _metric(self, rows: Rows, told: list[str]) -> str:
        if self.metric:
            return columns.named(self.metric, rows.names, "metric")
        numbers = [name for name in rows.names if _numeric(rows.column(name))]
        likely = columns.guess_metric(numbers)
        if not likely:
            rest = [name for name in numbers if not columns.INCIDENTAL.search(name.lower())
                    and name.lower() not in columns.SEED]  # fmt: skip
            if len(rest) != 1:
                raise ConfigError(
                    f"which column is the metric? With numbers: {', '.join(numbers[:20]) or 'none'}.",
                    f"--metric {(rest or numbers or ['NAME'])[0]}",
                )
            likely = rest
        others = f" (others that could be: {', '.join(likely[1:6])}; --metric)" if len(likely) > 1 else ""
        told.append(f"the metric is taken to be '{likely[0]}'{others}")
        return likely[0]

    def _column(self, given: str, words: Sequence[str], names: Sequence[str], what: str, told: list[str]) -> str:
        if given:
            return columns.named(given, names, what)
        found = columns.first_of(words, names)
        if found:
            told.append(f"the {what} is taken from column '{found}'")
        return found

    def _direction(self, metric: str, trials: Sequence[Trial], told: list[str]) -> Direction:
        given = columns.a_direction(self.direction)
        if given:
            return given
        kept = [trial.score for trial in trials if trial.decision == "kept" and trial.score is not None]
        by_name, by_kept = columns.direction_of(metric), columns.by_kept(kept)
        found = by_kept or by_name
        if found is None:
            raise ConfigError(f"is lower or higher better for '{metric}'?", "--direction minimize   or   maximize")
        why = "what was kept" if by_kept else "its name"
        told.append(f"{'lower' if found == 'minimize' else 'higher'} is taken to be better, by {why}")
        return found

    def _variants(self, rows: Rows, used: Sequence[str], seed: str, told: list[str]) -> list[str]:
        """What makes two rows the same configuration: the column given or named so; with seeds, all settings."""
        if self.variant:
            return rows.column(columns.named(self.variant, rows.names, "variant"))
        found = columns.first_of(columns.VARIANT, rows.names)
        if found and found not in used:
            told.append(f"rows are the same configuration where '{found}' is the same")
            return rows.column(found)
        if not seed:
            return [""] * len(rows.rows)
        settings = [name for name in rows.names if name not in used and _setting(name, rows.column(name))]
        if not settings:
            raise ConfigError(
                f"the file has seeds ('{seed}'), but which rows are the same configuration?",
                f"--variant {next((name for name in rows.names if name not in used), 'NAME')}",
            )
        listed = ", ".join(settings[:6]) + (" are" if settings[1:] else " is")
        told.append(f"rows are the same configuration where {listed} the same")
        return ["\x1f".join(cells) for cells in zip(*(rows.column(name) for name in settings), strict=True)]


def _numeric(cells: Sequence[str]) -> bool:
    given = [cell for cell in cells if cell.strip()]
    numbers = sum(columns.numeric(cell) for cell in given)
    return numbers >= LEAST_NUMBERS * len(given) and any(columns.number(cell) is not None for cell in given)


def _setting(name: str, cells: Sequence[str]) -> bool:
    """Does a column say what was run, rather than what came of it? Results and running numbers differ in each row."""
    return (
        not columns.direction_of(name) and not columns.INCIDENTAL.search(name.lower()) and len(set(cells)) < len(cells)
    )


def _decisions(rows: Rows, status: str, told: list[str]) -> list[Decision]:
    found, unknown = list[Decision](), dict[str, int]()
    if not status:
        return ["" for _ in rows.rows]
    for (line, _), cell in zip(rows.rows, rows.column(status), strict=True):
        known = columns.decision(cell)
        if known is None:
            unknown.setdefault(columns.shown(cell, 30), line)
        found.append("discarded" if known is None else known)
    if unknown:
        listed = ", ".join(f"'{word}' (line {line})" for word, line in list(unknown.items())[:5])
        told.append(f"not known as a status, and taken as not kept: {listed}")
    return found


def _tell_gaps(rows: Rows, scores: Sequence[float | None], decisions: Sequence[Decision], told: list[str]) -> None:
    empty = [line for (line, _), score, word in zip(rows.rows, scores, decisions, strict=True)
             if score is None and word != "crashed"]  # fmt: skip
    if empty:
        told.append(f"no finite score, and taken as failed: {_lines(empty)}")
    if rows.odd:
        told.append(f"left out, for having too few or too many cells: {_lines(rows.odd)}")


def _lines(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:8])) + (" ..." if len(numbers) > 8 else "")
    return f"line{'s' if numbers[1:] else ''} {shown}"
