"""The attacks that there are. Each describes itself in its docstring: what it tries, then `field: value` lines.

kind        what it is after (see KINDS)
stopped by  the wall that must stop it
open        only where nothing stops it today: what would
control     `root` if it gets out without a sandbox only as root; `no, REASON` if it must not be run without one
runs        `2 in turn` or `2 together`, for attacks of one run on another; they know their part by PAWL_SEED
ends        the outcomes of the run that count as stopped; any other one means that it got through
wall        seconds until it is ended, where it has to be
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal, get_args

from pawl.errors import ConfigError, did_you_mean
from pawl.records import Outcome

Runs = Literal["1", "2 in turn", "2 together"]
SHARED = "attacker.py"
"""What the attacks share; laid beside each of them."""
KINDS = ("secrets", "network", "escape", "kernel", "survival", "resources", "outputs", "words", "channels")
FIELDS = {"kind", "stopped by", "open", "control", "runs", "ends", "wall"}
WALL = 20.0


@dataclass(frozen=True, slots=True)
class Attack:
    """One script and what is known about it. `would_stop` is empty unless it is known to be open; `no_control` is
    the reason for never running it without a sandbox; `wall` in seconds."""

    name: str
    tries: str
    kind: str
    stopped_by: str
    source: str
    would_stop: str = ""
    no_control: str = ""
    control_needs_root: bool = False
    runs: Runs = "1"
    ends: tuple[Outcome, ...] = ()
    wall: float = WALL


@cache
def attacks() -> tuple[Attack, ...]:
    """All of them, by kind and name. Raises ConfigError for a script that does not describe itself."""
    found = [_read(file) for file in _folder().iterdir() if file.name.endswith(".py") and file.name != SHARED]
    return tuple(sorted(found, key=lambda attack: (KINDS.index(attack.kind), attack.name)))


def chosen(names: Sequence[str]) -> tuple[Attack, ...]:
    """The named attacks, or all of them if none is named. Raises ConfigError for a name that is none."""
    known = {attack.name: attack for attack in attacks()}
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no attack '{name}'.{did_you_mean(name, known)}", "pawl redteam list")
    return tuple(attack for attack in attacks() if not names or attack.name in names)


def shared() -> str:
    """The source of what the attacks share."""
    return _folder().joinpath(SHARED).read_text(encoding="utf-8")


def markdown() -> str:
    """The catalogue as a table for docs/explanation/attacks.md."""
    rows = ["| attack | tries to | stopped by |", "|---|---|---|"]
    for attack in attacks():
        by = f"**open**: {attack.would_stop}" if attack.would_stop else attack.stopped_by
        rows.append(f"| `{attack.name}` | {attack.tries} | {by} |")
    return "\n".join(rows)


def _folder() -> Traversable:
    return files("pawl").joinpath("attacks", "scripts")


def _read(file: Traversable) -> Attack:
    source = file.read_text(encoding="utf-8")
    first, _, rest = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")
    lines = dict(line.split(": ", 1) for line in rest.splitlines() if ": " in line)
    if unknown := lines.keys() - FIELDS:
        raise ConfigError(f"attack {file.name}: no field '{min(unknown)}'", f"known: {', '.join(sorted(FIELDS))}")
    if lines.get("kind") not in KINDS or not (lines.get("stopped by") or lines.get("open")) or not first:
        raise ConfigError(f"attack {file.name} does not say what it is", "write its docstring as catalogue.py says")
    return _attack(file.name.removesuffix(".py").replace("_", "-"), first.removesuffix("."), source, lines)


def _attack(name: str, tries: str, source: str, lines: Mapping[str, str]) -> Attack:
    control, runs = lines.get("control", ""), lines.get("runs", "1")
    ends = tuple(word for word in lines.get("ends", "").replace(",", " ").split())
    if not set(ends) <= set(get_args(Outcome)) or runs not in get_args(Runs):
        raise ConfigError(f"attack {name}: ends and runs are words that Pawl knows", "see catalogue.py")
    return Attack(
        name=name, tries=tries, kind=lines["kind"], stopped_by=lines.get("stopped by", "nothing"), source=source,
        would_stop=lines.get("open", ""), no_control=control.removeprefix("no, ") if control != "root" else "",
        control_needs_root=control == "root", runs=runs, ends=ends,  # type: ignore[arg-type]  # just checked
        wall=float(lines.get("wall", WALL)),
    )  # fmt: skip
