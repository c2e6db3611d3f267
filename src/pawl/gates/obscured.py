"""Can it be read at all? What runs text as code, or makes its names at run time, cannot be reviewed."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding
from pawl.sources import Sign, brought, judged
from pawl.syntax import Source

RUNS_TEXT = {
    "exec", "eval", "compile", "__import__", "execfile", "builtins.exec", "builtins.eval", "builtins.compile",
    "builtins.__import__", "runpy.run_path", "runpy.run_module", "code.interact", "types.FunctionType",
    "types.CodeType", "marshal.loads", "marshal.load", "sys.settrace", "sys.setprofile", "sys._getframe",
    "inspect.currentframe", "inspect.stack", "gc.get_objects", "gc.get_referrers", "globals", "locals", "__builtins__",
}  # fmt: skip
"""Names that turn text into code, or reach what no name in the text reaches."""
IMPORTS_BY_NAME = {"importlib.import_module", "importlib.__import__", "importlib.reload"}
BY_NAME = {"getattr", "setattr", "delattr", "operator.attrgetter", "operator.methodcaller", "vars"}
HIDDEN = {"__subclasses__", "__globals__", "__code__", "__builtins__", "__mro__", "__bases__", "__dict__", "__loader__"}
DECODES = {
    "base64.b64decode", "base64.b32decode", "base64.b16decode", "base64.b85decode", "base64.a85decode",
    "base64.urlsafe_b64decode", "base64.decodebytes", "binascii.unhexlify", "binascii.a2b_base64", "bytes.fromhex",
    "codecs.decode", "zlib.decompress", "lzma.decompress", "bz2.decompress", "gzip.decompress",
}  # fmt: skip
LOOK_ALIKES = frozenset(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"
)
"""Cyrillic and Greek letters that nobody can tell from Latin ones."""
SHUFFLED = re.compile(r"^[Il1O0o_]{5,}$|^_?0x[0-9a-f]+$|^_0x")
LONGEST = 400
"""Characters of a line that a person can be asked to read."""


@dataclass(frozen=True)
class Obscured:
    """Refuses new code that runs text as code, looks names up that stand nowhere, decodes what it holds, replaces
    functions of other modules, or is written so that nobody can read it."""

    longest_line: int = LONGEST

    def judge(self, case: Case) -> Finding:
        return judged("obscured", case, brought(self._look), "the changed code can be read as it stands")

    def _look(self, source: Source) -> Iterator[Sign]:
        for node in source.nodes:
            said = _said(source, node)
            if said:
                line = getattr(node, "lineno", 1)
                yield Sign(source.path, line, said, f"{said} {ast.unparse(source.statement(node))}")
        for number, said in _misleading(source.text):
            yield Sign(source.path, number, said, said)
        for number, line in enumerate(source.text.split("\n"), 1):
            if len(line) > self.longest_line:
                yield Sign(source.path, number, f"is a line of {len(line)} characters", line)


def _said(source: Source, node: ast.AST) -> str:
    """What is obscure about a node, or nothing."""
    match node:
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
            return _named(source, node)
        case ast.Call():
            return _called(source, node)
        case ast.ImportFrom(names=names) if any(name.name == "*" for name in names):
            return f"imports every name of {node.module}"
        case ast.ImportFrom() | ast.Import():
            return _imported(node)
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
            return _replaced(source, node)
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
            return _spelled(name)
    return ""


def _named(source: Source, node: ast.Name | ast.Attribute) -> str:
    name = source.dotted(node)
    if name in RUNS_TEXT:
        return f"uses {name}"
    if isinstance(node, ast.Attribute):
        return f"reaches for {node.attr}" if node.attr in HIDDEN else ""
    return _spelled(node.id)


def _imported(node: ast.Import | ast.ImportFrom) -> str:
    """An import that gives what runs text another name."""
    origin = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    found = [name.name for name in node.names if f"{origin}{name.name}" in RUNS_TEXT | {"builtins", "marshal"}]
    return f"imports {origin}{found[0]}" if found else ""


def _called(source: Source, node: ast.Call) -> str:
    name = source.dotted(node.func)
    if name in IMPORTS_BY_NAME and not (node.args and source.text_of(node.args[0])):
        return "imports a module by a name that is made at run time"
    if name in BY_NAME:
        return _looked_up(source, node, name)
    if name in DECODES or (isinstance(node.func, ast.Attribute) and node.func.attr == "fromhex"):
        return f"decodes what it holds ({name or 'fromhex'})" if _holds(source, node) else ""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "join" and _letters(source, node):
        return "puts a text together from numbers"
    return ""


def _looked_up(source: Source, node: ast.Call, name: str) -> str:
    """A name made at run time; one that stands in the file, as a literal or a constant, can be read."""
    if name == "vars":
        return "uses vars()"
    place = 0 if name.startswith("operator.") else 1
    text = source.text_of(node.args[place]) if len(node.args) > place else None
    if text is None:
        return f"looks a name up that is made at run time ({name})"
    return f"reaches for {text} by {name}" if text in HIDDEN | RUNS_TEXT or text.startswith("__") else ""


def _holds(source: Source, node: ast.Call) -> bool:
    """Whether what is decoded stands in the file itself."""
    return any(isinstance(source.literal(part), ast.Constant) for argument in node.args for part in ast.walk(argument))


def _letters(source: Source, node: ast.Call) -> bool:
    """`''.join(chr(n) for n in ...)`, `''.join(map(chr, ...))`, and joins of reversed text."""
    names = {source.dotted(part) for argument in node.args for part in ast.walk(argument)}
    return bool(names & {"chr", "reversed"})


def _replaced(source: Source, node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> str:
    """An assignment to an attribute of an imported module: `np.load = mine`."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        base = target.value if isinstance(target, ast.Attribute) else None
        while isinstance(base, ast.Attribute):
            base = base.value
        if isinstance(base, ast.Name) and base.id in source.aliases:
            return f"replaces {source.dotted(target)}"
        if isinstance(target, ast.Name) and (said := _spelled(target.id)):
            return said
    return ""


def _spelled(name: str) -> str:
    """A name that says nothing on purpose."""
    return f"has the unreadable name {name}" if SHUFFLED.match(name) else ""


def _misleading(text: str) -> Iterator[tuple[int, str]]:
    """Names that look like others: letters of another alphabet, or forms that Python reads as plain ones. The syntax
    tree no longer shows them, so that the text is asked."""
    if text.isascii():
        return
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME and not token.string.isascii():
                strange = [sign for sign in token.string if not sign.isascii()]
                if unicodedata.normalize("NFKC", token.string) != token.string or set(strange) <= LOOK_ALIKES:
                    yield token.start[0], f"has the name {token.string!a}, which looks like another"
    except (tokenize.TokenError, IndentationError):
        yield 1, "cannot be taken apart into words"
