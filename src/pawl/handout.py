"""A judged log as one page for a browser: self-contained, no scripts, no network, and nothing on it is trusted."""

from __future__ import annotations

import base64
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from pawl import sketch, telling
from pawl.appraise import Appraisal
from pawl.page import clean

TEMPLATE = "templates/judged.html"


def page(found: Appraisal) -> str:
    """The page that shows a judgement, with its chart (PNG) within."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(clean=clean)
    template = environment.from_string(files("pawl").joinpath(TEMPLATE).read_text(encoding="utf-8"))
    return template.render(
        source=found.log.source, headline=telling.headline(found), facts=list(telling.facts(found)),
        chart=base64.b64encode(sketch.png(found)).decode(), columns=telling.COLUMNS, legend=telling.legend(found),
        rows=[(step.call, telling.row(step)) for step in found.steps], missing=telling.missing(found),
        bearable=telling.bearable(found) if found.noise.high is None else [],
    )  # fmt: skip
