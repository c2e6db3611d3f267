"""The words that a model is asked with: what is wanted, the head's files, and what was learned so far.

The same ledger and the same files give the same words. Sealed sets, and all else in .pawl, are never looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pawl import attempts
from pawl.attempts import Attempt
from pawl.hostile import one_line
from pawl.ledger import Ledger
from pawl.proposers.modes import Mode
from pawl.proposers.quoting import EXPLAINED, cut, quoted
from pawl.protocols import Brief
from pawl.records import Noise

CHARACTERS = 3.0
"""Of a token, at least: source code has 3 to 4. Rather too many tokens are estimated than too few."""
NOTES = 20_000
"""Characters of program.md or notebook.md."""
LISTED, TAILS, TAIL, PATCH = 30, 2, 1_500, 6_000
"""Attempts that are listed; crashes whose log is shown; characters of a log's end, and of a patch."""
MODULES = 800
"""Characters of the list of what is installed."""
LEAST = 200
"""Characters below which a section is left out."""

RULES = """\
- You may change these files and no others: {editable}.
- Do not change how seed, budget or output folder are read, how long it trains, or what it reports.
- Use the standard library and what the files import already{more}; nothing else is installed, and there is no network.
"""
EDIT = """\
{first}
```
<<<<<<< SEARCH
lines of the file, exactly as they are, enough of them to be found in one place only
=======
the lines to put there instead
>>>>>>> REPLACE
```

Give one such block for each place, with the file's name on the line above it."""
TASK = """\
You improve a machine-learning program by changing its source. Somebody else runs it on several seeds and measures it \
from outside; only a real gain counts. {explained}

Rules:
{rules}\
- One idea at a time, complete and ready to run. Do not repeat what was tried.

Answer with one line that says why the change should help, then with the change:

HYPOTHESIS: one sentence

{edit} A unified diff in a ```diff block, or a \
whole file in a block with its name above, will do too. Nothing else is needed."""
WANTED = {
    "draft": "Propose one bold idea that differs in kind from everything tried so far, as a change of the files above.",
    "improve": "Propose one small change of the files above that you expect to help.",
    "debug": "Your last attempt crashed; what it was and how it ended stands above. The files above are without it. "
    "Make the same idea work, as a change of the files above; or, if the idea itself was wrong, a better one.",
    "cross": "The attempts whose patches stand above each gained something. The files above hold not all of them. "
    "Combine what is best in them, as one change of the files above.",
}


class TooLong(Exception):
    """What must be in a prompt does not fit."""


@dataclass(frozen=True, slots=True)
class Section:
    """Something to quote if there is room: at most `most` characters, its beginning or its `end`."""

    heading: str
    what: str
    text: str
    most: int
    end: bool = False


def tokens(*texts: str) -> int:
    """About how many tokens some texts are, rather more than fewer."""
    return sum(int(len(text.encode()) / CHARACTERS) + 4 for text in texts)


def system(brief: Brief, modules: frozenset[str] = frozenset()) -> str:
    """The task. `modules` can be imported where it runs (none: not known)."""
    return TASK.format(explained=EXPLAINED, **form(brief, modules))


def form(brief: Brief, modules: frozenset[str]) -> dict[str, str]:
    """The rules for a change of this study's files, and the form of an edit."""
    names = sorted(name for name in modules - sys.stdlib_module_names if not name.startswith("_"))
    more = f", and of what is there besides: {', '.join(names)[:MODULES]}" if names else ""
    rules = RULES.format(editable=", ".join(brief.editable), more=more)
    return {"rules": rules, "edit": EDIT.format(first=brief.editable[0])}


def user(
    brief: Brief, files: Mapping[str, str], mode: Mode, done: Sequence[Attempt], ledger: Ledger, room: int,
    complaint: str = "",
) -> str:  # fmt: skip
    """The user's turn, in at most `room` tokens. Raises TooLong."""
    asked = WANTED[mode.name]
    if complaint:
        asked += "\nYour last answer could not be used:\n" + quoted("why", one_line(complaint), 300)
    return fitted(brief, files, ledger, _sections(brief, mode, done, ledger), asked, room)


def fitted(
    brief: Brief, files: Mapping[str, str], ledger: Ledger, sections: Sequence[Section], asked: str, room: int
) -> str:
    """The study and the head's files, as many of the sections as there is room for, and what is asked: in at most
    `room` tokens. What matters most comes first, and the rest gives way: the files must fit. Raises TooLong."""
    must = [_brief(brief, ledger)]
    must += [f"The file {path}:\n" + quoted(path, text, len(text)) for path, text in files.items()]
    left = int(room * CHARACTERS) - sum(len(text.encode()) + 2 for text in (*must, asked))
    if left < 0:
        raise TooLong(f"the files of the head need about {tokens(*must, asked)} tokens, and a prompt may have {room}")
    parts = []
    for section in sections:
        size = min(section.most, left - 2 * LEAST)
        if size >= LEAST:
            shown = f"{section.heading}\n{quoted(section.what, section.text, size, section.end)}"
            if len(shown.encode()) + 2 <= left:  # more bytes than characters: it gives way
                parts.append(shown)
                left -= len(shown.encode()) + 2
    return "\n\n".join([*must, *parts, asked])


def _brief(brief: Brief, ledger: Ledger) -> str:
    """What hardly ever changes stands first, and the files after it: endpoints keep the beginning of a prompt."""
    noise = ledger.last(Noise)
    lines = [
        f"Study: {brief.name}. Goal: {brief.direction} {brief.metric}. Budget of one run: {brief.budget}.",
        f"It is run as: {' '.join(brief.command)}",
    ]
    if noise:
        lines.append(
            f"Noise: a change of the seed alone moves {brief.metric} by {noise.record.sd:.3g} (standard deviation). "
            "Gains smaller than twice that may be luck."
        )
    return "\n".join(lines)


def _sections(brief: Brief, mode: Mode, done: Sequence[Attempt], ledger: Ledger) -> list[Section]:
    """What is quoted after the files, the most useful first."""
    found = []
    for attempt in mode.about:
        heading = f"Attempt {attempt.id}, {attempt.outcome}:"
        found.append(Section(heading, f"patch of attempt {attempt.id}", attempt.proposal.patch, PATCH))
        if mode.name == "debug":
            found.append(_tail(ledger, attempt))
    return [*found, *learned(brief, done, ledger, mode.about)]


def learned(brief: Brief, done: Sequence[Attempt], ledger: Ledger, shown: Sequence[Attempt] = ()) -> list[Section]:
    """What people say and what was tried; ends of failed runs' logs, but for those of attempts that are `shown`."""
    found = []
    program = _file(brief.folder, "program.md")
    if program and "program.md" not in brief.editable:
        heading = "The operator's direction, for what to try (rules and form above stay as they are):"
        found.append(Section(heading, "program.md", program, NOTES))
    if done:
        heading = f"{len(done)} attempts so far, newest last (gains over the head of then; higher is better):"
        found.append(Section(heading, "attempts", listed(done, ledger), LISTED * 400, end=True))
    notebook = _file(brief.folder, "notebook.md")
    if notebook and "notebook.md" not in brief.editable:
        found.append(Section("Notes on earlier results:", "notebook.md", notebook, NOTES, end=True))
    crashed = [attempt for attempt in done if attempt.outcome == "crashed" and attempt not in shown]
    return [*found, *(_tail(ledger, attempt) for attempt in crashed[-TAILS:])]


def _tail(ledger: Ledger, attempt: Attempt) -> Section:
    text = f"{attempt.reason}\n{attempts.tail(ledger, attempt)}"
    return Section(f"How attempt {attempt.id} ended:", f"log of attempt {attempt.id}", text, TAIL, end=True)


def listed(done: Sequence[Attempt], ledger: Ledger) -> str:
    """The newest attempts, a line each: what came of them, and what they meant to do."""
    noise = ledger.last(Noise)
    sd = noise.record.sd if noise else 0.0
    return "\n".join(_line(attempt, sd) for attempt in done[-LISTED:])


def _line(attempt: Attempt, sd: float) -> str:
    came = {"waiting": "not measured yet", "crashed": f"crashed: {cut(one_line(attempt.reason), 100)}"}
    said = came.get(attempt.outcome, attempt.outcome)
    if attempt.gain is not None:
        said += f", gain {attempt.gain:+.3g}" + (f" ({attempt.gain / sd:+.1f} sd of one run)" if sd else "")
    if attempt.certified is not None:
        said += ", certified on fresh seeds" if attempt.certified else ", not confirmed on fresh seeds"
    who, why = one_line(attempt.proposal.proposer)[:40], one_line(attempt.proposal.hypothesis)
    return f"attempt {attempt.id} by {who}: {said}; {why if len(why) <= 200 else why[:200] + ' ...'}"


def _file(folder: Path, name: str) -> str:
    """A plain file of the study's folder that people keep there; nothing where there is none, or only a link."""
    path = folder / name
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(4 * NOTES).decode(errors="replace")
