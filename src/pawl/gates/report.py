"""Does it still measure itself as before? A patch that computes its own metric otherwise improves the computation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding
from pawl.sources import Sign, judged
from pawl.syntax import Source

REPORTED = re.compile(r"(?:^|\n)\s*([A-Za-z_][\w./-]*)\s*:")


@dataclass(frozen=True, slots=True)
class Line:
    """A value that a script prints by name: where, and all that it is computed from in the function around it."""

    path: str
    line: int
    value: str


@dataclass(frozen=True)
class Report:
    """Refuses a patch that prints a value under the reference's name (`name: value`) and computes it otherwise, or
    prints it no more. Values under new names are free."""

    def judge(self, case: Case) -> Finding:
        return judged("report", case, _compare, "what the script reports of itself is computed as before")


def _compare(head: Sequence[Source], reference: Sequence[Source]) -> Iterator[Sign]:
    after = _lines(head)
    for name, before in _lines(reference).items():
        if name not in after:
            yield Sign(before[0].path, before[0].line, f"no longer reports {name}", name)
            continue
        known = {line.value for line in before}
        for line in after[name]:
            if line.value not in known:
                yield Sign(line.path, line.line, f"computes {name} otherwise than the reference", name)


def _lines(sources: Sequence[Source]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for source in sources:
        for call, name in source.calls():
            if name in ("print", "sys.stdout.write", "os.write"):
                for label, values in _values(source, call):
                    computed = " | ".join([*map(ast.unparse, values), *_from(source, call, values)])
                    found.setdefault(label, []).append(Line(source.path, call.lineno, computed))
    return found


def _values(source: Source, call: ast.Call) -> Iterator[tuple[str, list[ast.expr]]]:
    """The names in a printed text, with the expressions that stand in it."""
    parts = [part for argument in call.args for part in ast.walk(argument)]
    values = [part.value for part in parts if isinstance(part, ast.FormattedValue)]
    texts = [part.value for part in parts if isinstance(part, ast.Constant)]
    plain = [argument for argument in call.args if not isinstance(argument, ast.JoinedStr | ast.Constant)]
    for text in texts:
        if isinstance(text, str):
            for match in REPORTED.finditer(text):
                yield match[1], [*values, *plain] or [ast.Constant(text)]


def _from(source: Source, call: ast.Call, values: Sequence[ast.expr]) -> list[str]:
    """The assignments, in the same function, of the names that the values use."""
    wanted = {node.id for value in values for node in ast.walk(value) if isinstance(node, ast.Name)}
    scope, found = source.scope(call), []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and source.scope(node) == scope:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            stored = {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
            if stored & wanted:
                found.append(ast.unparse(node))
    return found
