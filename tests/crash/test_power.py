"""The power is cut: what was acknowledged is there, nothing was released that nobody signed, and Pawl goes on.

Real commands are recorded with strace, call by call, and replayed onto a simulated disk that keeps only what was
synced. The same checks with some of the syncs left out must fail, or they prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from journal import Call
from power import cuts
from recording import Recording


def wrong(*args: object, **settings: object) -> list[str]:
    return [cut.wrong for cut in cuts(*args, **settings) if cut.wrong]  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_first_seconds_survive_power_cuts(beginning: Recording) -> None:
    assert beginning.promised(len(beginning.calls))
    assert wrong(beginning, 12, seed=11) == []


def test_without_the_ledgers_syncs_the_checks_fail(beginning: Recording) -> None:
    lost = wrong(beginning, 5, seed=12, synced=lambda call: "ledger.sqlite" not in call.path)
    assert any("acknowledged entry" in text for text in lost)


@pytest.mark.slow
def test_five_hundred_power_cuts_over_run_certify_and_approve(life: Recording) -> None:
    found = list(cuts(life, 500, seed=13, goes_on=60))
    assert [cut.wrong for cut in found if cut.wrong] == []
    assert {cut.phase for cut in found} == {"run", "certify", "approve"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("left_out", "complaint"),
    [
        (lambda call: call.path.startswith(".git/objects"), "git fsck|is gone from"),
        (lambda call: call.path.startswith(".pawl/artifacts"), "artifact"),
        (lambda call: call.path == "", "acknowledged entry 1 is gone"),
    ],
    ids=["git's objects", "artifacts", "the study's folder"],
)
def test_without_a_sync_the_checks_fail(life: Recording, left_out: Callable[[Call], bool], complaint: str) -> None:
    found = wrong(life, 40, seed=14, synced=lambda call: not left_out(call))
    assert any(part in text for text in found for part in complaint.split("|")), found
