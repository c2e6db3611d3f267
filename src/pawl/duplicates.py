"""Variants that are one program: what was run once on a seed answers for all of them (docs/decisions/0027).

Two variants are one program if their editable files are the same byte for byte, or, where a file is Python, if it has
the same syntax tree: then they differ in comments and layout alone. A program that can be seen to read itself is
compared byte for byte, all its files.

Null candidates neither get an answer from here nor give one: they are the same program on purpose.
"""

from __future__ import annotations

import ast
import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from pawl import history
from pawl.envelope import sha256
from pawl.hostile import PARSER
from pawl.ledger import Entry, Ledger
from pawl.protocols import Sources
from pawl.records import Evaluation, Run, Variant

READS_ITSELF = re.compile(
    r"__file__|__loader__|__spec__|\bargv\b|\binspect\b|\blinecache\b|\btokenize\b|getsource|_getframe|lineno|\.pyc?\b"
)
"""Words in code, docstrings apart, that may look at the program's own text or at the numbers of its lines."""
REPEATABLE = ("ok", "crashed", "invalid")
"""Outcomes that are the program's own. Others may come of what else the machine did: they deserve another run."""


def program(files: Mapping[str, str]) -> str:
    """What a variant does, as a digest of its editable files (by path): the same for the same program."""
    told = {path: _meaning(text) if path.endswith(".py") else text for path, text in files.items()}
    if None in told.values():
        told = dict(files)
    return sha256(
        "".join(f"{len(path)}:{path}{len(text or '')}:{text}" for path, text in sorted(told.items())).encode()
    )


def _meaning(text: str) -> str | None:
    """A Python file without what no interpreter heeds; the text itself where it does not parse; None where it may read
    itself. Kept: a first line with `#!`, what a declared encoding makes of strings, comments that declare types."""
    first = text.partition("\n")[0] if text.startswith("#!") else ""
    try:
        with PARSER:
            tree = ast.parse(text.encode(), type_comments=True)
            meaning = ast.dump(tree)
            for node in ast.walk(tree):
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    node.value = ast.Constant(None)
            return None if READS_ITSELF.search(ast.dump(tree)) else f"{first}\n{meaning}"
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


@dataclass(slots=True)
class Duplicates:
    """Comparable runs by program and seed, read from the ledger as it grows."""

    ledger: Ledger
    sources: Sources
    _programs: dict[int, str] = field(default_factory=dict)
    _runs: defaultdict[tuple[str, int], list[Entry[Run]]] = field(default_factory=lambda: defaultdict(list))
    _seen: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, variant: Entry[Variant]) -> str:
        """A variant's program; empty for a null candidate and for a patch that did not apply, which are like none."""
        if variant.id not in self._programs:
            null = variant.record.proposal in history.read(self.ledger).nulls
            apart = null or bool(variant.record.problem)
            self._programs[variant.id] = "" if apart else program(self.sources.read(variant.record))
        return self._programs[variant.id]

    def answer(self, variant: Entry[Variant], seed: int) -> Entry[Evaluation] | None:
        """The evaluation of the first comparable run of another variant that is the same program, on this seed."""
        mine = self.of(variant)
        if not mine:
            return None
        with self._lock:
            self._read()
            runs = self._runs.get((mine, seed), [])
        since = history.read(self.ledger).since
        done = [self.ledger.find(Evaluation, run=run.id) for run in runs if run.id > since]
        found = [one for one in done if one and one.record.outcome in REPEATABLE]
        own = any(self.ledger.get(one.record.run, Run).record.variant == variant.id for one in found)
        return None if own or not found else found[0]

    def _read(self) -> None:
        since = history.read(self.ledger).since
        for entry in self.ledger.entries(Run):
            if entry.id > max(since, self._seen):
                key = self.of(self.ledger.get(entry.record.variant, Variant))
                self._runs[key, entry.record.seed].append(entry)
                self._seen = entry.id
