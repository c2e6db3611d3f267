"""The ledger as data frames, for notebooks. Needs pandas: `pip install 'pawl-ai[frames]'`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pawl.errors import ConfigError, did_you_mean
from pawl.ledger import Ledger
from pawl.records import Certificate, Evaluation, Preregistration, Proposal, Run, Screening

if TYPE_CHECKING:
    import pandas

Rows = Iterator[dict[str, object]]


def runs(ledger: Ledger) -> Rows:
    """One row a run, with its evaluation's metrics in columns of their own."""
    evaluations = {entry.record.run: entry.record for entry in ledger.entries(Evaluation)}
    for entry in ledger.entries(Run):
        run, evaluation = entry.record, evaluations.get(entry.id)
        yield {
            "id": entry.id, "at": entry.at, "variant": run.variant, "seed": run.seed, "purpose": run.purpose,
            "outcome": evaluation.outcome if evaluation else run.outcome, "wall_s": run.usage.wall_s,
            "cpu_s": run.usage.cpu_s, "peak_bytes": run.usage.peak_bytes, **(evaluation.metrics if evaluation else {}),
        }  # fmt: skip


def screenings(ledger: Ledger) -> Rows:
    """One row a screened proposal."""
    for entry in ledger.entries(Screening):
        proposal = ledger.get(entry.record.proposal, Proposal).record
        yield {
            "id": entry.id, "variant": entry.record.variant, "decision": entry.record.decision,
            "gain": entry.record.gain, "reason": entry.record.reason, "proposer": proposal.proposer,
            "hypothesis": proposal.hypothesis,
        }  # fmt: skip


def pairs(ledger: Ledger) -> Rows:
    """One row a pair of every certificate."""
    for entry in ledger.entries(Certificate):
        for pair in entry.record.pairs:
            yield {"certificate": entry.id, **pair.model_dump()}


def certificates(ledger: Ledger) -> Rows:
    """One row a certificate."""
    for entry in ledger.entries(Certificate):
        plan = ledger.get(entry.record.preregistration, Preregistration).record
        columns = entry.record.model_dump(exclude={"pairs"})
        yield {"id": entry.id, "head": plan.head, "reference": plan.reference, "threshold": plan.threshold, **columns}


TABLES: dict[str, Callable[[Ledger], Rows]] = {
    "runs": runs, "screenings": screenings, "pairs": pairs, "certificates": certificates,
}  # fmt: skip


def frame(ledger: Ledger, what: str) -> pandas.DataFrame:
    """The table `what` as a data frame, indexed by id where rows have one. Raises ConfigError."""
    if what not in TABLES:
        raise ConfigError(f"there is no table '{what}'.{did_you_mean(what, TABLES)}", "study.frame('runs')")
    try:
        import pandas
    except ImportError as error:
        raise ConfigError("data frames need pandas", "pip install 'pawl-ai[frames]'") from error
    found = pandas.DataFrame(list(TABLES[what](ledger)))
    return found.set_index("id") if "id" in found else found
