"""Does the patch carry weights or answers in its text? A measure of how much it holds that no person wrote."""

from __future__ import annotations

import ast
import io
import math
import tokenize
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pawl.protocols import Case
from pawl.records import Finding
from pawl.sources import Sign, judged, new
from pawl.syntax import Source

TABLE = 8
"""Constants in one display or call from which on it is a table."""
WORD = 24
"""Characters without a space from which on a word is no word."""
EMPTY = len(zlib.compress(b""))


@dataclass(frozen=True, slots=True)
class Load:
    """What a place in a file holds: bits, and the sign that tells of it."""

    bits: float
    table: bool
    sign: Sign


@dataclass(frozen=True)
class Embedded:
    """Refuses a patch whose new tables and unreadable strings hold more than `most` bytes of information, or whose
    other new numbers hold more than `scattered`.

    Information of a number: an integer's bits and one for its sign, log2(10) bits for each significant digit of a
    fraction and two for its point; of text that is not prose: its length after zlib."""

    most: int = 96
    scattered: int = 400

    def judge(self, case: Case) -> Finding:
        return judged("embedded", case, self._compare, "tables and strings hold no more than a person would write")

    def _compare(self, head: Sequence[Source], reference: Sequence[Source]) -> Iterator[Sign]:
        found = [load for source in head for load in _loads(source)]
        known = [load.sign for source in reference for load in _loads(source)]
        added = {id(sign) for sign in new([load.sign for load in found], known)}
        tables = sorted((x for x in found if x.table and id(x.sign) in added), key=lambda x: -x.bits)
        numbers = [x for x in found if not x.table and id(x.sign) in added]
        if (held := sum(load.bits for load in tables) / 8) > self.most:
            first = tables[0].sign
            said = f"{first.said}; tables and strings bring {held:.0f} bytes that nobody wrote by hand"
            yield Sign(first.path, first.line, f"{said} (at most {self.most})", first.key)
        if (held := sum(load.bits for load in numbers) / 8) > self.scattered:
            first = numbers[0].sign
            said = f"and {len(numbers) - 1} more places bring {held:.0f} bytes of numbers (at most {self.scattered})"
            yield Sign(first.path, first.line, said, first.key)


def _loads(source: Source) -> Iterator[Load]:
    counted: set[ast.AST] = set()
    for node in source.nodes:  # outer nodes come first
        if node in counted:
            continue
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Call):
            constants = _constants(node)
            if len(constants) >= TABLE:
                inner = set(ast.walk(node))
                counted |= {part for part in inner if not (isinstance(part, ast.Call) and part is not node)}
                bits, key = sum(map(_bits, constants)), ast.unparse(node)
                said = f"is a table of {len(constants)} constants"
                yield Load(bits, True, Sign(source.path, node.lineno, said, key))
        elif isinstance(node, ast.Constant):
            yield from _alone(source, node)
    for line, comment in _comments(source.text):
        if bits := _unreadable(comment):
            yield Load(bits, True, Sign(source.path, line, "is a comment that is no prose", comment))


def _constants(node: ast.AST) -> list[ast.Constant]:
    """The constants directly in a display or the arguments of a call, and in displays in it."""
    children: list[ast.AST] = []
    if isinstance(node, ast.Call):
        children = [*node.args]
    elif isinstance(node, ast.Dict):
        children = [part for part in (*node.keys, *node.values) if part is not None]
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        children = [*node.elts]
    found = []
    for child in children:
        inner = child.operand if isinstance(child, ast.UnaryOp) else child
        if isinstance(inner, ast.Constant):
            found.append(inner)
        elif isinstance(inner, ast.List | ast.Tuple | ast.Set | ast.Dict):
            found += _constants(inner)
    return found


def _bits(constant: ast.Constant) -> float:
    value = constant.value
    if isinstance(value, bool) or value is None or value is Ellipsis:
        return 1.0
    if isinstance(value, int):
        return value.bit_length() + 1.0
    if isinstance(value, float):
        digits = repr(value).partition("e")[0].replace(".", "").strip("-0")
        return math.log2(10) * len(digits) + 2
    if isinstance(value, complex):
        return 64.0
    content = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    return 8.0 * min(len(content), max(len(zlib.compress(content)) - EMPTY, 0))


def _alone(source: Source, node: ast.Constant) -> Iterator[Load]:
    """A number on its own; a string that is no prose."""
    if isinstance(node.value, str | bytes):
        text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        if bits := _unreadable(text):
            yield Load(bits, True, Sign(source.path, node.lineno, f"is a string of {len(text)} signs, no prose", text))
    elif isinstance(node.value, int | float | complex):
        yield Load(_bits(node), False, Sign(source.path, node.lineno, "", repr(node.value)))


def _unreadable(text: str) -> float:
    """Bits in what no person would read: long words, and texts of mostly digits."""
    words = [word for word in text.split() if len(word) >= WORD]
    digits = sum(sign.isdigit() for sign in text)
    if len(text) >= 2 * WORD and digits > 0.4 * len(text):
        words = [text]
    content = " ".join(words).encode("utf-8", "surrogatepass")
    return 8.0 * min(len(content), max(len(zlib.compress(content)) - EMPTY, 0)) if words else 0.0


def _comments(text: str) -> Iterator[tuple[int, str]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return
