"""Templates that are read both ways: the values of slots to text, and a text back to the values that make it.

A hole is `{{ slot }}`, where a constant stands, or `{{ slot.section }}`, where a section of the chosen code stands. The
file of a choice has sections, each below a line `#: NAME`. A section may have holes. A hole on a line of its own gives
its indentation to each line of its section; an empty section takes the line along, and the blank lines below it.

Constants at the top of a template that no slot owns, `NAME = 1.0`, are free: what they are in a text is read, and kept.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pawl.errors import ConfigError, did_you_mean

Value = str | int | float | bool
LITERAL = r"(?:-?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\"[^\"\\\n]*\"|'[^'\\\n]*'|True|False)"
LITERALS = re.compile(LITERAL)
HOLE = re.compile(r"\{\{ *(\w+)(?:\.(\w+))? *\}\}")
ALONE = re.compile(r"^([ \t]*)\{\{ *(\w+)\.(\w+) *\}\}\n((?:[ \t]*\n)*)", re.MULTILINE)
FREE = re.compile(rf"^([A-Z][A-Z0-9_]*)((?:: *\w+)? *= *)({LITERAL})(?=[ \t]*(?:#.*)?$)", re.MULTILINE)
SECTION = re.compile(r"^#: (\w+)\n", re.MULTILINE)
STEPS = 20_000
"""Steps after which a text is given up: templates whose choices look alike for long could take for ever."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal: the value of a slot, or of a free constant (`free`), named FILE:NAME, that has a text by default."""

    name: str
    free: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """What stands here for each choice of a slot."""

    slot: str
    choices: Mapping[str, tuple[Part, ...]]


Part = str | Constant | Code


@dataclass(frozen=True, slots=True)
class Texts:
    """What was read back: the literal of each slot and free constant as it stands in the text, and chosen code."""

    slots: dict[str, str] = field(default_factory=dict)
    free: dict[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, Value]:
        """The slots' values."""
        return {name: ast.literal_eval(text) for name, text in self.slots.items()}


class Unread(Exception):
    """A text that the template does not make; `line` is the furthest that it was followed to, from 1 on."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


def literal(value: Value) -> str:
    """A value as source: the shorter of 0.002 and 2e-3."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool | int):
        return repr(value)
    plain, (digits, power) = repr(value), f"{value:e}".split("e")
    short = f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    return short if len(short) < len(plain) and float(short) == value else plain


@dataclass(frozen=True, slots=True)
class Template:
    """A file with holes. `used` are the slots that have one."""

    parts: tuple[Part, ...]
    used: frozenset[str]

    def render(self, genotype: Mapping[str, Value], kept: Texts) -> str:
        """The file of a genotype. Literals in `kept` that say the same value are written as they are there, and free
        constants have the values there. Raises KeyError for a hole of a slot that the genotype has not."""
        return "".join(self._rendered(self.parts, genotype, kept))

    def _rendered(self, parts: tuple[Part, ...], genotype: Mapping[str, Value], kept: Texts) -> Iterator[str]:
        for part in parts:
            if isinstance(part, str):
                yield part
            elif isinstance(part, Code):
                yield from self._rendered(part.choices[str(genotype[part.slot])], genotype, kept)
            elif part.free:
                yield kept.free.get(part.name, part.default)
            else:
                value, known = genotype[part.name], kept.slots.get(part.name)
                yield known if known is not None and _same(ast.literal_eval(known), value) else literal(value)

    def read(self, text: str, before: Texts) -> Texts:
        """What makes this text, given what other files said before. Raises Unread."""
        furthest, steps = 0, 0
        waiting: list[tuple[_Chain, int, Texts]] = [(_chain(self.parts, None), 0, before)]
        while waiting and steps < STEPS:
            steps += 1
            chain, at, known = waiting.pop()
            furthest = max(furthest, at)
            if chain is None:
                if at == len(text):
                    return known
                continue
            waiting += _followed(chain, text, at, known)
        raise Unread(text.count("\n", 0, furthest) + 1)


_Chain = tuple[Part, "_Chain"] | None  # what is still to be matched: a part, and what follows


def _chain(parts: tuple[Part, ...], rest: _Chain) -> _Chain:
    for part in reversed(parts):
        rest = (part, rest)
    return rest


def _followed(chain: tuple[Part, _Chain], text: str, at: int, known: Texts) -> Iterator[tuple[_Chain, int, Texts]]:
    """The ways to go on from a place in the text; none if it is not what the next part makes."""
    part, rest = chain
    if isinstance(part, str):
        if text.startswith(part, at):
            yield rest, at + len(part), known
    elif isinstance(part, Code):
        chosen = known.slots.get(part.slot)
        for choice, parts in part.choices.items():
            if chosen in (None, literal(choice)):
                yield _chain(parts, rest), at, Texts({**known.slots, part.slot: literal(choice)}, known.free)
    elif found := LITERALS.match(text, at):
        here, said = known.free if part.free else known.slots, found[0]
        if _agrees(said, here.get(part.name, said)):
            more = {**here, part.name: said}
            yield rest, found.end(), Texts(known.slots, more) if part.free else Texts(more, known.free)


def _agrees(one: str, other: str) -> bool:
    """Whether two literals say the same; 007 says nothing."""
    try:
        return _same(ast.literal_eval(one), ast.literal_eval(other))
    except SyntaxError:
        return False


def _same(one: Value, other: Value) -> bool:
    return (
        one == other
        and isinstance(one, str) == isinstance(other, str)
        and isinstance(one, bool) == isinstance(other, bool)
    )


def build(path: str, template: str, slots: Mapping[str, bool], choices: Mapping[str, Mapping[str, str]]) -> Template:
    """The template that makes `path`. `slots` says of each slot whether it is code; `choices` has the files of each
    choice. Raises ConfigError for a hole that names no slot or no section."""
    sections = {slot: {choice: _sections(text) for choice, text in files.items()} for slot, files in choices.items()}
    compiler = _Compiler(path, slots, sections)
    parts = compiler.compile(template, ())
    return Template(parts, frozenset(compiler.used))


def _sections(text: str) -> dict[str, str]:
    """The sections of a choice's file: without blank lines around them, with a newline at the end."""
    pieces = SECTION.split(text)
    return {
        name: body.strip("\n") + "\n" if body.strip() else ""
        for name, body in zip(pieces[1::2], pieces[2::2], strict=True)
    }


@dataclass(frozen=True, slots=True)
class _Compiler:
    path: str
    slots: Mapping[str, bool]
    sections: Mapping[str, Mapping[str, Mapping[str, str]]]
    used: set[str] = field(default_factory=set)

    def compile(self, text: str, within: tuple[str, ...]) -> tuple[Part, ...]:
        """A text with holes as parts. `within` are the sections that this text is in."""
        parts: list[Part] = []
        at = 0
        while at < len(text):
            alone, hole = ALONE.search(text, at), HOLE.search(text, at)
            if hole is None:
                break
            whole = alone is not None and alone.start() <= hole.start()
            found = alone if whole and alone else hole
            parts += self._free(text[at : found.start()], top=not within)
            if whole and alone:
                parts.append(self._code(alone[2], alone[3], within, alone[1], alone[4]))
            elif hole[2]:
                parts.append(self._code(hole[1], hole[2], within))
            else:
                parts.append(self._constant(hole[1], within))
            at = found.end()
        return (*parts, *self._free(text[at:], top=not within))

    def _free(self, text: str, top: bool) -> Iterator[Part]:
        at = 0
        for found in FREE.finditer(text) if top else ():
            yield text[at : found.start(3)]
            yield Constant(f"{self.path}:{found[1]}", free=True, default=found[3])
            at = found.end()
        if text[at:]:
            yield text[at:]

    def _constant(self, slot: str, within: tuple[str, ...]) -> Constant:
        if self.slots.get(slot) is not False:
            known = [name for name, code in self.slots.items() if not code]
            self._refuse(within, f"{{{{ {slot} }}}} names no slot that is a constant.{did_you_mean(slot, known)}")
        self.used.add(slot)
        return Constant(slot)

    def _code(
        self, slot: str, section: str, within: tuple[str, ...], indent: str = "", below: str | None = None
    ) -> Code:
        """`below`: the blank lines below a hole on a line of its own, None for a hole in a line."""
        if not self.slots.get(slot):
            known = [name for name, code in self.slots.items() if code]
            self._refuse(within, f"{{{{ {slot}.{section} }}}} names no slot of code.{did_you_mean(slot, known)}")
        names = {name for sections in self.sections[slot].values() for name in sections}
        if section not in names:
            self._refuse(within, f"no choice of {slot} has a section {section}.{did_you_mean(section, names)}")
        if (name := f"{slot}.{section}") in within:
            self._refuse(within, f"the section {name} holds itself")
        self.used.add(slot)
        texts = {choice: sections.get(section, "") for choice, sections in self.sections[slot].items()}
        shaped = {choice: _placed(text, indent, below) for choice, text in texts.items()}
        return Code(slot, {choice: self.compile(text, (*within, name)) for choice, text in shaped.items()})

    def _refuse(self, within: tuple[str, ...], what: str) -> None:
        where = f"section {within[-1]}" if within else "the template"
        raise ConfigError(f"the grammar of {self.path}: in {where}: {what}", "correct the grammar")


def _placed(text: str, indent: str, below: str | None) -> str:
    """A section as it stands in its place."""
    if below is None or not text:
        return text.removesuffix("\n")
    return "".join(indent + line if line.strip() else line for line in text.splitlines(keepends=True)) + below
