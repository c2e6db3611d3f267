"""What people read first, as words; and the same for scripts."""

from __future__ import annotations

import json

import pytest

from logs import made, published
from pawl import foreign, telling
from pawl.appraise import appraise


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0282, "0.0282"), (0.000695, "0.000695"), (0.0, "0"), (12345.6, "12346"), (-0.5, "-0.5"), (3e-9, "3e-09"),
     (1.0, "1"), (2.5e9, "2.5e+09")],
)  # fmt: skip
def test_figures_are_readable(value: float, text: str) -> None:
    assert telling.figure(value) == text


def test_the_published_log_in_words() -> None:
    found = foreign.judge(published())
    first, second = telling.headline(found)
    assert first == "1 of 22 kept gains would survive; 3 are too close to tell; 18 could be luck."
    assert second.startswith(
        "The whole way holds up: the gain of 0.02821 from the baseline to what was kept last is real"
    )
    facts = "\n".join(text for _, text in telling.facts(found))
    assert "14 of 22 kept gains are smaller than the 0.000695 that a repeat alone made" in facts
    assert (10, "of the baseline and 438a26e, in pairs on fresh seeds: to prove the whole way") in telling.missing(
        found
    )


def test_every_state_of_a_log_has_words() -> None:
    alone = made(0, tries=6, good=0.5, reseed=False)
    unknown, stated, idle = appraise(alone), appraise(alone, 0.1), appraise(made(0, good=0.0), 1.0)
    assert telling.headline(unknown)[0].startswith("The log cannot say whether its")
    assert len(telling.bearable(unknown)) == len(unknown.steps)
    assert dict(telling.facts(stated))["noise"] == "sd of one run 0.1, as stated"
    assert telling.headline(idle)[1].startswith("The whole way does not hold up: the best of 40 tries that do nothing")
    nothing = appraise(made(0, tries=0, reseed=False))
    assert telling.headline(nothing) == ["Nothing was kept: none of 0 tries scored better than the baseline."]
    assert telling.missing(nothing)[0][0] == telling.TO_MEASURE


def test_scripts_get_all_of_it_as_json() -> None:
    found = json.loads(json.dumps(telling.as_json(appraise(made(0), 1.0))))
    assert found["noise"]["freedom"] is None
    assert found["log"]["trials"] == 42
    assert len(found["steps"]) == len(appraise(made(0), 1.0).steps)
    assert found["missing"]
