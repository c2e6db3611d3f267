"""Does the patch import something new? A gate from outside Pawl, as an example of how to write one.

It reads the patch as text. `__import__("os")` gets past it: it makes a reviewer's work easier, and holds nobody
back who means harm. The sandbox is what does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pawl.hostile import printable
from pawl.protocols import Case
from pawl.records import Finding

NAME = "imports"
"""As registered in pyproject.toml and as written in policy.toml."""
IMPORTS = re.compile(r"\+\s*import\s+(?P<several>[\w., ]+)|\+\s*from\s+(?P<one>[\w.]+)\s+import\b")


@dataclass(frozen=True)
class Imports:
    """Refuses an added line that imports a package which is not in `allowed`."""

    allowed: Sequence[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.allowed, str):
            raise ValueError('allowed must be a list, such as ["numpy"]')

    def judge(self, case: Case) -> Finding:
        if not case.patch:
            return Finding(gate=NAME, passed=False, reason="there is no patch to look at")
        found = sorted(set(imported(case.patch)))
        strange = [name for name in found if name not in self.allowed]
        if strange:
            return Finding(gate=NAME, passed=False, reason=printable(f"the patch imports {', '.join(strange)}"))
        return Finding(gate=NAME, passed=True, reason=f"the patch imports {', '.join(found) or 'nothing new'}")


def imported(patch: str) -> Iterator[str]:
    """The top-level packages that the added lines of a patch import."""
    for line in patch.splitlines():
        match = IMPORTS.match(line)
        if match:
            for module in (match["several"] or match["one"]).split(","):
                yield module.split()[0].partition(".")[0] if module.split() else "nothing"
