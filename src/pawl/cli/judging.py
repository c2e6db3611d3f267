"""`pawl judge`: a verdict on the finished log of somebody else's loop; or all gates again on a dossier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from pawl import foreign, handout, reading, sketch, telling
from pawl.appraise import Appraisal, Call
from pawl.cli.screen import HERE, AsJson, Folder, app, console, say, say_json, study_in
from pawl.errors import ConfigError
from pawl.hostile import one_line

STYLES: dict[Call, str] = {"survives": "green", "cannot tell": "yellow", "could be noise": "bright_black"}

What = Annotated[
    str,
    typer.Argument(
        help="results.tsv, a CSV, mlruns, an Optuna or MLflow database; or a dossier's number.", show_default=False
    ),
]
Metric = Annotated[str, typer.Option(help="The metric's column or name; else guessed, and told.")]
Direction = Annotated[str, typer.Option(help="minimize or maximize; else guessed, and told.")]
Status = Annotated[str, typer.Option(help="The column that says what was kept; else guessed.")]
Seed = Annotated[str, typer.Option(help="The column or parameter that is the seed; else guessed.")]
Variant = Annotated[str, typer.Option(help="The column that is the same where the configuration is; else guessed.")]
Experiment = Annotated[str, typer.Option(help="The MLflow experiment or Optuna study, where there are several.")]
ReaderName = Annotated[str, typer.Option("--reader", help="How to read it (`pawl parts reader`); else recognised.")]
Noise = Annotated[float | None, typer.Option(help="The sd of one run, if you know it, in the metric's unit.")]
Level = Annotated[float, typer.Option(help="The chance that any step is wrongly said to survive.")]
Picture = Annotated[Path | None, typer.Option("--chart", help="Write the chart as PNG to this file.")]
Page = Annotated[Path | None, typer.Option("--html", help="Write it all as one page for a browser to this file.")]


@app.command()
def judge(
    what: What, folder: Folder = HERE, as_json: AsJson = False, metric: Metric = "", direction: Direction = "",
    status: Status = "", seed: Seed = "", variant: Variant = "", experiment: Experiment = "", reader: ReaderName = "",
    noise: Noise = None, level: Level = 0.05, chart: Picture = None, html: Page = None,
) -> None:  # fmt: skip
    """Which gains in the finished log of any loop survive, and how many runs are missing. Needs no study.

    With a dossier's number: ask all gates again about it, under the policy of now."""
    given = {"metric": metric, "direction": direction, "status": status, "seed": seed, "variant": variant,
             "experiment": experiment}  # fmt: skip
    settings = {name: value for name, value in given.items() if value}
    if what.isdecimal() and not Path(what).exists():
        _again(int(what), folder)
        return
    found = foreign.judge(what, settings, reader, noise, level)
    if chart:
        _write(chart, sketch.png(found))
    if html:
        _write(html, handout.page(found).encode())
    if as_json:
        say_json(telling.as_json(found))
        return
    tell(found)
    for file in filter(None, (chart, html)):
        say(f"written: {file}")


def _again(id: int, folder: Path) -> None:
    study = study_in(folder)
    verdict = study.judge_again(id)
    for line in reading.why(study.ledger, verdict.id):
        say(line)
    if not verdict.record.passed:
        raise typer.Exit(1)


def tell(found: Appraisal) -> None:
    """The judgement on a terminal: the answer first, then why, then what to do."""
    for line in telling.headline(found):
        say(line, "bold")
    say("")
    for name, text in telling.facts(found):
        console.print(Text(f"{name:8s}{text}"), soft_wrap=False)
    if found.steps:
        say("")
        drawn = sketch.terminal(found, min(console.width, 120), 18, colour=console.color_system is not None)
        console.print(Text.from_ansi(drawn), soft_wrap=True)
        say("")
        _table(found)
    _to_do(found)


def _table(found: Appraisal) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    rows = [[one_line(cell) for cell in telling.row(step)] for step in found.steps]
    for place, name in enumerate(telling.COLUMNS):
        last = name == "what"
        width = max(len(cell) for cell in (name, *(row[place] for row in rows)))
        table.add_column(
            name, justify="left" if name in ("trial", "verdict", "what") else "right", no_wrap=True,
            overflow="ellipsis", ratio=1 if last else None, min_width=0 if last else min(width, 16),
        )  # fmt: skip
    for step, row in zip(found.steps, rows, strict=True):
        table.add_row(*map(Text, row), style=STYLES[step.call])
    console.print(table)
    for line in telling.legend(found):
        console.print(Text(line, style="dim"))


def _to_do(found: Appraisal) -> None:
    if found.noise.high is None:
        for line in telling.bearable(found):
            say(line)
    wanted = telling.missing(found)
    if wanted:
        counts = [runs for runs, _ in wanted if runs is not None]
        say(f"\nWhat is missing: {sum(counts)} runs{'' if len(counts) == len(wanted) else ' and more'}", "bold")
    for runs, what in wanted:
        console.print(Text(f"  {'many' if runs is None else runs!s:>4} runs {what}"))
    say(f"\nnext:  {telling.following(found)}")


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}", "name another file") from error
