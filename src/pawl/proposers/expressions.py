"""Arithmetic and comparisons that a person writes in a grammar, in Jinja's words; nothing there can do harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.environment import TemplateExpression
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pawl.errors import ConfigError

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined)


@dataclass(frozen=True)
class Expression:
    """`+ - * / // % **`, comparisons, `and`, `or`, `not`, `in`, `A if B else C`. `where` names its file in errors."""

    text: str
    where: str
    names: frozenset[str] = field(init=False)
    _compiled: TemplateExpression = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            found = meta.find_undeclared_variables(_ENVIRONMENT.parse("{{ " + self.text + " }}"))
            compiled = _ENVIRONMENT.compile_expression(self.text, undefined_to_none=False)
        except TemplateError as error:
            raise self._wrong(f"is not an expression: {error}") from error
        object.__setattr__(self, "names", frozenset(found))
        object.__setattr__(self, "_compiled", compiled)

    def __call__(self, values: Mapping[str, object]) -> object:
        """What it comes to for these values. Raises ConfigError if it comes to nothing."""
        try:
            return self._compiled(**values)
        except (TemplateError, ArithmeticError, TypeError, ValueError, NameError) as error:
            raise self._wrong(f"cannot be worked out: {error}") from error

    def _wrong(self, why: str) -> ConfigError:
        return ConfigError(f"{self.where}: {' '.join(self.text.split())!r} {why}", f"correct {self.where}")
