"""What can be said against a change before a run is spent on it: syntax, imports, no effect, or tried before."""

from __future__ import annotations

import ast
import difflib
import functools
import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence

from pawl import imports
from pawl.attempts import Attempt
from pawl.envelope import sha256
from pawl.hostile import PARSER, one_line
from pawl.proposers.edits import Unusable

LATEST = 100
"""Earlier attempts whose whole programs are compared; of all others only the change."""
TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|\S")
LITERAL = re.compile(r"\d.*|['\"]")
LONG, LONGEST, NEAR = 100, 10_000, 0.98
"""A change of so many tokens that shares so much with an earlier one, and every number and string, counts as it."""


def runs(files: Mapping[str, str], changed: Mapping[str, str], there: frozenset[str] = frozenset()) -> None:
    """Raise Unusable unless the files differ, compile, and import nothing but what the files imported before and what
    is `there`: top-level modules (none: not known; then the standard library, by the Python that runs Pawl)."""
    if all(files[path] == text for path, text in changed.items()):
        raise Unusable("the change changes nothing: the files are as they were")
    if any("\0" in text for text in changed.values()):
        raise Unusable("the change makes a file binary")
    for path, text in changed.items():
        if path.endswith(".py"):
            _compiles(path, text)
    lacking = imports.lacking(files, changed, (there or sys.stdlib_module_names) | imports.own(files))
    if lacking:
        sure = "is not installed" if there else "may not be installed"
        raise Unusable(
            f"{lacking}, which {sure} where it runs: use the standard library and what the files import already"
        )
    if program({**files, **changed}) == program(files):
        raise Unusable("the change changes only comments or layout: nothing that runs")


def _compiles(path: str, text: str) -> None:
    try:
        with PARSER, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = one_line((error.text or "").strip())[:80]
        raise Unusable(f"{path} is not valid Python at line {error.lineno}: {one_line(error.msg)} ({line!r})") from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise Unusable(f"{path} does not compile: {one_line(str(error)) or type(error).__name__}") from None


def program(files: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What makes two sets of files one program: their syntax trees, without comments and layout."""
    return tuple((path, _normal(path, text)) for path, text in sorted(files.items()))


@functools.lru_cache(maxsize=1024)
def _normal(path: str, text: str) -> str:
    if path.endswith(".py"):
        try:
            with PARSER:
                return sha256(ast.dump(ast.parse(text)).encode())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    return sha256(text.encode())


def is_new(
    patch: str, files: Mapping[str, str], done: Sequence[Attempt], read: Callable[[Attempt], Mapping[str, str] | None]
) -> None:
    """Raise Unusable if an earlier attempt made the same change, nearly the same one, or the same program. `files` are
    all editable files after the change; `read` gives an attempt's, or None."""
    mine, tree = changed_tokens(patch), program(files)
    for attempt in reversed(done):
        if same(mine, changed_tokens(attempt.proposal.patch)):
            raise Unusable(_said(attempt, "makes the same change"))
    for attempt in done[-LATEST:]:
        theirs = read(attempt)
        if theirs is not None and program(theirs) == tree:
            raise Unusable(_said(attempt, "led to the same program"))


def _said(attempt: Attempt, what: str) -> str:
    return f"attempt {attempt.id} {what} ({attempt.outcome}): propose something that was not tried"


@functools.lru_cache(maxsize=4096)
def changed_tokens(patch: str) -> tuple[str, ...]:
    """The tokens of a patch's hunks, context too, each marked with its line's sign; without line numbers and lines that
    are comments."""
    found = []
    for line in patch.split("\n"):
        if line[:1] in ("+", "-", " ") and line[:4] not in ("+++ ", "--- ") and not line[1:].lstrip().startswith("#"):
            found += [line[0] + word for word in TOKEN.findall(line[1:])]
    return tuple(found)


def same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two changes are one: equal in equal surroundings, or long and nearly so, with every number and string the
    same."""
    if one == other:
        return bool(one)
    ours, theirs = ([token for token in tokens if token[0] != " "] for tokens in (one, other))
    if not LONG <= max(len(ours), len(theirs)) <= LONGEST:
        return False
    literals = [[token for token in tokens if LITERAL.match(token[1:])] for tokens in (ours, theirs)]
    if literals[0] != literals[1]:
        return False
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    return matcher.real_quick_ratio() >= NEAR and matcher.quick_ratio() >= NEAR and matcher.ratio() >= NEAR
