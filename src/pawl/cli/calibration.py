"""`pawl calibration`: what gets through that cannot be better."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from pawl import rate_chart
from pawl.cli.screen import HERE, AsJson, Folder, app, console, say, say_json, study_in
from pawl.rates import Calibration, Rate

Chart = Annotated[Path | None, typer.Option("--chart", help="Draw it into this PNG file too.")]


@app.command()
def calibration(folder: Folder = HERE, as_json: AsJson = False, chart: Chart = None) -> None:
    """How often null candidates, which cannot be better, got through each step. Exit code 1 if too often."""
    study = study_in(folder)
    found = study.calibration()
    if chart:
        chart.write_bytes(rate_chart.png(found.rates, f"{study.config.study.name}: what gets through"))
    if as_json:
        rates = [{**asdict(rate), "exceeded": rate.exceeded, "verdict": rate.verdict} for rate in found.rates]
        say_json({**asdict(found), "owed": found.owed, "rates": rates})
    else:
        console.print(_table(found))
        say(f"\n{_turns(found)}")
        if found.rates:
            say("intervals are at 95 %; candidates that raced against one and the same run count as one")
    if any(rate.exceeded for rate in found.rates):
        raise typer.Exit(1)


def _table(found: Calibration) -> Table:
    """A row for each rate: counts, interval, promise, verdict, and the interval drawn from 0 to 1."""
    table = Table("step", "passed", "rate", "interval", "promised", "0" + " " * 28 + "1", "", box=None, pad_edge=False)
    for rate in found.rates:
        style = "red" if rate.exceeded else ""
        table.add_row(*(Text(cell, style) for cell in _cells(rate)))
    return table


def _cells(rate: Rate) -> tuple[str, ...]:
    seen = f"{rate.count / rate.of:.3f}" if rate.of else "-"
    promised = "-" if rate.promised is None else f"{rate.promised:g}"
    passed, band = f"{rate.count} of {rate.of}", f"{rate.low:.3f} to {rate.high:.3f}"
    return (rate.what, passed, seen, band, promised, rate_chart.bar(rate), rate.verdict)


def _turns(found: Calibration) -> str:
    if found.share <= 0:
        return "calibration is off: [calibration] share is 0 in policy.toml"
    return (
        f"{found.nulls} of {found.turns} turns tried a null candidate, where a share of {found.share:g} should; "
        f"the gate asks for {found.owed}"
    )
