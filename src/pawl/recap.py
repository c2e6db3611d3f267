"""The loop's sections of the notebook, rebuilt from the ledger: what was tried, what helped, what failed and why, what
is under way, what is open.

Proposers read this page, so that it tells what `attempts` tells: through the Ladder, and without null candidates, of
which there is no trace here (docs/decisions/0018). What variants and strangers wrote is bounded, made printable
and stands in code spans, where Markdown and HTML mean nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from pawl import attempts, history
from pawl.attempts import Attempt
from pawl.hostile import one_line
from pawl.ledger import Entry, Ledger
from pawl.records import AblationPlan, Certificate, Noise, Preregistration, Proposal, Variant

SHOWN = 20
"""Attempts that a list names, the newest; counts are of all."""
CRASHES = 5
WORDS = 160
"""Characters of a stranger's words on one line."""
TAIL = 5
"""Lines of a failed run's log."""
DRY = 25
"""Refusals in a row after which a reader may ask whether the search is stuck."""
OFTEN = 0.25
"""The share of crashed ideas that is worth a question."""


def sections(ledger: Ledger, ladder: float) -> dict[str, str]:
    """The sections by name, as Markdown. `ladder` is the policy's step. Raises ConfigError where nothing ran yet."""
    done, noise = attempts.read(ledger, ladder), ledger.last(Noise)
    unit = noise.record.sd if noise else 0.0
    said = {
        "tried": _tried(done, unit), "helped": [*_helped(done, unit), "", *_certificates(ledger, ladder, unit)],
        "failed": _failed(ledger, done, unit), "underway": _underway(ledger, done, unit),
        "questions": _questions(ledger, done),
    }  # fmt: skip
    return {name: "\n".join([f"## {TITLES[name]}", "", *lines]) + "\n" for name, lines in said.items()}


TITLES = {
    "tried": "What was tried", "helped": "What helped", "failed": "What failed, and why", "underway": "Under way",
    "questions": "Open questions",
}  # fmt: skip


def quoted(text: str, most: int = WORDS) -> str:
    """A stranger's words as a code span of one line."""
    words = one_line(text).replace("`", "'")
    return f"`{words if len(words) <= most else words[: most - 3] + '...'}`" if words else "(no words)"


def _tried(done: Sequence[Attempt], unit: float) -> list[str]:
    if not done:
        return ["Nothing yet."]
    counts = defaultdict[str, Counter[str]](Counter)
    for attempt in done:
        counts[attempt.proposal.proposer].update([attempt.outcome, *(["certified"] if attempt.certified else [])])
    columns = ("accepted", "refused", "crashed", "waiting", "certified")
    lines = [f"| proposer | tried | {' | '.join(columns)} |", f"|---|{'---|' * (len(columns) + 1)}"]
    for name, count in sorted(counts.items()):
        tried = sum(count[column] for column in columns[:-1])
        numbers = " | ".join(str(count[column]) for column in columns)
        lines.append(f"| {quoted(name, 40).replace('|', '/')} | {tried} | {numbers} |")
    return [*lines, "", "The newest:", "", *(_line(attempt, unit) for attempt in done[: -SHOWN - 1 : -1])]


def _line(attempt: Attempt, unit: float) -> str:
    told = "" if attempt.gain is None else f", {_sds(attempt.gain, unit)} expected over the head of then"
    return f"- {attempt.id} {attempt.outcome}: {quoted(attempt.proposal.hypothesis)}{told}"


def _sds(gain: float, unit: float) -> str:
    return f"{gain / unit:+.2f} sd" if unit > 0 else f"{gain:+.4g}"


def _helped(done: Sequence[Attempt], unit: float) -> list[str]:
    words = {True: "certified", False: "a certificate on it was not won", None: "not certified yet"}
    kept = [attempt for attempt in done if attempt.outcome == "accepted"]
    lines = [f"{_line(attempt, unit)}; {words[attempt.certified]}" for attempt in kept[: -SHOWN - 1 : -1]]
    note = "The unit, sd, is what a change of seed alone does to one run. Gains at screening promise nothing."
    return [note, "", *lines] if lines else ["Nothing yet."]


def _certificates(ledger: Ledger, ladder: float, unit: float) -> list[str]:
    lines = []
    for entry in ledger.entries(Certificate)[: -SHOWN - 1 : -1]:
        record, plan = entry.record, ledger.get(entry.record.preregistration, Preregistration).record
        gain = record.estimate
        if gain is not None and ladder > 0 and unit > 0:  # as much as the Ladder says of any score
            gain = round(gain / (ladder * unit)) * ladder * unit
        told = f", gain {_sds(gain, unit)}" if gain is not None else ""
        arms = f"variant {plan.head} against {plan.reference}"
        lines.append(f"- certificate {entry.id}, {arms}: {record.outcome} after {len(record.pairs)} pairs{told}")
    return lines or ["No certificate yet."]


def _failed(ledger: Ledger, done: Sequence[Attempt], unit: float) -> list[str]:
    crashed = [attempt for attempt in done if attempt.outcome == "crashed"]
    refused = [attempt for attempt in done if attempt.outcome == "refused"]
    lines = []
    for attempt in crashed[: -CRASHES - 1 : -1]:
        lines.append(f"{_line(attempt, unit)}: {quoted(attempt.reason)}")
        log = [line for line in attempts.tail(ledger, attempt).splitlines() if line.strip()]
        lines += [f"  > {quoted(line)}  " for line in log[-TAIL:]]
    if len(crashed) > CRASHES:
        lines.append(f"- and {len(crashed) - CRASHES} more that crashed before")
    if refused:
        lines += [*([""] if lines else []), f"{len(refused)} were refused; the newest:", ""]
        lines += [f"{_line(attempt, unit)}: {quoted(attempt.reason)}" for attempt in refused[: -CRASHES - 1 : -1]]
    return lines or ["Nothing yet."]


def _underway(ledger: Ledger, done: Sequence[Attempt], unit: float) -> list[str]:
    state, begun = history.read(ledger), history.uncertified(ledger)
    lines = [f"- champion: variant {state.champion}; the next certificate is against variant {state.reference}"]
    lines.append(f"- head: variant {state.head}, {state.accepted} accepted change(s) ahead")
    if begun:
        lines.append(f"- a certificate of variant {begun.record.head} against {begun.record.reference} was begun")
    lines += [f"- dossier {entry.id} waits for a person: `pawl review {entry.id}`" for entry in state.standing]
    waiting = [attempt for attempt in done if attempt.outcome == "waiting"]
    return lines + [_line(attempt, unit) for attempt in waiting[-SHOWN:]]


def _questions(ledger: Ledger, done: Sequence[Attempt]) -> list[str]:
    state, lines = history.read(ledger), []
    if state.accepted:
        lines.append(f"- Do the {state.accepted} accepted change(s) hold on fresh seeds? The next certificate says.")
    asked = {plan.record.certificate for plan in ledger.entries(AblationPlan)}
    for entry in ledger.entries(Certificate):
        size = bundle(ledger, entry)
        if entry.record.outcome == "certified" and size > 1 and entry.id > state.since and entry.id not in asked:
            words = f"Which of the {size} changes of certificate {entry.id} carry its gain?"
            lines.append(f"- {words} `pawl ablate {entry.id}` shows it.")
    tried = [attempt for attempt in done if attempt.outcome != "waiting"][-SHOWN:]
    crashed = sum(attempt.outcome == "crashed" for attempt in tried)
    if len(tried) == SHOWN and crashed > OFTEN * SHOWN:
        lines.append(f"- Why did {crashed} of the last {SHOWN} ideas crash?")
    if state.dry >= DRY:
        lines.append(f"- {state.dry} refusals in a row: is there another kind of change to try?")
    return lines or ["None that the ledger shows."]


def bundle(ledger: Ledger, certificate: Entry[Certificate]) -> int:
    """How many accepted changes lie between a certificate's reference and its head."""
    plan, count = history.plan_of(ledger, certificate.record), 0
    variant = ledger.get(plan.head, Variant)
    while variant.id != plan.reference and variant.record.proposal is not None:
        variant = ledger.get(ledger.get(variant.record.proposal, Proposal).record.parent, Variant)
        count += 1
    return count
