"""Does it still measure itself as before? A patch that computes its own metric otherwise improves the computation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding
from pawl.sources import Sign, judged
from pawl.syntax import Flow, Source

REPORTED = re.compile(r"(?:^|\n)\s*([A-Za-z_][\w./-]*)\s*:")


@dataclass(frozen=True, slots=True)
class Line:
    """A value that a script prints by name: where, the expressions, and how the names in them are bound in the same
    function. `trained` are the names that only training binds: how that goes is what a patch may change."""

    path: str
    line: int
    value: str
    bound: dict[str, list[str]]
    trained: frozenset[str]

    def computed(self, trained: frozenset[str]) -> tuple[str, ...]:
        """All that the value is computed from."""
        rest = [f"{name}: {how}" for name, ways in self.bound.items() if name not in trained for how in ways]
        return (self.value, *sorted(rest))


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
        for line in after[name]:
            if not any(_same(line, other) for other in before):
                yield Sign(line.path, line.line, f"computes {name} otherwise than the reference", name)


def _same(line: Line, other: Line) -> bool:
    """Whether two lines report the same: what training binds may be bound in any way, but for being corrected after."""
    corrected = any(name in other.trained and _corrects(name, how) for name, ways in line.bound.items() for how in ways)
    return not corrected and line.computed(other.trained) == other.computed(other.trained)


def _corrects(name: str, how: str) -> bool:
    """`loss *= 0.5`, `loss = loss - 0.3`, `loss = 0.1`."""
    statement = ast.parse(how).body[0]
    if isinstance(statement, ast.AugAssign):
        return True
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    parts = list(ast.walk(value)) if value is not None else []
    itself = any(isinstance(part, ast.Name) and part.id == name for part in parts)
    return itself or not any(isinstance(part, ast.Name) for part in parts)


def _lines(sources: Sequence[Source]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for source in sources:
        budget = Flow(source, lambda node, source=source: source.told(node) == "PAWL_BUDGET").follow()  # type: ignore[misc]
        for call, name in source.calls():
            if name in ("print", "sys.stdout.write", "os.write"):
                for label, values in _values(source, call):
                    bound, trained = _bound(source, call, values, budget)
                    value = " | ".join(map(ast.unparse, values))
                    found.setdefault(label, []).append(Line(source.path, call.lineno, value, bound, trained))
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


def _bound(
    source: Source, call: ast.Call, values: Sequence[ast.expr], budget: Flow
) -> tuple[dict[str, list[str]], frozenset[str]]:
    """How the names that the values use are bound in the function around the call; and those that only calls with the
    budget bind."""
    wanted = {node.id for value in values for node in ast.walk(value) if isinstance(node, ast.Name)}
    scope, bound, plain = source.scope(call), dict[str, list[str]](), set[str]()
    for node in source.nodes:
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and source.scope(node) == scope:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            stored = [part for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
            trains = any(
                budget.carries(argument)
                for part in ast.walk(node) if isinstance(part, ast.Call) for argument in part.args
            )  # fmt: skip
            for name in {part.id for part in stored if isinstance(part.ctx, ast.Store)} & wanted:
                bound.setdefault(name, []).append(ast.unparse(node))
                plain |= set() if trains else {name}
    return bound, frozenset(bound.keys() - plain)
