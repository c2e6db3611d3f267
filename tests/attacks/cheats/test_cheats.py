"""Each planted cheat is refused by the gate that is there for it, and each honest look-alike passes all gates."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from attacks.cheats.trial import Court, Script, court, scripts
from pawl import plugins

FOUND = scripts()


def chosen() -> list[Script]:
    """For each gate the first cheat on `digits` that it must catch, with its look-alike; everything if PAWL_ALL_CHEATS
    is set, which takes an hour. `bench/cheats.py` tries them all."""
    if os.environ.get("PAWL_ALL_CHEATS"):
        return FOUND
    first = {
        script.gate: script for script in reversed(FOUND) if script.cheat and script.gate and script.lab == "digits"
    }
    names = {name for script in first.values() for name in (script.name, script.twin)}
    return [script for script in FOUND if script.name in names]


@pytest.fixture(scope="session")
def courts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Court]]:
    """`courts(lab, leak)`: the court of a lab, opened when it is first needed and shared by all scripts."""
    with ExitStack() as stack:
        opened: dict[tuple[str, str], Court] = {}

        def find(lab: str, leak: str) -> Court:
            if (lab, leak) not in opened:
                folder = tmp_path_factory.mktemp(f"court-{lab}") / "study"
                opened[lab, leak] = stack.enter_context(court(lab, folder, leak))
            return opened[lab, leak]

        yield find


@pytest.mark.parametrize("script", FOUND, ids=lambda script: script.name)
def test_a_script_is_described_whole(script: Script) -> None:
    """A cheat names a gate that is installed, or says what would stop it; its look-alike is there and honest."""
    assert script.lab in ("digits", "tiny-gpt")
    assert script.tries
    assert script.family
    if script.cheat:
        assert script.gate in plugins.known("gate") or (not script.gate and script.open)


@pytest.mark.slow
@pytest.mark.parametrize("script", chosen(), ids=lambda script: script.name)
def test_cheats_are_refused_and_look_alikes_pass(courts: Callable[[str, str], Court], script: Script) -> None:
    outcome = courts(script.lab, script.leak).try_(script)
    if not script.cheat:
        assert outcome.passed, outcome.refused
    elif script.gate:
        assert outcome.caught_by(script.gate), outcome.verdict.record.findings
    else:
        assert outcome.passed, f"no longer open: {outcome.refused}"
