"""Which modules Python files import, and which of them are not there. Only text is read: nothing is imported or run.

Imports that may fail (in a `try` that catches it) or never happen (under TYPE_CHECKING) are left alone. A module that a
program makes or finds at run time cannot be seen from here: what the files imported before is taken to be there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from pawl.syntax import Source, Unreadable, parse

MAY_FAIL = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
HERE = frozenset({"sys.version_info", "sys.platform", "os.name"})
"""Who asks for these has another way."""


def wanted(path: str, text: str) -> frozenset[str]:
    """The top-level modules that a file cannot do without; none where it is not Python."""
    if not path.endswith(".py"):
        return frozenset()
    try:
        source = parse(path, text)
    except Unreadable:
        return frozenset()
    spared = set(_spared(source))
    found: set[str] = set()
    for node in source.nodes:
        if node in spared:
            continue
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return frozenset(name.partition(".")[0] for name in found)


def _spared(source: Source) -> Iterator[ast.AST]:
    """Imports that a program can do without."""
    for node in source.nodes:
        for statement in _optional(source, node):
            yield from ast.walk(statement)


def _optional(source: Source, node: ast.AST) -> list[ast.stmt]:
    """The statements in this one of which a program may do without some."""
    match node:
        case ast.Try() if any(_catches(source, handler) for handler in node.handlers):
            tried = any(isinstance(one, ast.Import | ast.ImportFrom) for one in node.body)
            return [*node.body, *(one for handler in node.handlers for one in handler.body if tried)]
        case ast.With() if any(_suppresses(source, item.context_expr) for item in node.items):
            return node.body
        case ast.If() if source.dotted(node.test).endswith("TYPE_CHECKING"):
            return node.body
        case ast.If() if {source.dotted(one) for one in ast.walk(node.test) if isinstance(one, ast.Attribute)} & HERE:
            return [*node.body, *node.orelse]
    return []


def _suppresses(source: Source, called: ast.expr) -> bool:
    if not isinstance(called, ast.Call) or source.dotted(called.func) not in ("suppress", "contextlib.suppress"):
        return False
    return any(source.dotted(kind) in MAY_FAIL for kind in called.args)


def _catches(source: Source, handler: ast.ExceptHandler) -> bool:
    named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or source.dotted(kind) in MAY_FAIL for kind in named)


def lacking(before: Mapping[str, str], after: Mapping[str, str], there: frozenset[str]) -> str:
    """Which files of `after` import what is neither `there` nor imported in `before`, in words; empty if none does."""
    known = there.union(*(wanted(path, text) for path, text in before.items()))
    found = {path: sorted(wanted(path, text) - known) for path, text in after.items()}
    said = [f"{path} imports {', '.join(names)[:100]}" for path, names in found.items() if names]
    return "; ".join(said)[:300]


def own(paths: Iterable[str]) -> frozenset[str]:
    """The modules that some files of a study can be, wherever they lie."""
    files = [PurePosixPath(path) for path in paths]
    names = (name for file in files if file.suffix == ".py" for name in (file.stem, *file.parts[:-1]))
    return frozenset(filter(str.isidentifier, names))
