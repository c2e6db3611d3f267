"""Did its proposers ask the score for the answers? Many proposals that differ only in a table read labels by trial."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pawl.hostile import one_line
from pawl.protocols import Case
from pawl.records import Finding

LITERAL = re.compile(
    r"""[bBrRuU]{0,2}(?:"[^"\n]*"|'[^'\n]*')|(?<![\w.])-?(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?)|\b(?:True|False)\b"""
)
ROW = re.compile(r"#(?:\s*[,:]\s*#){7,}|^\s*#(?:\s*,\s*#){3,}\s*,?\s*$")
"""A line of a table: eight literals in a row, or nothing but a few of them."""
ANSWER = re.compile(r"\[\s*#\s*\]\s*=\s*#|\{\s*#\s*:\s*#|(?<![<>!])==\s*#\s*[:)]?.*(?:return|=)\s*#")
"""A place, given by a number, that is given a number."""
DIGITS = re.compile(r"""^[bBrR]{0,2}["'][\dA-Fa-f ,;]{16,}["']$|^-?(?:0[xb])?[\da-fA-F]{16,}$""")


@dataclass(frozen=True)
class Probing:
    """Refuses when more than `most` of the proposals by the same proposers put different answers into one and the same
    table. It sees tables, bit strings and fixed places; it does not see the same questions asked in another way."""

    most: int = 8

    def judge(self, case: Case) -> Finding:
        if not case.tried:
            return Finding(gate="probing", passed=False, reason="what else was proposed is not known")
        asked: dict[str, set[str]] = {}
        for proposal in case.tried:
            shape, answers = question(proposal.patch)
            if shape:
                asked.setdefault(f"{proposal.proposer}\0{shape}", set()).add(answers)
        most, key = max(((len(answers), key) for key, answers in asked.items()), default=(0, ""))
        if most <= self.most:
            fine = f"of {len(case.tried)} proposals at most {most} put other answers into one table"
            return Finding(gate="probing", passed=True, reason=fine)
        said = (
            f"{most} of {len(case.tried)} proposals, all by {key.partition(chr(0))[0]}, differ only in the answers of"
        )
        said += f" a table (at most {self.most}): that is how a score is asked for labels"
        return Finding(gate="probing", passed=False, reason=one_line(said)[:500])


def question(patch: str) -> tuple[str, str]:
    """What a patch's tables look like without their literals, and the literals; empty where it has no table."""
    shapes, answers = [], []
    for line in _added(patch):
        literals = LITERAL.findall(line)
        bare = LITERAL.sub("#", line)
        if ROW.search(bare) or ANSWER.search(bare) or any(DIGITS.match(literal) for literal in literals):
            shapes.append(re.sub(r"#(?:\s*[,:]\s*#)*", "#", bare).strip().rstrip(","))
            answers += literals
    return "\n".join(dict.fromkeys(shapes)), " ".join(answers)


def _added(patch: str) -> Iterator[str]:
    """The added lines, without their comments."""
    for line in patch.splitlines():
        if line.startswith("+") and not line.startswith("+++"):
            yield re.sub(r"\s+#.*$", "", line[1:])
