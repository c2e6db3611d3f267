"""What an agent said while it worked: its last words, and what a reviewer should know of. All of it is hostile."""

from __future__ import annotations

import re

from pawl.hostile import one_line, printable

LONGEST = 500
SECRET = "[the value of a variable that was handed in]"
MOST = 20
"""Findings that are kept."""
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Colours and titles, with which programs decorate what they print."""
SIGNS = (
    (
        "reads like an order to whoever reads it",
        re.compile(
            r"\b(?:ignore|disregard|forget|override)\b[^.;\n]{0,30}\b(?:instructions?|prompts?|guidelines|rules)\b"
            r"|<\|?/?(?:im_start|im_end|system|assistant)\|?>|^\W*system\s*(?:prompt|message)?\s*:\s*\w"
            r"|\b(?:approve|sign off|release|merge) (?:it|this|the (?:patch|change|dossier))\b"
            r"|\b(?:you are|act as) (?:now )?(?:an? |the )?(?:approver|reviewer|administrator|root)\b",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (
        "looks like a secret",
        re.compile(
            r"\bsk-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|\bxox[abp]-[A-Za-z0-9-]{10,}"
            rf"|{re.escape(SECRET)}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bBearer [A-Za-z0-9._-]{20,}"
        ),
    ),
    (
        "speaks of what is none of its business",
        re.compile(r"\.pawl\b|\b(?:sealed|holdout|policy\.toml|ledger\.sqlite|null candidates?)\b", re.IGNORECASE),
    ),
)  # fmt: skip
"""What is looked for in each line. An alarm for reviewers, and no wall: the sandbox is that."""


def last_words(text: str) -> str:
    """The last paragraph, on one line and bounded; words of our own where there is none."""
    plain = ESCAPES.sub("", text)
    paragraphs = [part for part in re.split(r"\n\s*\n", plain) if part.strip()]
    said = one_line(paragraphs[-1]) if paragraphs else ""
    said = said if len(said) <= LONGEST else f"{said[:LONGEST]} ... (cut)"
    return said or "the agent said nothing about its change"


def findings(text: str) -> list[str]:
    """Lines that a reviewer should know of, each with its number, what it is, and a bounded, printable part of it;
    of what looks like a secret, only where."""
    found = list[str]()
    for number, line in enumerate(ESCAPES.sub("", text).splitlines(), 1):
        for what, pattern in SIGNS:
            if match := pattern.search(line):
                shown = "" if "secret" in what else f": '{printable(match[0])[:60]}'"
                found.append(f"line {number} {what}{shown}")
        if len(found) >= MOST:
            return [*found[: MOST - 1], "and more"]
    return found
