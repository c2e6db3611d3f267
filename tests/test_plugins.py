"""Parts load by name, and a wrong name, setting or plugin is an error that says so."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, is_dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from pawl import plugins
from pawl.errors import PartError
from pawl.gates.limits import Limits

KINDS = ("proposer", "sandbox", "executor", "evaluator", "gate", "signer", "store", "reader", "model")


@dataclass(frozen=True)
class Good:
    """A part with a setting, something wired, and something of its own."""

    least: float = 1.0
    ledger: object = None
    own: int = field(init=False, default=3)

    def __post_init__(self) -> None:
        if self.least < 0:
            raise ValueError("least is negative")


@dataclass(frozen=True)
class Demanding:
    must: int


class Plain:
    """Not a dataclass."""


INSTANCE = Good()
VALUES = {
    "good": "Good", "demanding": "Demanding", "plain": "Plain", "instance": "INSTANCE", "absent": "Nothing",
}  # fmt: skip


@pytest.fixture(autouse=True)
def stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's package that registers the parts above as gates."""

    ours = [EntryPoint(name, f"{__name__}:{value}", "pawl.gates") for name, value in VALUES.items()]
    ours.append(EntryPoint("broken", "no.such.module:X", "pawl.gates"))
    real = plugins.installed
    monkeypatch.setattr(plugins, "installed", lambda group: [*real(group), *(ours if group == "pawl.gates" else ())])


@pytest.mark.parametrize("kind", KINDS)
def test_pawls_own_parts_come_through_the_same_door_and_load(kind: str) -> None:
    folder = "sandboxes" if kind == "sandbox" else f"{kind}s"
    ours = {name for name, point in plugins.known(kind).items() if point.value.startswith(f"pawl.{folder}.")}
    assert ours
    assert all(is_dataclass(plugins.load(kind, name)) for name in ours)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("limit", "there is no gate 'limit'. Did you mean 'limits'?"),
        ("zzzzzz", "there is no gate 'zzzzzz'. Known: "),
        ("broken", "gate 'broken' (no.such.module:X) does not import: No module named 'no'"),
        ("absent", "does not import: module"),
        ("plain", "is not a dataclass"),
        ("instance", "is not a dataclass"),
    ],
)
def test_a_part_that_cannot_be_had_is_an_error_with_its_name(name: str, said: str) -> None:
    with pytest.raises(PartError) as caught:
        plugins.load("gate", name)
    assert said in str(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_an_unknown_kind_has_no_parts() -> None:
    assert plugins.known("rumour") == {}
    with pytest.raises(PartError, match="there is no rumour 'x'"):
        plugins.load("rumour", "x")


def test_a_part_is_built_from_its_settings_and_what_it_asks_for() -> None:
    assert plugins.build("gate", "good", {"least": 2.0}, ledger="the ledger", sandbox="unasked") == Good(
        2.0, "the ledger"
    )
    assert plugins.build("gate", "good", {}) == Good()
    with pytest.raises(FrozenInstanceError):
        plugins.build("gate", "good", {}).least = 3.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("good", {"lest": 1}, "gate 'good' has no setting 'lest'. Did you mean 'least'?"),
        ("good", {"ledger": 1}, "gate 'good' has no setting 'ledger'. Known: least."),
        ("good", {"own": 1}, "has no setting 'own'"),
        ("good", {"least": -1}, "gate 'good' refuses its settings: least is negative"),
        ("good", {"least": None}, "gate 'good' refuses least = None: Input should be a valid number"),
        ("demanding", {}, "refuses its settings: .*'must'"),
    ],
)
def test_settings_that_do_not_fit_are_an_error(name: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(PartError, match=said):
        plugins.build("gate", name, settings, ledger="the ledger")


def test_a_built_in_gate_takes_its_settings_by_name() -> None:
    assert plugins.build("gate", "limits", {"wall_s": 60.0}) == Limits(wall_s=60.0)


@pytest.mark.parametrize(
    ("gate", "settings"),
    [
        ("limits", {"wall_s": "1h"}),
        ("limits", {"patch_lines": None}),
        ("crash-rate", {"margin": [1]}),
        ("limits", {"wall_s": float("nan")}),
    ],
)
def test_a_setting_of_the_wrong_type_is_refused_before_anything_runs(gate: str, settings: dict[str, Any]) -> None:
    with pytest.raises(PartError, match=next(iter(settings))):
        plugins.build("gate", gate, settings)
