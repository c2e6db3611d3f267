"""The Goodhart curve in characters: what was improved along the bottom, what was not aimed at up the side."""

from __future__ import annotations

from collections.abc import Sequence

from pawl.charts import PLOTEXT
from pawl.goodhart import Point


def drawn(points: Sequence[Point], metric: str, hidden: str, width: int = 72, height: int = 16) -> str:
    """The total change of a hidden metric over that of the study's own, certificate after certificate, from (0, 0)."""
    import plotext  # compiled, and slow to load for commands that draw nothing

    path = [(0.0, 0.0), *((p.total.get(metric, 0.0), p.total.get(hidden, 0.0)) for p in points)]
    across, up = zip(*path, strict=True)
    with PLOTEXT:
        plotext.terminal.limit(False, False)
        plotext.figure.clear()
        figure = plotext.figure.theme("colorless").plot_size(width, height)
        for name, values in (("x", across), ("y", up)):
            slack = 0.05 * (max(values) - min(values)) or 1.0
            figure.ruler(name).lim(min(values) - slack, max(values) + slack)
        figure.draw(figure.signal(across, up, marker=plotext.marker("braille", "green")).lines(True))
        for place, (x, y) in enumerate(path):
            figure.draw(figure.signal([x], [y], marker=plotext.marker("○" if place == 0 else "●", "blue")))
        body = figure.build().string(colorless=True).rstrip("\n")
    return f"{hidden} over {metric}: total change since ○\n{body}"
