"""Reading a file that a stranger wrote: bounded, as text, with what is wrong and where."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from pawl.errors import ConfigError
from pawl.hostile import one_line

MOST_BYTES = 64 * 2**20
MOST_ROWS = 200_000
MOST_COLUMNS = 2_000


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: the names of its columns, and its rows with their line numbers. `odd` are lines left out, because they
    have another number of cells."""

    names: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    odd: tuple[int, ...]

    def column(self, name: str) -> list[str]:
        """All cells of a column."""
        place = self.names.index(name)
        return [cells[place] for _, cells in self.rows]


def head(source: str, size: int = 4096) -> bytes:
    """The first bytes of a file; none if it is not one or cannot be read."""
    try:
        with Path(source).open("rb") as file:
            return file.read(size)
    except (OSError, ValueError):
        return b""


def text(source: str) -> str:
    """A file's text. Raises ConfigError if it cannot be read, is too large, or is not text."""
    path, shown = Path(source), one_line(source)[:200]
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{shown} cannot be read: {getattr(error, 'strerror', error)}", "ls -l") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{shown} holds more than {MOST_BYTES >> 20} MiB", f"head -n 10000 {shown} > short.csv")
    if b"\0" in content:
        raise ConfigError(f"{shown} is not text: it holds zero bytes", "pawl judge FILE.csv")
    return content.decode("utf-8-sig", errors="replace")


def table(source: str, join_last: bool = False) -> Rows:
    """A CSV or TSV file with names in its first line. `join_last`: more cells than names belong to the last one.

    Raises ConfigError: no rows, a column twice, more odd lines than even ones."""
    content, shown = text(source), one_line(source)
    first = content.split("\n", 1)[0]
    mark = max("\t,;|", key=first.count)
    try:
        lines = csv.reader(
            io.StringIO(content, newline=""), delimiter=mark, quoting=csv.QUOTE_NONE if join_last else csv.QUOTE_MINIMAL
        )
        names = tuple(one_line(name) or f"column {n}" for n, name in enumerate(next(lines, ()), 1))
        _check_names(names, shown)
        rows, odd = list[tuple[int, tuple[str, ...]]](), list[int]()
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if join_last and len(cells) > len(names):
                cells = [*cells[: len(names) - 1], " ".join(cells[len(names) - 1 :])]
            if len(cells) != len(names):
                odd.append(lines.line_num)
            else:
                rows.append((lines.line_num, tuple(cells)))
            if len(rows) > MOST_ROWS:
                raise ConfigError(f"{shown} has more than {MOST_ROWS} rows", f"head -n 10000 {shown} > short.csv")
    except csv.Error as error:
        raise ConfigError(f"{shown} is not a table: {one_line(str(error))}", "pawl judge FILE.csv") from error
    _check_rows(rows, odd, len(names), shown)
    return Rows(names, tuple(rows), tuple(odd))


def _check_names(names: tuple[str, ...], shown: str) -> None:
    if not names:
        raise ConfigError(f"{shown} is empty", "pawl judge FILE.csv   (first line: the names of the columns)")
    if len(names) > MOST_COLUMNS:
        raise ConfigError(f"{shown} has {len(names)} columns, more than {MOST_COLUMNS}", "cut -f 1-10")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"{shown}: column {', '.join(twice[:5])} is there more than once", "rename one in the first line"
        )


def _check_rows(rows: list[tuple[int, tuple[str, ...]]], odd: list[int], width: int, shown: str) -> None:
    if len(odd) > len(rows):
        raise ConfigError(
            f"{shown}: line {odd[0]} does not have the {width} cells that line 1 names, as {len(odd)} lines do not",
            "is the first line the names of the columns?",
        )
    if not rows:
        raise ConfigError(f"{shown} has a first line and no rows", "pawl judge FILE.csv")
