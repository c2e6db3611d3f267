"""Constants in source files: find their values, exchange them, and leave every other character as it was."""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Mapping

import libcst as cst

from pawl.errors import ConfigError
from pawl.hostile import PARSER

Constant = str | int | float | bool
LARGEST = 1e15


class _Exchange(cst.CSTTransformer):
    """Sets module-level `NAME = literal` assignments; counts how often it met each name."""

    def __init__(self, values: Mapping[str, Constant]) -> None:
        super().__init__()
        self.values = values
        self.met: dict[str, int] = dict.fromkeys(values, 0)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        return False

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        target = original_node.targets[0].target
        if len(original_node.targets) == 1 and isinstance(target, cst.Name) and target.value in self.values:
            self.met[target.value] += 1
            return updated_node.with_changes(value=_literal(self.values[target.value]))
        return updated_node

    def leave_AnnAssign(self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign) -> cst.AnnAssign:
        target = original_node.target
        if original_node.value is not None and isinstance(target, cst.Name) and target.value in self.values:
            self.met[target.value] += 1
            return updated_node.with_changes(value=_literal(self.values[target.value]))
        return updated_node


@functools.lru_cache(maxsize=8)
def _tree(source: str) -> cst.Module:
    """Parsed once for as long as a head stands: trees are immutable."""
    return cst.parse_module(source)


def _literal(value: Constant) -> cst.BaseExpression:
    return cst.parse_expression(json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value))


def exchange(source: str, values: Mapping[str, Constant], path: str) -> str:
    """The source with these constants. Raises ConfigError if one is not assigned exactly once at module level."""
    transformer = _Exchange(values)
    try:
        changed = _tree(source).visit(transformer)
    except cst.ParserSyntaxError as error:
        raise ConfigError(f"{path} is not valid Python: {error.message}", f"correct {path}") from error
    bound = _bindings(source, path)
    for name, count in transformer.met.items():
        if count != 1 or bound.count(name) != 1:
            raise ConfigError(
                f"[space] names {path}:{name}, which is assigned {bound.count(name)} times at the top of the file; "
                "it must be once, on a line of its own",
                f"write `{name} = VALUE` once in {path}",
            )
    return changed.code


def _bindings(source: str, path: str) -> list[str]:
    """Every name that the file itself binds, in whatever way, once for each time; functions and classes apart."""
    names, queue = [], list(_parsed(source, path).body)
    while queue:
        node = queue.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.AnnAssign) and node.value is None:
            continue  # a declaration binds nothing
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.append(node.id)
        queue += list(ast.iter_child_nodes(node))  # type: ignore[arg-type]  # statements and expressions alike
    return names


def _parsed(source: str, path: str) -> ast.Module:
    try:
        with PARSER:
            return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{path} is not valid Python: {error}", f"correct {path}") from error


def current(source: str, names: list[str], path: str) -> dict[str, Constant]:
    """The values that these constants have. Raises ConfigError for one that is missing or not a literal."""
    found: dict[str, Constant] = {}
    for node in _parsed(source, path).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and target.id in names and node.value is not None:  # type: ignore[attr-defined]
                found[target.id] = _value(node.value, target.id, path)  # type: ignore[attr-defined]
    missing = [name for name in names if name not in found]
    if missing:
        raise ConfigError(f"[space] names {path}:{missing[0]}, which {path} does not assign", "correct [space]")
    return found


def numbers(source: str) -> dict[str, int | float]:
    """All plain numbers that are assigned once at the top of a file, by name; none of one that is not Python, and none
    too large to reckon with."""
    try:
        parsed, bound = _parsed(source, ""), _bindings(source, "")
    except ConfigError:
        return {}
    found: dict[str, int | float] = {}
    for node in parsed.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Constant):
            continue
        target, value = node.targets[0] if isinstance(node, ast.Assign) else node.target, node.value.value
        if not isinstance(target, ast.Name) or bound.count(target.id) != 1:
            continue
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST:
            found[target.id] = value
    return found


def _value(node: ast.expr, name: str, path: str) -> Constant:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        value = None
    if not isinstance(value, str | int | float):
        raise ConfigError(f"[space] names {path}:{name}, which is not a plain number or string", "correct [space]")
    return value
