"""A grammar of programs: slots with typed choices, conditions between them, and templates that make source of them.

A grammar is a folder of the study: `grammar.toml`, a template for each file that it renders, and one file of sections
for each choice of a slot of code. It is read both ways: a genotype is rendered to files, and files that were rendered
are read back to their genotype.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pawl.envelope import sha256
from pawl.errors import ConfigError, did_you_mean
from pawl.proposers.expressions import Expression
from pawl.proposers.template import Value
from pawl.tables import Table, parse

FILE = "grammar.toml"
Genotype = dict[str, Value]
"""The value of each slot that is active, in the order of the slots."""


def _name(name: str) -> str:
    if not (name.isidentifier() and name.islower()):
        raise ValueError(f"{name!r} must be a lower-case identifier: it is a name in templates and files")
    return name


def inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or path != str(pure) or not pure.parts:
        raise ValueError(f"{path!r} must be a plain relative path")
    return path


Name = Annotated[str, AfterValidator(_name)]
Inside = Annotated[str, AfterValidator(inside)]


class Slot(Table):
    """A place in the program. `int`, `float`, `categorical`: a constant; `code`: sections of a file for each choice.
    `when`: it is there only for these choices of earlier slots."""

    type: Literal["int", "float", "categorical", "code"]
    default: Value
    low: float | None = None
    high: float | None = None
    step: int = Field(default=1, ge=1)
    log: bool = False
    choices: tuple[Value, ...] = ()
    when: dict[str, tuple[Value, ...]] = {}

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.type in ("categorical", "code"):
            if len(set(self.choices)) < max(len(self.choices), 2):
                raise ValueError(f"a slot of type {self.type} needs at least two choices, each once")
            if self.type == "code" and not all(isinstance(choice, str) and _name(choice) for choice in self.choices):
                raise ValueError("the choices of a slot of code are names of files")
        elif self.low is None or self.high is None or not self.low < self.high:
            raise ValueError(f"a slot of type {self.type} needs low < high")
        elif self.log and (self.low <= 0 or self.type == "int"):
            raise ValueError("log is for a float with low > 0")
        elif self.step != 1 and self.type != "int":
            raise ValueError("step is for an int")
        elif self.type == "int" and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError("low and high of an int are integers")
        if not self.allows(self.default):
            raise ValueError(f"the default {self.default!r} is not a value that it may take")
        return self

    def allows(self, value: object) -> bool:
        """Whether a value is one that the slot may take; 1, 1.0 and True are three values."""
        if self.type in ("categorical", "code"):
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        assert self.low is not None
        assert self.high is not None
        if isinstance(value, bool) or not isinstance(value, int if self.type == "int" else int | float):
            return False
        assert isinstance(value, int | float)
        return self.low <= value <= self.high and (self.type == "float" or (value - self.low) % self.step == 0)


class Condition(Table):
    """What must hold between slots, and what a person is told where it does not."""

    holds: str
    because: str


class Written(Table):
    """`grammar.toml`: editable files with their templates, slots, conditions, and an estimate of a run's cost."""

    files: dict[Inside, Inside] = Field(min_length=1)
    slot: dict[Name, Slot] = Field(min_length=1)
    condition: tuple[Condition, ...] = ()
    cost: str = "1"

    @model_validator(mode="after")
    def _slots_depend_on_earlier_ones(self) -> Self:
        names = list(self.slot)
        for place, (name, slot) in enumerate(self.slot.items()):
            for other, values in slot.when.items():
                if other not in names[:place]:
                    raise ValueError(f"slot {name}: when names {other!r}, which no earlier slot is called")
                for value in values:
                    if not self.slot[other].allows(value):
                        raise ValueError(f"slot {name}: {other} is never {value!r}")
        return self


@dataclass(frozen=True)
class Grammar:
    """Which genotypes there are. `digest` is of all of the grammar's files."""

    slots: Mapping[str, Slot]
    conditions: tuple[tuple[Expression, str], ...]
    estimate: Expression
    digest: str

    @property
    def default(self) -> Genotype:
        return self.complete({})

    def complete(self, values: Mapping[str, Value]) -> Genotype:
        """The genotype with these values: slots that are not there for them left out, missing ones as by default."""
        found: Genotype = {}
        for name, slot in self.slots.items():
            if all(other in found and found[other] in values_ for other, values_ in slot.when.items()):
                found[name] = values.get(name, slot.default)
        return found

    def problems(self, genotype: Mapping[str, object]) -> Iterator[str]:
        """What is wrong with a genotype; nothing if it is valid."""
        for name, value in genotype.items():
            if name not in self.slots:
                yield f"there is no slot {name}.{did_you_mean(name, self.slots)}"
            elif not self.slots[name].allows(value):
                yield f"{name} cannot be {value!r}"
        known = {name: value for name, value in genotype.items() if isinstance(value, Value)}
        if set(self.complete(known)) != set(genotype):
            yield "it has not the slots that are there for its choices"
            return
        told = self._told(known)
        yield from (because for holds, because in self.conditions if not holds(told))

    def valid(self, genotype: Mapping[str, object]) -> bool:
        return next(self.problems(genotype), None) is None

    def cost(self, genotype: Mapping[str, Value], constants: Mapping[str, Value]) -> float:
        """The estimated cost of a run, in whatever unit the grammar has. `constants` are those of the head's that no
        slot owns. Raises ConfigError unless it is a positive number."""
        found = self.estimate({**constants, **self._told(genotype)})
        if not isinstance(found, int | float) or not (math.isfinite(found) and found > 0):
            raise ConfigError(f"{FILE}: cost is {found!r} for {genotype}", "let it be a positive number")
        return float(found)

    def _told(self, genotype: Mapping[str, Value]) -> Genotype:
        """What expressions know: also a slot that is not there has a value, its default."""
        return {name: genotype.get(name, slot.default) for name, slot in self.slots.items()}


def read(folder: Path) -> tuple[Grammar, Mapping[str, str], Mapping[str, Mapping[str, str]]]:
    """The grammar in a folder; the templates' text by the file that they render; and the text of each choice of code,
    by slot. Raises ConfigError that names file and key."""
    toml, digests = folder / FILE, []

    def text(name: str) -> str:
        try:
            content = (folder / name).read_bytes()
            digests.append(f"{name} {sha256(content)}")
            return content.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{folder / name} cannot be read: {error}", f"write it, or correct {toml}") from error

    written = parse(text(FILE).encode(), toml, Written)
    templates = {path: text(name) for path, name in written.files.items()}
    code = {name: slot for name, slot in written.slot.items() if slot.type == "code"}
    choices = {name: {str(c): text(f"{name}/{c}.txt") for c in slot.choices} for name, slot in code.items()}
    for name, slot in code.items():
        for path in sorted((folder / name).iterdir()):
            if path.stem not in slot.choices:
                raise ConfigError(
                    f"{path} is no choice of slot {name}: {', '.join(map(str, slot.choices))}", f"edit {toml}"
                )
    asked = [(Expression(each.holds, str(toml)), each.because) for each in written.condition]
    estimate = Expression(written.cost, str(toml))
    for word in sorted(
        {word for holds, _ in asked for word in holds.names} | {w for w in estimate.names if w.islower()}
    ):
        if word not in written.slot:
            raise ConfigError(f"{toml}: there is no slot {word}.{did_you_mean(word, written.slot)}", f"correct {toml}")
    grammar = Grammar(written.slot, tuple(asked), estimate, sha256("\n".join(digests).encode()))
    for problem in grammar.problems(grammar.default):
        raise ConfigError(f"{toml}: the default of each slot: {problem}", "choose other defaults")
    return grammar, templates, choices
