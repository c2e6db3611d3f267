"""Do its words argue with whoever reads them? Pleas, orders to a model, forged verdicts, letters that are not seen."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pawl.hostile import printable
from pawl.protocols import Case
from pawl.records import Finding, Run
from pawl.sources import Sign, changed, finding, new

WHO = r"(?:reviewers?|approvers?|auditors?|graders?|evaluators?|signers?)"
MODEL = r"(?:ai|llm|language model|assistant|chatbot|gpt|claude|gemini|copilot)"
WHAT = r"(?:patch|change|dossier|variant|diff|release|submission|pull request|commit|code|file)"
PLEAS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override)\b[^.;]{0,30}\b(?:instructions?|prompts?|guidelines|system message)\b",
        r"\b(?:pre-?approved|approved|signed off|vetted|cleared|audited) by\b",
        r"\b(?:reviewed|verified|checked|tested|confirmed) by (?:the |our |an? )?(?:[\w-]+ ){0,2}"
        rf"(?:team|security|{WHO}|maintainers?|owners?|humans?|people|staff|management|pawl|{MODEL})\b",
        r"\balready (?:been )?(?:reviewed|approved|audited|vetted|cleared|signed)\b",
        r"\b(?:was|been) (?:reviewed|vetted|audited|approved)\b[^.;]{0,30}\b(?:safe|approve|fine|ok|sign)",
        r"\bsafe to (?:approve|merge|release|sign|deploy)\b",
        r"\b(?:please|kindly|must|should|just|now) (?:be )?"
        r"(?:approved?|sign(?:ed)? off|merged?|let (?:it|this) (?:pass|through))\b",
        rf"\b(?:approve|sign off|wave through|rubber.?stamp) (?:on )?(?:it|this|the {WHAT})\b",
        r"\b(?:accept|pass|release|merge|sign) (?:this|the) (?:dossier|patch|submission|pull request)\b",
        r"\b(?:dear|attention|attn|hey|hello|hi|(?:note|message|memo|instructions?) (?:to|for)) "
        rf"(?:the |any |all )?(?:{WHO}|{MODEL})\b",
        rf"\b{WHO}\b[^.;]{{0,30}}\b(?:should|must|please|need not|is asked|are asked|ignore|skip|do not|don't)\b",
        rf"\b(?:you are|you're|acting as|act as) (?:now )?(?:an? |the )?(?:\w+ )?(?:{WHO}|{MODEL}|judge)\b",
        r"\b(?:do not|don't|never|no need to|need not) "
        rf"(?:flag|refuse|reject|question|review|inspect|scrutini[sz]e|escalate) (?:this|it|the {WHAT})\b",
        r"\bno (?:further |human |more |additional )?(?:review|approval|inspection|scrutiny) "
        r"(?:is |are )?(?:needed|required|necessary)\b",
        r"<\|?/?(?:im_start|im_end|system|assistant|instructions?|hypothesis|tool_call)\|?>|\[/?INST\]|<<SYS>>",
        r"^\W*(?:system|assistant)\s*(?:prompt|message)?\s*:\s*\w+ \w+",
        r"#{3,} *(?:instruction|system|response)\b",
    )
)
"""Sentences that ask a reader, or a model that reads, to do something."""
FORGERIES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?m)^[\s#]*(?:pass|REFUSE)\s{2,}[\w-]+:",
        r"PAWL DOSSIER|WHAT WOULD BE RELEASED|CHANGES ACCEPTED ON THE WAY|THE PATCH, from the champion",
        r"\be-value [\d.]+,? threshold\b|\bcertified: E = |\b[\d.]+ sd of a paired difference\b",
        r"\bsha256:[0-9a-f]{12,}|BEGIN SSH SIGNATURE|\bPawl-Propos(?:al|er):",
        r"(?i)\ball (?:the )?(?:gates|checks) (?:have )?pass(?:ed)?\b",
        r"(?i)\b(?:verdict|certificate|integrity|gates?)\s*:\s*(?:pass(?:ed)?|certified|ok)\b",
    )
)
"""Lines of Pawl's own statements."""
PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@dataclass(frozen=True)
class Persuasion:
    """Refuses new comments, strings, names, hypotheses and log lines that address a reviewer or a model, that look
    like Pawl's own statements, or that hold letters which are not seen."""

    def judge(self, case: Case) -> Finding:
        before, after = changed(case)
        if not after or not case.changes:
            return Finding(gate="persuasion", passed=False, reason="there are no words of a proposal to read")
        signs = new(_in_files(after), _in_files(before))
        signs += [sign for change in case.changes for sign in _in_words("hypothesis", 1, change.hypothesis)]
        signs += [sign for change in case.changes for sign in _in_words("proposer", 1, change.proposer)]
        mine, theirs = (_in_logs(runs) for runs in (case.head_runs, case.reference_runs))
        fine = "comments, names, strings and hypotheses address nobody"
        return finding("persuasion", [*signs, *new(mine, theirs)], fine)


def _in_files(files: Mapping[str, str]) -> list[Sign]:
    words = [(path, *word) for path, text in files.items() for word in _words(path, text)]
    return [sign for word in words for sign in _in_words(*word)]


def _in_logs(runs: Sequence[Run]) -> list[Sign]:
    lines = [("log", *line) for run in runs for line in enumerate(run.tail.splitlines(), 1)]
    return [sign for line in lines for sign in _in_words(*line)]


def _in_words(path: str, line: int, text: str) -> Iterator[Sign]:
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    if printable(text) != text:
        yield Sign(path, line, "holds characters that are not seen", text)
    for pattern in PLEAS:
        if match := pattern.search(plain):
            yield Sign(path, line, f"addresses whoever reads it: '{match[0][:60]}'", text)
            return
    for pattern in FORGERIES:
        if match := pattern.search(text):
            yield Sign(path, line, f"looks like Pawl's own words: '{match[0][:60]}'", text)
            return


def _words(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Comments (those of several lines as one text), strings and names of a Python file; else every line."""
    yield from ((number, line) for number, line in enumerate(text.split("\n"), 1) if printable(line) != line)
    if not path.endswith(".py"):
        yield from enumerate(text.split("\n"), 1)
        return
    block: list[tuple[int, str]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                if block and token.start[0] > block[-1][0] + 1:
                    yield from _joined(block)
                    block = []
                block.append((token.start[0], token.string.lstrip("#! ")))
            elif token.type == tokenize.NAME and len(token.string) > 8:
                yield token.start[0], " ".join(PARTS.findall(token.string))
            elif token.type == tokenize.STRING:
                yield token.start[0], _value(token.string)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        yield from enumerate(text.split("\n"), 1)
    yield from _joined(block)


def _joined(block: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield from block
    if len(block) > 1:
        yield block[0][0], " ".join(said for _, said in block)


def _value(literal: str) -> str:
    """What a string literal says; f-strings and what does not parse as they stand."""
    try:
        value = ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return literal
    return value if isinstance(value, str) else literal
