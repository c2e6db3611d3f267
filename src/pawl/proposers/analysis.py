"""What a model is shown of the logs, and what becomes of its answer: changes, things to take back, things to measure.

Curves are numbers that the rules read out of the logs, and stand in the prompt as data, as does all else that programs
and other models wrote. A change goes through the checks of the proposer `llm`; what cannot be used is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pawl.envelope import sha256
from pawl.hostile import one_line
from pawl.ledger import Entry
from pawl.proposers import edits, prompts, taking_back
from pawl.proposers.editing import Editing
from pawl.proposers.edits import Unusable
from pawl.proposers.prompts import Section
from pawl.proposers.quoting import EXPLAINED
from pawl.proposers.training_log import Curves
from pawl.protocols import Brief, Suggestion
from pawl.records import Run

MOST = 6
"""Suggestions in an answer; what comes after them is not read."""
POINTS = 30
"""Points of a curve that are shown, the first and the last among them."""
SHOWN = 6_000
"""Characters of a section."""
BEGINS = re.compile(r"^(?:\*\*)?(HYPOTHESIS|ABLATE|SUITE)(?:\*\*)?:[ *]*(\S.*?)[ *]*$", re.MULTILINE)
REASON = re.compile(r"^(?:\*\*)?REASON(?:\*\*)?:[ *]*(\S.*?)[ *]*$", re.MULTILINE)
TAKES_BACK = "takes-back/"
"""What the keys of suggestions to take something back begin with; the change's own key follows."""

TASK = """\
You read the logs of a machine-learning program as an experienced colleague would, and suggest what to try next. \
Somebody else runs each suggestion on several seeds and measures it from outside; only a real gain counts. {explained}

Rules:
{rules}\
- Say in each suggestion what in the curves, the costs or the failures speaks for it. Do not repeat what was tried.

Answer with one to {most} suggestions, the most useful first. Each has one of three forms. A change:

HYPOTHESIS: one sentence: what the logs show, and why this change helps

{edit}

An accepted attempt that may do nothing, or harm, and should be taken back:

ABLATE: the number of the attempt
REASON: one sentence

Something else that should be measured, which people will decide on:

SUITE: what to measure, in a few words
REASON: one sentence

Nothing else is needed."""
ASKED = (
    "Read the curves and the failures above. Suggest what to change in the files above, which accepted attempt to take "
    "back, or what else to measure."
)


def system(brief: Brief, modules: frozenset[str]) -> str:
    return TASK.format(explained=EXPLAINED, most=MOST, **prompts.form(brief, modules))


@dataclass(frozen=True, slots=True)
class Analysis:
    """The logs of a head, for a model `called` so. `hidden`: the Ladder hides scores, and with them what programs say
    of their validation."""

    on: Editing
    brief: Brief
    called: str
    hidden: bool

    def question(self, runs: Sequence[tuple[Entry[Run], Curves]], ails: Sequence[str], room: int) -> str:
        """The user's turn, in at most `room` tokens. Raises TooLong."""
        text = "\n".join(line for run, curves in runs for line in self._run(run.record, curves))
        found = [Section("The newest runs of the head, as they printed it:", "curves", text, SHOWN)]
        if ails:
            found.append(Section("What plain rules make of them:", "rules", "\n".join(ails), SHOWN))
        steps = taking_back.way(self.on.ledger, self.on.head)[1:]
        accepted = [f"attempt {step.proposal.id}: {one_line(step.proposal.record.hypothesis)[:200]}"
                    for step in steps if step.proposal]  # fmt: skip
        if accepted:
            found.append(
                Section("What the head holds, oldest first:", "accepted", "\n".join(accepted), SHOWN, end=True)
            )
        found += prompts.learned(self.brief, self.on.done, self.on.ledger)
        return prompts.fitted(self.brief, self.on.files, self.on.ledger, found, ASKED, room)

    def _run(self, run: Run, curves: Curves) -> Iterator[str]:
        usage = run.usage
        yield f"a run: {run.outcome}, {usage.cpu_s:.3g} s of CPU, {usage.wall_s:.3g} s in all"
        shown = {"training": curves.training, "validation": () if self.hidden else curves.validation}
        for name, values in shown.items():
            if values:
                yield f"  {name} loss, {len(values)} points: {' '.join(f'{value:.4g}' for value in _thinned(values))}"

    def suggestions(self, text: str) -> list[Suggestion]:
        """What of an answer can be used. Raises Unusable, with the first reason, if nothing can."""
        found, problems = list[Suggestion](), list[str]()
        for kind, said, part in _parts(text):
            try:
                one = self._suggestion(kind, said, part)
            except Unusable as error:
                problems.append(str(error))
                continue
            if all(one.key != other.key for other in found):
                found.append(one)
        if not found:
            raise Unusable(problems[0] if problems else "there is no suggestion: begin each with HYPOTHESIS: ...")
        return found

    def _suggestion(self, kind: str, said: str, part: str) -> Suggestion:
        by = f"as {one_line(self.called)[:60]} reads the logs"
        if kind == "HYPOTHESIS":
            change = self.on.change(part)
            patch = self.on.patch(change)
            return Suggestion(f"change/{_key(patch)}", change.hypothesis, by, patch)
        reason = REASON.search(part)
        if not reason:
            raise Unusable(f"{kind}: has no line 'REASON: ...'")
        why = f"{one_line(reason[1])[:300]} ({by})"
        return self._ablation(said, why) if kind == "ABLATE" else _suite(said, why)

    def _ablation(self, said: str, why: str) -> Suggestion:
        """Take back what one attempt brought into the head, if it can be taken back by itself."""
        number = re.search(r"\d{1,12}", said)
        steps = taking_back.way(self.on.ledger, self.on.head)
        ours = taking_back.candidates(self.on.sources, self.on.ledger, steps, ladder=0.0)
        left = taking_back.untried(self.on.ledger, self.on.head, ours)
        one = next((one for one in left if number and int(number[0]) in one.change.proposals), None)
        if one is None:
            raise Unusable(f"ABLATE: {one_line(said)[:60]} is no accepted attempt that can be taken back by itself")
        return Suggestion(f"{TAKES_BACK}{one.key}", f"take back {one.change.name}", why, one.patch)


def _parts(text: str) -> Iterator[tuple[str, str, str]]:
    """The suggestions of an answer: kind, the words of the first line, and all of it. Raises Unusable."""
    if len(text) > edits.MOST:
        raise Unusable(f"the answer is longer than {edits.MOST} characters")
    text = edits.without_thoughts(text.replace("\r\n", "\n"))
    heads = list(BEGINS.finditer(text))[: MOST + 1]
    for number, head in enumerate(heads[:MOST]):
        end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
        yield head[1], head[2], text[head.start() : end]


def _suite(said: str, why: str) -> Suggestion:
    what = one_line(said)[:200]
    return Suggestion(f"suite/{_key(what)}", f"measure too: {what}   (a [[suite]] in pawl.toml)", why)


def _key(text: str) -> str:
    return sha256(text.encode())[:16]


def _thinned(values: Sequence[float]) -> list[float]:
    """Evenly fewer points, the first and the last among them."""
    count = min(POINTS, len(values))
    return [values[round(n * (len(values) - 1) / max(count - 1, 1))] for n in range(count)]
