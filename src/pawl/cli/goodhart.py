"""What became of the other metrics: the study's life as a Goodhart curve."""

from __future__ import annotations

import dataclasses

from pawl import curves, goodhart, history
from pawl.cli.screen import HERE, AsJson, Folder, app, say, say_json, study_in


@app.command("goodhart")
def curve(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """The metric that is improved, and all others that its scorer gives, over the certificates that passed."""
    study = study_in(folder)
    record = history.study(study.ledger).record
    points = goodhart.curve(goodhart.life(study.ledger))
    if as_json:
        say_json(
            {"metric": record.metric, "direction": record.direction, "points": [dataclasses.asdict(p) for p in points]}
        )
        return
    if not points:
        say("no certificate passed its gates yet")
        say("\nnext:  pawl run --budget 5m")
        return
    others = [name for name in points[-1].total if name != record.metric]
    for name in (record.metric, *others):
        say(f"{name}: " + ("what is improved" if name == record.metric else "hidden from the search"), "bold")
        for point in (point for point in points if name in point.change):
            sums = f"{point.change[name]:+10.4g}   {point.total[name]:+10.4g} in all"
            say(f"  certificate {point.certificate:<6d} {sums}   ({point.pairs} pairs)")
    for name in others:
        say("\n" + curves.drawn(points, record.metric, name))
