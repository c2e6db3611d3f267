"""What all commands share: the app, the console, the study in the current folder, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from pawl.app import OpenStudy
from pawl.app import open as open_study
from pawl.errors import PawlError
from pawl.hostile import printable
from pawl.ledger import Entry
from pawl.records import Record

app = typer.Typer(
    name="pawl", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="AI improves a model, one checked step at a time; a person signs each release.",
)  # fmt: skip
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Folder = Annotated[Path, typer.Option("--study", "-C", help="The study's folder.", envvar="PAWL_STUDY")]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts: JSON on standard output.")]
HERE = Path()


def study_in(folder: Path) -> OpenStudy:
    """The study in a folder, looked for upwards as git does."""
    return open_study(study_folder(folder))


def study_folder(folder: Path) -> Path:
    """The nearest folder upwards that is a study, else the folder itself."""
    start = folder.resolve()
    return next((place for place in (start, *start.parents) if (place / "pawl.toml").is_file()), start)


def say(text: str, style: str = "") -> None:
    """Print text that may hold a stranger's words: no markup, no control characters, every other byte as it is."""
    if style and console.color_system is not None:
        console.print(Text(printable(text), style=style), soft_wrap=True)
    else:  # rich would turn tabs into spaces, and a patch or a signed text must come out as it went in
        console.file.write(printable(text) + "\n")


def say_chart(study: OpenStudy, height: int) -> None:
    """Every run in order; in colour where the terminal has it."""
    chart = study.chart(min(console.width, 120), height, colour=console.color_system is not None)
    console.print(Text.from_ansi(chart), soft_wrap=True)


def say_json(value: object) -> None:
    print(json.dumps(value, indent=2, default=str))  # ASCII only: it may be looked at on a terminal


def complain(error: PawlError) -> None:
    """What stopped Pawl, and the next command to type."""
    errors.print(f"[bold red]error:[/] {escape(printable(str(error)))}", soft_wrap=True)
    if error.hint:
        errors.print(f"[bold]next:[/]  {escape(printable(error.hint))}", soft_wrap=True)


def entry_json(entry: Entry[Record]) -> Mapping[str, object]:
    """An entry as scripts see it."""
    kind, record = type(entry.record).__name__.lower(), entry.record.model_dump(mode="json")
    return {"id": entry.id, "kind": kind, "at": entry.at, "digest": entry.digest, "record": record}


def entries_json(entries: Sequence[Entry[Record]]) -> list[Mapping[str, object]]:
    return [entry_json(entry) for entry in entries]
