"""Reading TOML into typed tables, with errors that a person can act on."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from pawl.errors import ConfigError, did_you_mean

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
PROBLEMS = 20
"""Problems that one error tells: a hostile file could have a million."""


class Table(BaseModel):
    """A TOML table: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class PartTable(BaseModel):
    """`use = "NAME"` and the part's own settings, which the part checks itself."""

    model_config = ConfigDict(frozen=True, extra="allow")

    use: str

    def settings(self) -> dict[str, JsonValue]:
        return dict(self.model_extra or {})


def seconds(value: object) -> object:
    """`90`, `"90s"`, `"1.5m"`, `"2h"` or `"1d"` in seconds."""
    return _measured(value, UNITS, "a duration such as 90s, 5m or 2h")


def size(value: object) -> object:
    """`1024`, `"64MiB"` or `"2GB"` in bytes."""
    found = _measured(value, SIZES, "a size such as 64MiB or 2GiB")
    return int(found) if isinstance(value, str) and isinstance(found, float) else found


def _measured(value: object, units: dict[str, float] | dict[str, int], expected: str) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", value)
    if not match or match[2] not in units:
        raise ValueError(f"{value!r} is not {expected}")
    return float(match[1]) * units[match[2]]


Seconds = Annotated[float, BeforeValidator(seconds), Field(gt=0)]
Bytes = Annotated[int, BeforeValidator(size), Field(gt=0)]
T = TypeVar("T", bound=Table)


def read(path: Path, table: type[T], fix: str) -> tuple[T, bytes]:
    """A TOML file as a table, and its bytes. Raises ConfigError that names file, key and the known keys."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix) from error
    return parse(content, path, table), content


def parse(content: bytes, path: Path, table: type[T]) -> T:
    """The bytes of a TOML file as a table; `path` only names it in errors."""
    try:
        # by way of JSON, where strict types leave lists and dates as TOML has them
        return table.model_validate_json(json.dumps(tomllib.loads(content.decode()), default=str))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", f"correct {path.name}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {explain(error, table)}", f"correct {path.name}") from error


def explain(error: ValidationError, table: type[BaseModel]) -> str:
    """The first problems, each in a line: where, what, and what was perhaps meant."""
    lines = []
    for problem in error.errors()[:PROBLEMS]:
        where = ".".join(str(part) for part in problem["loc"])
        what = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            key = str(problem["loc"][-1])
            lines.append(f"unknown key '{where}'.{did_you_mean(key, _known(table, problem['loc'][:-1]))}")
        else:
            lines.append(f"'{where}': {what}" if where else what)
    return "; ".join(lines)


def _known(table: type[BaseModel], where: tuple[int | str, ...]) -> list[str]:
    """The keys that the table at `where` knows."""
    for step in where:
        field = table.model_fields.get(str(step)) or next(
            (field for field in table.model_fields.values() if field.alias == step), None
        )
        if field is None:
            continue
        inner = [kind for kind in (field.annotation, *get_args(field.annotation)) if _is_table(kind)]
        if inner:
            table = inner[0]
    return [field.alias or name for name, field in table.model_fields.items()]


def _is_table(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
