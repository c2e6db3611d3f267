"""A judged log as one page for a browser: self-contained, no scripts, no network, and nothing on it is trusted."""

from __future__ import annotations

import base64

from pawl import sketch, telling
from pawl.appraise import Appraisal
from pawl.page import template


def page(found: Appraisal) -> str:
    """The page that shows a judgement, with its chart (PNG) within."""
    return template("judged.html").render(
        source=found.log.source, headline=telling.headline(found), facts=list(telling.facts(found)),
        chart=base64.b64encode(sketch.png(found)).decode(), columns=telling.COLUMNS, legend=telling.legend(found),
        rows=[(step.call, telling.row(step)) for step in found.steps], missing=telling.missing(found),
        bearable=telling.bearable(found) if found.noise.high is None else [],
    )  # fmt: skip
