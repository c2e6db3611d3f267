"""`results.tsv` in the autoresearch layout: commit, metric, memory_gb, status, description; a mirror of the ledger."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pawl import history
from pawl.hostile import one_line
from pawl.ledger import Ledger
from pawl.records import Evaluation, Proposal, Run, Screening, Variant

STATUS = {"accepted": "discard", "refused": "discard", "crashed": "crash"}
"""What became of a proposal that did not move the head: a null candidate never does."""


def table(ledger: Ledger, metric: str) -> str:
    """The whole file: the baseline, then every screened proposal, kept or not. 0 stands for what was not measured."""
    lines = [f"commit\t{metric}\tmemory_gb\tstatus\tdescription"]
    first = next((e for e in ledger.entries(Evaluation) if e.record.outcome == "ok"), None)
    if first:
        ran = ledger.get(first.record.run, Run).record.variant
        lines.append(_line(ledger, ran, [first.id], metric, "keep", "baseline"))
    nulls = history.read(ledger).nulls
    for entry in ledger.entries(Screening):
        words = one_line(ledger.get(entry.record.proposal, Proposal).record.hypothesis)
        kept = entry.record.decision == "accepted" and entry.record.proposal not in nulls
        status = "keep" if kept else STATUS[entry.record.decision]
        if entry.record.evaluations:  # else it was stopped before a whole run
            done = list(entry.record.evaluations)
            lines.append(_line(ledger, entry.record.variant, done, metric, status, words))
    return "\n".join(lines) + "\n"


def _line(ledger: Ledger, variant: int, evaluations: list[int], metric: str, status: str, words: str) -> str:
    evaluation = ledger.get(evaluations[0], Evaluation).record
    run = ledger.get(evaluation.run, Run).record
    commit = ledger.get(variant, Variant).record.commit[:7]
    memory = run.usage.peak_bytes / 2**30
    return f"{commit}\t{evaluation.metrics.get(metric, 0.0):.6f}\t{memory:.1f}\t{status}\t{words}"


def write(path: Path, text: str) -> None:
    """Replace the file as a whole, so that a reader never sees half of it."""
    if path.exists() and path.read_text() == text:
        return
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, prefix=".results-") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
