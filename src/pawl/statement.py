"""The text that a person reads and signs: the whole case, with the digest of every byte that it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pawl.envelope import sha256
from pawl.hostile import one_line, printable
from pawl.ledger import Entry
from pawl.records import Certificate, Preregistration, Proposal, Run, Study, Variant, Verdict

RULE = "-" * 100
LONGEST = 400
"""Characters of a row: a stranger's words shall not bury the rest."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about. `released` is the run whose artifacts would go out; `changes` are the accepted
    proposals that lead from the reference to the variant, oldest first; `patch` is against the champion; `until` is
    when the offer ends (ISO 8601 UTC)."""

    study: Entry[Study]
    champion: Entry[Variant]
    reference: Entry[Variant]
    variant: Entry[Variant]
    plan: Entry[Preregistration]
    certificate: Entry[Certificate]
    verdict: Entry[Verdict]
    released: Entry[Run]
    changes: Sequence[Entry[Proposal]]
    patch: str
    sealed: str
    until: str


def number(value: float | None, digits: int = 4) -> str:
    """A measured number for people; `open` where an interval has no end."""
    return "open" if value is None else f"{value:.{digits}g}"


def gain_line(certificate: Certificate, study: Study) -> str:
    """`0.123 bits_per_byte better (median-unbiased estimate; 90% interval 0.08 to 0.17)`."""
    if certificate.estimate is None:
        return "not known: no pair has two scores"
    interval = f"{certificate.level:.0%} interval {number(certificate.low)} to {number(certificate.high)}"
    word = "better" if certificate.estimate > 0 else "worse"
    return f"{number(abs(certificate.estimate))} {study.metric} {word} (median-unbiased estimate; {interval})"


def render(subject: Subject) -> str:
    """The statement. Text from proposals is shown without control characters; digests cover the raw bytes."""
    name, before, after = subject.study.record.name, subject.champion.id, subject.variant.id
    lines = [
        f"PAWL DOSSIER: may {one_line(name)} move from variant {before} to variant {after}?",
        "",
        _row("decide by", subject.until),
        *_case(subject),
        "",
        "GATES",
        *(_row("pass" if f.passed else "REFUSE", f"{f.gate}: {f.reason}") for f in subject.verdict.record.findings),
        "",
        "CHANGES ACCEPTED ON THE WAY (not proven one by one; some may be passengers)",
        *(_row(f"#{entry.id}", f"{entry.record.proposer}: {entry.record.hypothesis}") for entry in subject.changes),
        "",
        "WHAT WOULD BE RELEASED",
        *_released(subject),
        "",
        f"THE PATCH, from the champion's commit {subject.champion.record.commit}",
        RULE,
        printable(subject.patch),
        RULE,
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, text: str) -> str:
    line = one_line(text)
    return f"  {name:11s} {line if len(line) <= LONGEST else line[:LONGEST] + ' ... (cut)'}"


def _case(subject: Subject) -> list[str]:
    """The evidence, a line each."""
    study, certificate, plan = subject.study.record, subject.certificate.record, subject.plan.record
    pairs, standing = len(certificate.pairs), "certified before and waiting"
    against = "the champion" if subject.reference.id == subject.champion.id else standing
    spread = (certificate.estimate or 0.0) / plan.scale if plan.scale else 0.0
    source = "SELF-REPORTED by the script under test" if study.self_reported else "measured on the sealed set"
    return [
        _row("gain", gain_line(certificate, study)),
        _row("", f"{spread:.1f} sd of a paired difference; against variant {subject.reference.id} ({against})"),
        _row("evidence", f"e-value {certificate.e_value:.4g}, threshold {plan.threshold:.4g}"),
        _row("", f"certificate {plan.step}, {plan.wins} won before; {pairs} pairs on fresh seeds fixed beforehand"),
        _row("", f"{plan.test} test; the estimate and its interval allow for its having stopped when it did"),
        _row("failures", f"{certificate.head_failures} of {pairs}; the reference's: {certificate.reference_failures}"),
        _row(
            "cost",
            f"{number(certificate.cpu_ratio, 3)} of the reference's CPU; this test took {certificate.cpu_s:.0f} CPU-s",
        ),
        _row("metric", f"{study.metric} ({study.direction}), {source}"),
        _row("isolation", _isolation(subject.released.record)),
    ]


def _released(subject: Subject) -> list[str]:
    """Every byte that would go out or that the case rests on, by digest."""
    run, verdict = subject.released, subject.verdict
    patch = sha256(subject.patch.encode())
    return [
        _row("commit", subject.variant.record.commit),
        _row("patch", f"sha256:{patch}"),
        _row("weights", f"of run {run.id}, seed {run.record.seed}: the median of the certificate, not the best"),
        *(_row("artifact", f"sha256:{a.digest}  {a.size} bytes  {a.name}") for a in run.record.artifacts),
        _row("environment", f"sha256:{subject.study.record.environment}"),
        _row("sealed set", f"sha256:{subject.sealed}" if subject.sealed else "none"),
        _row("policy", f"sha256:{verdict.record.policy}"),
        _row("evidence", f"certificate #{subject.certificate.id} sha256:{subject.certificate.digest}"),
        _row("verdict", f"#{verdict.id} sha256:{verdict.digest}"),
        _row("rollout", "at once: the champion moves, and the next run starts from it"),
    ]


def _isolation(run: Run) -> str:
    if not run.isolation.safe:
        return "NONE: runs were NOT isolated (unsafe)"
    return f"{run.isolation.sandbox} {run.isolation.version}: {', '.join(run.isolation.held)}"
