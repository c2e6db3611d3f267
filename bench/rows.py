"""Finished rows of a long bench, one JSON object a line in `rows/NAME.jsonl`: it can be stopped, and goes on later."""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "rows"
Row = dict[str, object]


def read(name: str) -> list[Row]:
    """All finished rows, oldest first. A last line that a kill cut short is no row."""
    path = FOLDER / f"{name}.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def add(name: str, row: Row) -> None:
    """Write one finished row down, in place of one that a kill cut short."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.jsonl"
    whole = path.read_bytes().rpartition(b"\n")[:2] if path.exists() else ()
    with path.open("ab") as file:
        file.truncate(sum(map(len, whole)))
        file.write(json.dumps(row).encode() + b"\n")


def done(name: str, **key: object) -> bool:
    """Whether there is a row with these values."""
    return any(all(row.get(field) == value for field, value in key.items()) for row in read(name))
