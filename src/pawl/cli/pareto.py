"""`pawl pareto`: two metrics against each other."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from pawl import pareto_chart
from pawl.cli.screen import HERE, AsJson, Folder, app, console, say, say_json, study_in
from pawl.pareto import Spot
from pawl.pareto import front as pareto_front

Name = Annotated[str, typer.Option(help="A metric of a scorer or a cost; NAME:maximize says which way it is better.")]
Chart = Annotated[Path | None, typer.Option("--chart", help="Draw it into this PNG file too.")]


@app.command()
def pareto(
    folder: Folder = HERE, x: Name = "cpu_seconds", y: Name = "", as_json: AsJson = False, chart: Chart = None
) -> None:  # fmt: skip
    """What each variant costs and brings: means with their noise, and the front that no other variant beats."""
    study = study_in(folder)
    found = pareto_front(study.ledger, x, y)
    if chart:
        chart.write_bytes(pareto_chart.png(found, study.config.study.name))
    if as_json:
        say_json(asdict(found))
        return
    drawn = pareto_chart.terminal(found, min(console.width, 120), 24, colour=console.color_system is not None)
    console.print(Text.from_ansi(drawn), soft_wrap=True)
    say(f"\n  variant  runs  {found.x.metric:>24s}  {found.y.metric:>24s}")
    for spot in found.spots:
        if spot.front or spot.role:
            means = f"{_mean(spot.x, spot.x_error)}  {_mean(spot.y, spot.y_error)}"
            say(f"  {spot.variant:7d}  {spot.runs:4d}  {means}  {_role(spot)}")
    say("\nmeans +- one standard error; a variant with one run may be on the front by luck")


def _mean(value: float, error: float | None) -> str:
    return f"{f'{value:.5g}' + ('' if error is None else f' +- {error:.2g}'):>24s}"


def _role(spot: Spot) -> str:
    return ", ".join(filter(None, ("front" if spot.front else "", spot.role)))
