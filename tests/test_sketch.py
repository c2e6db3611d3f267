"""Pictures of a judged log: made of any log, and showing each trial once."""

from __future__ import annotations

import re
import struct

import pytest

from logs import made
from pawl import handout, sketch
from pawl.appraise import Appraisal, appraise
from pawl.charts import WIDTH
from pawl.trials import Log, Trial

WILD = [Trial(f"t{n}", score) for n, score in enumerate([1.0, 2.0, 1e9, None, -1e9])]
LOGS = {
    "usual": made(0), "nothing known": made(0, tries=6, good=0.5, reseed=False), "nothing kept": made(0, tries=0),
    "wild": Log("w", "t", "$m_a^x$ <b>", "maximize", tuple(WILD)),
    "flat": Log("f", "t", "m", "minimize", (Trial("a", 1.0), Trial("b", 1.0), Trial("c", None, "crashed"))),
}  # fmt: skip


@pytest.fixture(params=LOGS)
def found(request: pytest.FixtureRequest) -> Appraisal:
    return appraise(LOGS[request.param])


def test_every_trial_is_drawn_once(found: Appraisal) -> None:
    dots = sketch.scene(found).dots
    assert sorted(place for kind in dots.values() for place, _ in kind) == list(range(1, len(found.log.trials) + 1))
    assert len(dots["baseline"]) == 1
    shown = {place for call in ("survives", "cannot tell", "could be noise") for place, _ in dots[call]}
    assert {step.number + 1 for step in found.steps} == shown


@pytest.mark.slow
def test_both_pictures_are_made_of_it(found: Appraisal) -> None:
    content = sketch.png(found)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (WIDTH, sketch.HEIGHT)
    drawn = sketch.terminal(found, 80, 16, colour=False)
    assert all(len(line) <= 80 for line in drawn.splitlines())
    assert "\x1b" not in drawn


def test_the_page_stands_alone_and_a_strangers_words_are_only_words() -> None:
    trials = (Trial("a", 2.0, "kept"), Trial("<script>x", 1.0, "kept", "", "", "<img src=http://evil>\u202e"))
    text = handout.page(appraise(Log("<b>", "t", "m", "minimize", trials), 0.1))
    assert "<script" not in text
    assert "http://evil>" not in text
    assert "\u202e" not in text
    assert not re.search(r'(src|href)="(?!data:)', text)
