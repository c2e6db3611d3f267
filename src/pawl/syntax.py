"""Reading Python without running it: what a name means, which constant it holds, and where a value goes.

All of it can be evaded: Python can make any name at run time. Who needs a wall uses the sandbox; this is the alarm.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pawl import hostile

PASSED_ON = frozenset({
    "int", "float", "round", "abs", "max", "min", "sum", "str", "divmod", "math.floor", "math.ceil", "numpy.int64",
    "numpy.float32", "numpy.float64",
})  # fmt: skip
"""Functions whose result is as much a clock, a seed or a budget as what went in."""
READS_ENVIRON = frozenset({"os.environ.get", "os.getenv", "os.environ.pop", "os.environ.setdefault"})
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
HANDS_ON = (
    ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.comprehension, ast.Return, ast.Call,
)  # fmt: skip
"""Nodes by which a value gets from one place to another."""


class Unreadable(Exception):
    """A file that does not parse as Python; the text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A parsed file. `nodes` are all of its nodes, outer ones first; `aliases` gives local names their full ones (`np`
    is `numpy`); `above` every node's parent; `constants` the literals that are bound to a name once; `functions` has
    functions and methods by name, and a class's `__init__` by the name of the class."""

    path: str
    text: str
    nodes: tuple[ast.AST, ...]
    aliases: Mapping[str, str]
    above: Mapping[ast.AST, ast.AST]
    constants: Mapping[str, ast.expr]
    functions: Mapping[str, Function]

    def dotted(self, node: ast.AST) -> str:
        """`numpy.load` for `np.load`; for what hangs on no plain name, its last part after a dot (`.read_text`)."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        return ""

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call, with the full name of what is called."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield node, self.dotted(node.func)

    def names(self) -> Iterator[tuple[ast.expr, str]]:
        """Every name and attribute that is read, with its full name; the longest one of a chain only."""
        for node in self.nodes:
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                chain = isinstance(self.above.get(node), ast.Attribute)
                if not chain:
                    yield node, self.dotted(node)

    def literal(self, node: ast.AST) -> ast.AST:
        """What a name that is bound once to a literal stands for; else the node itself."""
        return self.constants.get(node.id, node) if isinstance(node, ast.Name) else node

    def text_of(self, node: ast.AST) -> str | None:
        """The string that an expression is, or None if that is not plain to see."""
        found = self.literal(node)
        return found.value if isinstance(found, ast.Constant) and isinstance(found.value, str) else None

    def told(self, node: ast.AST) -> str | None:
        """The name of the environment variable that an expression reads: `os.environ[...]`, `.get`, `getenv`."""
        if isinstance(node, ast.Subscript) and self.dotted(node.value) == "os.environ":
            return self.text_of(node.slice) or "?"
        if isinstance(node, ast.Call) and node.args and self.dotted(node.func) in READS_ENVIRON:
            return self.text_of(node.args[0]) or "?"
        return None

    def inside(self, node: ast.AST, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """The nodes of these kinds around a node, innermost first."""
        while (up := self.above.get(node)) is not None:
            if isinstance(up, kinds):
                yield up
            node = up

    def scope(self, node: ast.AST) -> tuple[str, ...]:
        """The names of the functions around a node, innermost first, then the module's, which is empty."""
        return (*(getattr(up, "name", "") for up in self.inside(node, *FUNCTIONS)), "")

    def statement(self, node: ast.AST) -> ast.AST:
        """The statement that a node belongs to."""
        return node if isinstance(node, ast.stmt) else next(self.inside(node, ast.stmt), node)


@functools.lru_cache(maxsize=64)
def parse(path: str, text: str) -> Source:
    """Parse a file. Raises Unreadable, whatever the bytes are."""
    try:
        with hostile.PARSER:
            tree = ast.parse(text)
        nodes = tuple(ast.walk(tree))
        above = {child: node for node in nodes for child in ast.iter_child_nodes(node)}
        return Source(path, text, nodes, _aliases(nodes), above, _constants(nodes), _functions(nodes, above))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"{path} cannot be read as Python: {str(error) or type(error).__name__}") from error


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The full names that an import brings in."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [f"{node.module or '.'}.{name.name}" for name in node.names]


def _aliases(nodes: Sequence[ast.AST]) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for name in node.names:
                first = name.name.partition(".")[0]
                found[name.asname or first] = name.name if name.asname else first
        elif isinstance(node, ast.ImportFrom):
            found |= {name.asname or name.name: f"{node.module or ''}.{name.name}" for name in node.names}
    for node in nodes:  # `load = np.load`
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id not in found:
            root: ast.expr = node.value
            chain = ""
            while isinstance(root, ast.Attribute):
                chain, root = f".{root.attr}{chain}", root.value
            if isinstance(root, ast.Name) and root.id in found:
                found[node.targets[0].id] = found[root.id] + chain
    return found


def _constants(nodes: Sequence[ast.AST]) -> dict[str, ast.expr]:
    bound: dict[str, list[ast.expr | None]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            bound.setdefault(node.targets[0].id, []).append(node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            bound.setdefault(node.target.id, []).append(node.value)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.setdefault(node.id, [])
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            bound.setdefault(node.target.id, []).append(None)
    return {
        name: values[0]
        for name, values in bound.items()
        if len(values) == 1 and isinstance(values[0], ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.Set)
    }


def _functions(nodes: Sequence[ast.AST], above: Mapping[ast.AST, ast.AST]) -> dict[str, Function]:
    found: dict[str, Function] = {}
    for node in nodes:
        if isinstance(node, FUNCTIONS):
            owner = above.get(node)
            made = node.name == "__init__" and isinstance(owner, ast.ClassDef)
            found[owner.name if made and isinstance(owner, ast.ClassDef) else node.name] = node
    return found


@dataclass(slots=True)
class Flow:
    """Where a value goes: through assignments, arithmetic, and the parameters and results of the file's functions.

    `passes` says which other functions hand it on; `through` which operators do."""

    source: Source
    origin: Callable[[ast.AST], bool]
    passes: Callable[[str], bool] = PASSED_ON.__contains__
    through: tuple[type[ast.AST], ...] = (ast.operator, ast.cmpop)
    places: set[tuple[str, str]] = field(default_factory=set)
    results: set[str] = field(default_factory=set)

    def carries(self, node: ast.AST | None) -> bool:
        """Whether an expression is, or is made from, the value."""
        if node is None:
            return False
        if self.origin(node):
            return True
        if isinstance(node, ast.Name):
            return any((scope, node.id) in self.places for scope in self.source.scope(node))
        if isinstance(node, ast.Attribute):
            return ("", self.source.dotted(node)) in self.places or self.carries(node.value)
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return False
        if isinstance(node, ast.BinOp) and not isinstance(node.op, self.through):
            return False
        if isinstance(node, ast.Compare) and not isinstance(node.ops[0], self.through):
            return False
        if isinstance(node, ast.IfExp):
            return self.carries(node.body) or self.carries(node.orelse)
        return any(self.carries(child) for child in ast.iter_child_nodes(node))

    def _called(self, node: ast.Call) -> bool:
        name = self.source.dotted(node.func)
        if self.passes(name) and any(self.carries(argument) for argument in node.args):
            return True
        return name in self.results or (isinstance(node.func, ast.Attribute) and self.carries(node.func.value))

    def follow(self) -> Flow:
        """Go on until nothing new is reached."""
        functions = self.source.functions
        nodes = [node for node in self.source.nodes if isinstance(node, HANDS_ON)]
        while True:
            before = len(self.places) + len(self.results)
            for node in nodes:
                self._step(node, functions)
            if len(self.places) + len(self.results) == before:
                return self

    def _step(self, node: ast.AST, functions: Mapping[str, Function]) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
            self._bind(node.target, node.value)
        elif isinstance(node, ast.For | ast.comprehension):
            self._bind(node.target, node.iter)
        elif isinstance(node, ast.Return) and self.carries(node.value):
            self.results.add(self.source.scope(node)[0])
        elif isinstance(node, ast.Call):
            function = functions.get(self.source.dotted(node.func).rpartition(".")[2])
            if function:
                self._enter(node, function)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, other in zip(target.elts, value.elts, strict=True):
                self._bind(one, other)
        elif self.carries(value):
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    self.places.add((self.source.scope(node)[0], node.id))
                elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                    self.places.add(("", self.source.dotted(node)))

    def _enter(self, call: ast.Call, function: Function) -> None:
        parameters = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        if parameters[:1] == ["self"]:
            del parameters[0]
        given = [*zip(parameters, call.args, strict=False), *((k.arg or "", k.value) for k in call.keywords)]
        for parameter, value in given:
            if self.carries(value):
                self.places.add((function.name, parameter))
