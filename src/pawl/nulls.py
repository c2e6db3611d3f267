"""Null candidates: real patches of the head that cannot change the result, but for noise.

    A/A          a comment is added: the same program on the same seeds
    seed-only    the stream of seeds is moved: the same program on other seeds

They take a small share of the turns, and run through the same build, race and screen as any challenger: how many of
them get through is the measured false-accept rate (calibration.py). The ledger names their proposer, `calibration`;
a sandbox, an evaluator and a gate never learn it (docs/decisions/0018).
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from pawl.hostile import PARSER
from pawl.ledger import Entry, Ledger
from pawl.protocols import Sources
from pawl.records import CALIBRATION, Proposal, Study, Variant

Kind = Literal["aa", "seed-only"]
SEED = "PAWL_SEED"
LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""A line as Python counts them; splitlines ends one at a form feed too."""
HASH_COMMENTS = (".py", ".sh", ".toml", ".yaml", ".yml", ".cfg", ".r", ".jl")
SLASH_COMMENTS = (".c", ".cc", ".cpp", ".cu", ".h", ".js", ".ts", ".go", ".rs", ".java")
REMARKS = (
    "the settings above were chosen together; change them together", "checked against the run before: it is steady",
    "keep the order of the steps: what comes first is warmed up first", "the defaults are those that did best so far",
)  # fmt: skip
AA_HOPES = (
    "Write down how the settings belong together, so that the next change keeps what works",
    "Leave the settings as they did best, and say so where they stand",
    "Fix the order of the steps in words; the version that is written down should hold up best",
)
SEED_HOPES = (
    "Small seeds start some generators in correlated states; begin further along the stream for a better start",
    "Move the stream of random numbers, so that the first weights are drawn from a better mixed state",
    "Keep the random stream of this program apart from that of its libraries, for a cleaner initialisation",
)


@dataclass(frozen=True, slots=True)
class Draw:
    """What chance says about the turn after some proposal: four numbers, each uniform on [0, 1)."""

    turn: float
    kind: float
    words: float
    offset: float


def draw(ledger: Ledger) -> Draw:
    """Chance for the next proposal, out of the log's root at the last one (the study's opening, if there is none).

    Nobody can foresee it before that entry is written, anybody can check it afterwards, and a loop that was killed
    decides the same when it goes on."""
    last: Entry[Proposal] | Entry[Study] | None = ledger.last(Proposal) or ledger.last(Study)
    digest = hashlib.sha256(b"pawl-calibration/" + (last.digest if last else "").encode()).digest()
    return Draw(*(int.from_bytes(digest[8 * n : 8 * n + 8], "big") / 2**64 for n in range(4)))


def due(ledger: Ledger, share: float, head: Entry[Variant], sources: Sources) -> Proposal | None:
    """The null candidate that the next turn shall try, if it is one of the `share` of turns that calibrate."""
    chance = draw(ledger)
    return candidate(head, sources, chance) if chance.turn < share else None


def candidate(head: Entry[Variant], sources: Sources, chance: Draw) -> Proposal:
    """A null patch on a head, half of them seed-only where that is possible."""
    files = sources.read(head.record)
    moved = _moved(files, 1 + int(chance.offset * (2**31 - 2))) if chance.kind < 0.5 else None
    kind: Kind = "seed-only" if moved else "aa"
    changed = moved or _remarked(files, chance)
    hopes = SEED_HOPES if moved else AA_HOPES
    return Proposal(
        parent=head.id, patch=sources.patch(head.record, changed), hypothesis=_pick(hopes, chance.words),
        proposer=CALIBRATION, settings={"null": kind},
    )  # fmt: skip


def _pick(words: Sequence[str], chance: float) -> str:
    return words[int(chance * len(words))]


def _moved(files: Mapping[str, str], offset: int) -> dict[str, str] | None:
    """The one Python file that reads the seed, with the seed moved before it does; None where there is no such file
    or no safe place in it."""
    reading = [path for path, text in files.items() if path.endswith(".py") and SEED in text]
    moved = seed_moved(files[reading[0]], offset) if len(reading) == 1 else None
    return {reading[0]: moved} if moved else None


def seed_moved(source: str, offset: int) -> str | None:
    """A Python program that takes another seed for each that it is told: a line before all else that does anything.

    The line stands after the docstring and `from __future__` imports. None if the source is no Python, or if they
    share their last line with code."""
    body = _body(source)
    if body is None:
        return None
    first = next((n for n, node in enumerate(body) if not _preamble(node, n)), len(body))
    end = (body[first - 1].end_lineno or 0) if first else 0
    if first < len(body) and first and body[first].lineno <= end:
        return None
    lines = LINE.findall(source)
    if end and not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    start = end or _comments(lines)
    inserted = [
        "import os as _os\n",
        f'_os.environ["{SEED}"] = str((int(_os.environ.get("{SEED}", "0")) + {offset}) % 2**31)\n',
    ]
    moved = "".join([*lines[:start], *inserted, *lines[start:]])
    now = _body(moved) or []
    kept = [*now[:first], *now[first + 2 :]]  # all but the two new statements, which must be as it was
    return moved if [*map(ast.dump, kept)] == [*map(ast.dump, body)] and len(now) == len(body) + 2 else None


def _preamble(node: ast.stmt, place: int) -> bool:
    docstring = place == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or (isinstance(node, ast.ImportFrom) and node.module == "__future__")


def _comments(lines: Sequence[str]) -> int:
    """How many lines at the top are comments: a `#!` and an encoding count only there."""
    return next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))


def _remarked(files: Mapping[str, str], chance: Draw) -> dict[str, str]:
    """One editable file, the first Python one if there is any, with a remark at its end."""
    path = next((path for path in files if path.endswith(".py")), next(iter(files)))
    text, suffix = files[path], PurePosixPath(path).suffix.lower()
    mark = "# " if suffix in HASH_COMMENTS else "// " if suffix in SLASH_COMMENTS else ""
    end = "" if text.endswith("\n") or not text else "\n"
    remark = mark + _pick(REMARKS, chance.words) if mark else ""
    return {path: f"{text}{end}{remark}\n"}


def _body(source: str) -> list[ast.stmt] | None:
    """The statements of a Python program, or None if it is none: compiled, since parsing alone lets more through."""
    try:
        with PARSER:
            compile(source, "train.py", "exec", dont_inherit=True)
            return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
