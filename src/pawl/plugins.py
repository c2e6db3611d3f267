"""Parts load by name: built-in ones register through the same entry points as a stranger's.

One name, four places: protocol `Gate`, folder `gates/`, entry-point group `pawl.gates`, table `[[gate]]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import TypeVar, cast, get_type_hints

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError

from pawl.errors import PartError, did_you_mean
from pawl.tables import PartTable

P = TypeVar("P")


def known(kind: str) -> dict[str, EntryPoint]:
    """The installed parts of a kind ("gate", "proposer", ...), by name."""
    plural = kind + ("es" if kind.endswith("x") else "s")
    return {point.name: point for point in installed(f"pawl.{plural}")}


@cache
def installed(group: str) -> EntryPoints:
    """A group of entry points, read once in a process: each reading goes through the metadata of every package."""
    return entry_points(group=group)


def load(kind: str, name: str) -> type:
    """The class of a part. Raises PartError if it is unknown or does not import."""
    points = known(kind)
    if name not in points:
        raise PartError(f"there is no {kind} '{name}'.{did_you_mean(name, points)}", f"pawl parts {kind}")
    try:
        part = points[name].load()
    except Exception as error:
        raise PartError(f"{kind} '{name}' ({points[name].value}) does not import: {error}", "pip check") from error
    if not isinstance(part, type) or not is_dataclass(part):
        raise PartError(f"{kind} '{name}' ({points[name].value}) is not a dataclass", "see docs/how-to/write-a-gate.md")
    return part


def part(protocol: type[P], table: PartTable, /, **wiring: object) -> P:
    """The part that a table names, wired as in `build`. The protocol's name is the kind's: `Gate` is found among
    `pawl.gates`. Raises PartError."""
    return cast(P, build(protocol.__name__.lower(), table.use, table.settings(), **wiring))


def build(kind: str, name: str, settings: Mapping[str, JsonValue], /, **wiring: object) -> object:
    """A part with its settings. `wiring` is what Pawl itself hands to parts that ask for it by field name.

    Raises PartError for settings that the part does not have, or whose values it refuses."""
    part = load(kind, name)
    names = {field.name for field in fields(part) if field.init}
    settable = names - wiring.keys()
    for key in settings:
        if key not in settable:
            raise PartError(f"{kind} '{name}' has no setting '{key}'.{did_you_mean(key, settable)}", "correct it")
    for key, value in settings.items():
        _check(kind, name, key, value, get_type_hints(part)[key])
    try:
        return part(**settings, **{key: value for key, value in wiring.items() if key in names})
    except (TypeError, ValueError) as error:
        raise PartError(f"{kind} '{name}' refuses its settings: {error}", "correct them") from error


def _check(kind: str, name: str, key: str, value: JsonValue, expected: type) -> None:
    """Raise PartError unless a setting has the type that the part's field says; an infinite number has none."""
    try:
        TypeAdapter(expected, config=ConfigDict(strict=True, allow_inf_nan=False)).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise PartError(f"{kind} '{name}' refuses {key} = {value!r}: {problem}", "correct it") from error
