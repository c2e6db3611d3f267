"""Reading a model's answer: a hypothesis, and edits that fit the files exactly. Nothing is guessed.

Three forms of edits: search/replace blocks, a unified diff, or whole files. A diff's line numbers and counts may be
wrong, as models write them; its context may not. All of the text is hostile.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pawl.hostile import one_line

MOST = 400_000
"""Characters of an answer."""
EDITS = 200
"""Edits in one answer."""
HYPOTHESIS = re.compile(r"^[\s*_#>`-]*hypothesis[\s*_`]*:[\s*_`]*(\S.*?)[\s*_`]*$", re.IGNORECASE | re.MULTILINE)
FENCE = re.compile(r"(`{3,})([^`]*)")
SEARCH, MIDDLE, REPLACE = re.compile(r"<{7} ?SEARCH\s*"), re.compile(r"={7}\s*"), re.compile(r">{7} ?REPLACE\s*")
HUNK = re.compile(r"@@ -(\d{1,9})(?:,\d+)? \+\d+(?:,\d+)? @@.*|@@.*")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*\.\w+|/dev/null")
LEFT_OUT = re.compile(
    r"\s*#\s*(\.\.\.|…).*"
    r"|\s*#.*\b(unchanged|(as|same as) before|(remains|stays) the same|existing code|rest of the (code|file))\b.*"
)
"""A comment that stands for lines that a model did not write."""


class Unusable(Exception):
    """An answer that cannot become a proposal; the text says why, in words for the model."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an answer asks for: the hypothesis, and the new text of each file that it changes."""

    hypothesis: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Edit:
    """Some lines of a file in place of others. `line` is where the answer says that they begin, from 1; 0: nowhere."""

    path: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the words after its fence, the last line before it, its lines."""

    info: str
    before: str
    lines: tuple[str, ...]


def read(text: str, files: Mapping[str, str]) -> Change:
    """The change that an answer makes to `files`, by path. Raises Unusable."""
    if len(text) > MOST:
        raise Unusable(f"the answer is longer than {MOST} characters")
    text = without_thoughts(text.replace("\r\n", "\n"))
    if not text.strip():
        raise Unusable("the answer is empty")
    lines = text.split("\n")
    edits = list(_replacements(lines, files))
    blocks = [] if edits else list(_blocks(lines))
    edits += [edit for block in blocks if _is_diff(block) for edit in _hunks(block.lines, files)]
    whole = {} if edits else dict(_whole(blocks, files))
    if not edits and not whole:
        raise Unusable("there is no edit in the answer: give search/replace blocks as described")
    said = HYPOTHESIS.search(text)
    if not said:
        raise Unusable("there is no line 'HYPOTHESIS: ...' that says why the change should help")
    return Change(one_line(said[1])[:300], whole or _applied(edits, files))


def without_thoughts(text: str) -> str:
    """Without what a reasoning model thought aloud first."""
    start, end = text.find("<think>"), text.find("</think>")
    return text[end + len("</think>") :] if end >= 0 and not text[: max(start, 0)].strip() else text


def _named(words: str, files: Mapping[str, str]) -> str:
    """The editable path in a heading or a fence's words, or nothing. Raises Unusable for another path."""
    found = [path for path in sorted(files, key=len, reverse=True) if path in re.split(r"[\s`*:'\"()=,]+", words)]
    if len(found) > 1:
        raise Unusable(f"a line above a block names {found[0]} and {found[1]}: name the one that it changes")
    if found:
        return found[0]
    bare = words.strip().strip("`*:#'\" ")
    if PATH.fullmatch(bare):
        return allowed(bare, files)
    return ""


def allowed(path: str, files: Mapping[str, str]) -> str:
    """A path that may be edited, without git's a/ or b/. Raises Unusable for any other."""
    for known in (path, re.sub(r"^(?:[ab]/|\./)", "", path)):
        if known in files:
            return known
    raise Unusable(f"{one_line(path)[:100]} may not be changed: only {', '.join(files)}")


def _only(files: Mapping[str, str], path: str) -> str:
    if path or len(files) == 1:
        return path or next(iter(files))
    raise Unusable(f"say above each block which file it changes: one of {', '.join(files)}")


def _replacements(lines: Sequence[str], files: Mapping[str, str]) -> Iterator[Edit]:
    """Search/replace blocks, inside of fences or not. The path stands above the block, or is that of the last one."""
    path, above, n = "", "", 0
    while n < len(lines):
        if not SEARCH.fullmatch(lines[n]):
            fence = FENCE.fullmatch(lines[n].strip())
            words = fence[2] if fence else lines[n]
            above = words if words.strip() and not (fence and not _named(words, files)) else above
            n += 1
            continue
        path = _only(files, _named(above, files) or path)
        middle = _next(lines, n, MIDDLE, "=======")
        end = _next(lines, middle, REPLACE, ">>>>>>> REPLACE")
        yield Edit(path, tuple(lines[n + 1 : middle]), tuple(lines[middle + 1 : end]))
        above, n = "", end + 1


def _next(lines: Sequence[str], start: int, mark: re.Pattern[str], name: str) -> int:
    for n in range(start + 1, len(lines)):
        if mark.fullmatch(lines[n]):
            return n
        if SEARCH.fullmatch(lines[n]):
            break
    raise Unusable(f"a search/replace block has no line {name}: is the answer cut short?")


def _blocks(lines: Sequence[str]) -> Iterator[Block]:
    """Fenced blocks. Raises Unusable if the last one does not end."""
    before, n = "", 0
    while n < len(lines):
        fence = FENCE.fullmatch(lines[n].strip())
        if not fence:
            before, n = lines[n] if lines[n].strip() else before, n + 1
            continue
        for end in range(n + 1, len(lines)):
            if lines[end].rstrip() == fence[1]:
                break
        else:
            raise Unusable("the last code block does not end: is the answer cut short?")
        yield Block(fence[2].strip(), before, tuple(lines[n + 1 : end]))
        before, n = "", end + 1


def _is_diff(block: Block) -> bool:
    marks = [line for line in block.lines if line.startswith(("+++ ", "@@"))]
    return block.info.split(" ")[0] in ("diff", "patch") or (len(marks) > 1 and marks[0].startswith("+++ "))


def _hunks(lines: Sequence[str], files: Mapping[str, str]) -> Iterator[Edit]:
    """The hunks of a unified diff, without its numbers but for where each says it begins."""
    path, n = "", 0
    while n < len(lines):
        line = lines[n]
        if line.startswith("+++ ") or (line.startswith("--- ") and not line.startswith("--- /dev/null")):
            path = allowed(line[4:].split("\t")[0].strip(), files)
        hunk = HUNK.fullmatch(line)
        n += 1
        if hunk:
            start = n
            while n < len(lines) and _in_hunk(lines, n):
                n += 1
            end = n
            while end > start and not lines[end - 1]:  # empty lines after the hunk, or context that is not needed
                end -= 1
            body = [line or " " for line in lines[start:end] if not line.startswith("\\")]
            old = tuple(line[1:] for line in body if line[0] != "+")
            new = tuple(line[1:] for line in body if line[0] != "-")
            yield Edit(_only(files, path), old, new, int(hunk[1] or 0))


def _in_hunk(lines: Sequence[str], n: int) -> bool:
    """Whether a line goes on with a hunk: the next file's header begins with `--- ` too, and has `+++ ` after it."""
    if lines[n].startswith("--- ") and n + 1 < len(lines) and lines[n + 1].startswith("+++ "):
        return False
    return lines[n][:1] in ("", " ", "+", "-", "\\")


def _whole(blocks: Sequence[Block], files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Blocks that are a file each, named in the fence's words or in the line before."""
    seen = set()
    for block in blocks:
        path = _named(block.info, files) or _named(block.before, files)
        if not path:
            continue
        if path in seen:
            raise Unusable(f"there are two blocks for {path}")
        known = set(files[path].split("\n"))
        left_out = [line for line in block.lines if LEFT_OUT.fullmatch(line[:200]) and line not in known]
        if left_out:
            raise Unusable(f"{path} is not whole: {left_out[0].strip()[:80]!r} stands for lines that are missing")
        seen.add(path)
        yield path, "\n".join(block.lines) + "\n"


def _applied(edits: Sequence[Edit], files: Mapping[str, str]) -> dict[str, str]:
    if len(edits) > EDITS:
        raise Unusable(f"the answer has more than {EDITS} edits")
    by_path = defaultdict[str, list[Edit]](list)
    for edit in edits:
        by_path[edit.path].append(edit)
    return {path: _edited(path, files[path], mine) for path, mine in by_path.items()}


def _edited(path: str, text: str, edits: Sequence[Edit]) -> str:
    """A file after its edits, each of which fits the file as it was."""
    ends = "\r\n" if text.count("\r\n") == text.count("\n") > 0 else "\n"
    lines = text.removesuffix(ends).split(ends) if text else []
    places = sorted((*_place(path, lines, edit), edit.new) for edit in edits)
    for (_, end, _), (start, _, _) in itertools.pairwise(places):
        if start < end:
            raise Unusable(f"two edits of {path} change the same lines")
    for start, end, new in reversed(places):
        lines[start:end] = new
    return ends.join(lines) + (ends if lines and (text.endswith(ends) or not text) else "")


def _place(path: str, lines: Sequence[str], edit: Edit) -> tuple[int, int]:
    """The first line that an edit exchanges and the one after the last. Raises Unusable unless it is clear which."""
    if not any(line.strip() for line in edit.old):
        if lines:
            raise Unusable(f"an edit of {path} says nothing of the lines that it changes: quote some of them")
        return 0, 0
    old = edit.old
    found = _matches(lines, old)
    if not found:
        first = next((line for line in old if line.strip() and line not in lines), old[0])
        raise Unusable(f"the lines to change are not in {path} as they are quoted, such as {first.strip()[:80]!r}")
    if len(found) > 1 and edit.line - 1 in found:
        found = [edit.line - 1]
    if len(found) > 1:
        raise Unusable(f"the lines to change are in {path} {len(found)} times: quote more of what is around them")
    return found[0], found[0] + len(old)


def _matches(lines: Sequence[str], old: Sequence[str]) -> list[int]:
    first = old[0]
    return [n for n, line in enumerate(lines) if line == first and list(lines[n : n + len(old)]) == list(old)]
