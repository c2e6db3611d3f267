"""All the programs of a grammar: a genotype is rendered to files, and files are read back to their genotype."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pawl.errors import ConfigError, did_you_mean
from pawl.hostile import one_line
from pawl.proposers import grammar
from pawl.proposers.grammar import Genotype, Grammar
from pawl.proposers.template import Template, Texts, Unread, Value, build


class Unrecognised(Exception):
    """Files that no genotype of the grammar makes; the text says where, or why not."""


@dataclass(frozen=True, slots=True)
class Program:
    """A genotype, and literals as they stand in its files: they are written in the same way again."""

    genotype: Genotype
    kept: Texts

    @property
    def constants(self) -> Mapping[str, Value]:
        """The constants that no slot owns."""
        return {name.rpartition(":")[2]: value for name, value in Texts(self.kept.free).values().items()}


@dataclass(frozen=True)
class Programs:
    """A grammar with the template of each file that it renders."""

    grammar: Grammar
    templates: Mapping[str, Template]

    def render(self, genotype: Genotype, kept: Texts | None = None) -> dict[str, str]:
        """The files of a genotype, by path. What `kept` has of another program's literals stays as it is there."""
        return {path: template.render(genotype, kept or Texts()) for path, template in self.templates.items()}

    def read(self, files: Mapping[str, str]) -> Program:
        """The program that these files are. Raises Unrecognised."""
        found = Texts()
        for path, template in self.templates.items():
            try:
                found = template.read(files[path], found)
            except Unread as error:
                raise Unrecognised(f"{path} departs from its template at line {error.line}") from error
        values = found.values()
        genotype = self.grammar.complete(values)
        for problem in self.grammar.problems({**genotype, **values}):
            raise Unrecognised(one_line(problem))
        for name in genotype.keys() - values.keys():
            raise Unrecognised(f"no hole tells the value of {name}: give it a `when` that says where it has one")
        return Program(genotype, found)


def load(folder: Path, editable: tuple[str, ...]) -> Programs:
    """The programs of the grammar in a folder. Raises ConfigError for a grammar that cannot be used, as it is: it would
    be rendered to other files than the editable ones, or could not be read back from what it renders."""
    known, texts, choices = grammar.read(folder)
    for path in texts:
        if path not in editable:
            raise ConfigError(
                f"{folder / grammar.FILE}: files names {path}, which proposals may not touch."
                f"{did_you_mean(path, editable)}",
                "add it to train.editable, or take it out",
            )
    kinds = {name: slot.type == "code" for name, slot in known.slots.items()}
    templates = {path: build(path, text, kinds, choices) for path, text in texts.items()}
    for name in known.slots:
        if not any(name in template.used for template in templates.values()):
            raise ConfigError(f"{folder / grammar.FILE}: no template has a hole for the slot {name}", "take it out")
    programs = Programs(known, templates)
    for genotype in _each_value_once(known):
        _check(programs, genotype, folder)
    return programs


def _each_value_once(known: Grammar) -> Iterator[Genotype]:
    """The default, and each choice and end of a range beside defaults that let it be there."""
    for name, slot in known.slots.items():
        needed = _needed(known, name)
        ends = (slot.low, slot.high) if slot.type == "float" else (int(slot.low or 0), int(slot.high or 0))
        for value in slot.choices or ends:
            assert value is not None
            yield known.complete({**needed, name: value})


def _needed(known: Grammar, name: str) -> Genotype:
    """Choices for which a slot is there."""
    found: Genotype = {}
    for other, values in known.slots[name].when.items():
        found |= {**_needed(known, other), other: values[0]}
    return found


def _check(programs: Programs, genotype: Genotype, folder: Path) -> None:
    told = f"{folder / grammar.FILE}: for {', '.join(f'{name} {value}' for name, value in genotype.items())}"
    try:
        files = programs.render(genotype)
    except KeyError as error:
        raise ConfigError(
            f"{told}: a template has a hole for the slot {error}, which is not there then", "correct its `when`"
        ) from error
    for path, text in files.items():
        if path.endswith(".py"):
            _compiles(path, text, told)
    if not programs.grammar.valid(genotype):
        return  # a condition forbids it: what it would be read back as is nobody's concern
    try:
        found = programs.read(files).genotype
    except Unrecognised as error:
        raise ConfigError(f"{told}: what is rendered cannot be read back: {error}", "correct the grammar") from error
    if found != genotype:
        lost = next(name for name in genotype if found.get(name) != genotype[name])
        raise ConfigError(
            f"{told}: what is rendered reads as {lost} {found.get(lost)}: two choices look the same", "let them differ"
        )


def _compiles(path: str, text: str, told: str) -> None:
    try:
        compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{told}: {path} would be no Python: {error}", "correct the sections") from error
