"""The ledger in words, for people: where a study stands, what an entry says, why something was decided."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pawl import answers, forecast, hardware, history, priors
from pawl.hostile import one_line
from pawl.ledger import Entry, Ledger
from pawl.loop import Budget, Loop
from pawl.measure import Activity
from pawl.records import (
    Approval,
    Certificate,
    CommonSeeds,
    Completion,
    Control,
    Dossier,
    Evaluation,
    Halt,
    Holdout,
    Noise,
    Opening,
    OpeningIntent,
    PolicyChange,
    PolicyInForce,
    Preregistration,
    Proposal,
    Question,
    Record,
    Reduced,
    Rejection,
    Release,
    Resume,
    Revocation,
    Run,
    Screening,
    Study,
    Variant,
    Verdict,
)
from pawl.statement import LONGEST, gain_line, number


@dataclass(frozen=True, slots=True)
class Progress:
    """What a running loop shows: `spent` is the used share of the budget, `best` the head with its noise band, `ahead`
    what its certificate, or the one under way, will likely take."""

    phase: str
    runs: int
    spent: float
    left: str
    best: str
    ahead: str
    waiting: str
    underway: Sequence[Activity]


def progress(ledger: Ledger, loop: Loop, budget: Budget) -> Progress:
    """A running loop, now."""
    runs = sum(entry.id > loop.first for entry in ledger.entries(Run))
    elapsed = time.monotonic() - loop.started
    shares = [elapsed / budget.seconds] if budget.seconds else []
    shares += [runs / budget.runs] if budget.runs else []
    left = [f"{max(budget.seconds - elapsed, 0):.0f} s left"] if budget.seconds else []
    left += [f"{max(budget.runs - runs, 0)} runs left"] if budget.runs else []
    underway = tuple(loop.search.measure.underway.values())
    purposes = {activity.purpose for activity in underway}
    phase = "certify" if "certify" in purposes else "noise" if "noise" in purposes else "search"
    waiting = history.read(ledger).standing
    said = f"dossier {waiting[-1].id} waits for a person" if waiting else ""
    share, rest = min(max(shares, default=0), 1), ", ".join(left)
    return Progress(phase, runs, share, rest, best(ledger), _ahead(ledger, loop), said, underway)


def _ahead(ledger: Ledger, loop: Loop) -> str:
    state, begun = history.read(ledger), history.uncertified(ledger)
    if begun:
        return f"certificate: {forecast.words(begun.record.forecast)}" if begun.record.forecast else ""
    if state.head == state.reference:
        return ""
    return f"next certificate: {forecast.words(loop.certify.forecast())}"


def best(ledger: Ledger) -> str:
    """The head's mean score beside the reference's, with the band that a change of seed alone makes."""
    standing, noise = history.read(ledger), ledger.last(Noise)
    if standing.study is None or noise is None:
        return "measuring the noise of the champion"
    metric, low = standing.study.record.metric, standing.study.record.direction == "minimize"
    scores = {id: _mean(ledger, id, metric, standing.since) for id in (standing.head, standing.reference)}
    head, reference = scores[standing.head], scores[standing.reference]
    if head is None or reference is None or standing.head == standing.reference:
        name = "the champion" if standing.reference == standing.champion else "certified, and waiting for a person"
        return f"{number(reference)} +- {2 * noise.record.sd:.2g} {metric}: {name}, so far unbeaten"
    gain = (reference - head) if low else (head - reference)
    said = f"{number(head)} +- {2 * noise.record.sd:.2g} {metric}, {gain:+.3g} beside the reference"
    return f"{said} (provisional, {standing.accepted} accepted)"


def _mean(ledger: Ledger, variant: int, metric: str, since: int) -> float | None:
    runs = {entry.id for entry in ledger.entries(Run) if entry.record.variant == variant and entry.id > since}
    found = [entry for entry in ledger.entries(Evaluation) if entry.record.run in runs]
    screened = ledger.find(Screening, variant=variant)
    if not found and screened:  # another variant ran for it, which is the same program
        found = [ledger.get(id, Evaluation) for id in screened.record.evaluations if id > since]
    scores = [entry.record.metrics[metric] for entry in found if entry.record.metrics]
    return fmean(scores) if scores else None


def standing(ledger: Ledger) -> dict[str, object]:
    """Where a study stands, by name."""
    state = history.read(ledger)
    screened = [e.record.decision for e in ledger.entries(Screening) if e.record.proposal not in state.nulls]
    found: dict[str, object] = {
        "study": state.study.record.name if state.study else "nothing has run yet",
        "champion": state.champion, "head": state.head, "runs": len(ledger.entries(Run)),
        "accepted": screened.count("accepted"), "refused": screened.count("refused"),
        "crashed": screened.count("crashed"), "nulls": len(state.nulls),
        "certificates": f"{state.wins} won of {state.steps}",
        "best": best(ledger), "waiting": [entry.id for entry in (*state.standing, *history.amendments(ledger))],
    }  # fmt: skip
    if state.study:
        found["hardware"] = hardware.one_line(state.study.record.hardware)
    if state.study and state.study.record.self_reported:
        found["metric"] = f"{state.study.record.metric} is SELF-REPORTED by the script under test"
    return found


def summary(ledger: Ledger, entry: Entry[Record]) -> str:
    """One line about an entry; what a stranger wrote in it cannot make it two."""
    line = one_line(_summary(ledger, entry))
    return line if len(line) <= LONGEST else line[:LONGEST] + " ... (cut)"


def _summary(ledger: Ledger, entry: Entry[Record]) -> str:
    record = entry.record
    return (
        answers.summary(ledger, record) or _tried(ledger, record) or _judged(ledger, entry) or _decided(ledger, entry)
    )


def _tried(ledger: Ledger, record: Record) -> str:
    match record:
        case Study() as study:
            return f"{study.name}: {study.direction} {study.metric}" + (
                " (self-reported)" if study.self_reported else ""
            )
        case Proposal() as proposal:
            return f"{proposal.proposer}: {proposal.hypothesis}"
        case Variant() as variant:
            return variant.problem or f"commit {variant.commit[:10]}"
        case Run() as run:
            spent = f"{run.usage.cpu_s:.2f} CPU-s, {run.usage.peak_bytes / 2**20:.0f} MiB"
            return f"variant {run.variant}, seed {run.seed}, {run.purpose}: {run.outcome} {run.reason} ({spent})"
        case Evaluation() as evaluation:
            metrics = ", ".join(f"{name} {value:.5g}" for name, value in evaluation.metrics.items())
            return f"run {evaluation.run}: {metrics or evaluation.outcome + ' ' + evaluation.reason}"
        case Noise() as noise:
            band = f"{noise.low:.3g} to {noise.high:.3g}"
            return f"one run's sd {noise.sd:.4g} ({band}), correlation {noise.correlation:.2f}"
        case CommonSeeds() as seeds:
            return f"{', '.join(map(str, seeds.seeds))}: {seeds.reason}"
        case Completion() as done:
            spent = f"{done.tokens_in} + {done.tokens_out} tokens, {done.wall_s:.1f} s"
            return f"{done.proposer} asked {done.model} ({done.purpose}): {done.outcome} {done.reason} ({spent})"
        case Screening() as screening:
            return f"{screening.decision}: {screening.reason}; {hypothesis(ledger, screening)}"
    return ""


def _judged(ledger: Ledger, entry: Entry[Record]) -> str:
    match entry.record:
        case Preregistration() as plan:
            likely = f", likely {plan.forecast.pairs} pairs" if plan.forecast else ""
            return f"variant {plan.head} against {plan.reference}, threshold {plan.threshold:.4g}{likely}"
        case Certificate() as certificate:
            return f"{certificate.outcome}: {certificate.reason}"
        case Control() as control:
            measures = ", ".join(f"{name} {value:.4g}" for name, value in control.measures.items())
            what = f"certificate {control.certificate}, variant {control.variant}, {control.kind}"
            return f"{what}: {measures or control.outcome + ' ' + control.reason}"
        case Verdict() as verdict:
            return (
                "passed"
                if verdict.passed
                else "refused by " + ", ".join(f.gate for f in verdict.findings if not f.passed)
            )
        case Dossier() as dossier:
            return f"variant {dossier.variant}: {decision_line(ledger, entry.id)}"
        case Holdout() as holdout:
            return f"sha256:{holdout.digest[:12]}, {holdout.rows} rows, by {holdout.by}: {holdout.reason}"
        case Opening() as opening:
            word = "better" if opening.better else "not better"
            return f"certificate {opening.certificate}: {word}, {_bar(opening)}"
        case OpeningIntent() as intent:
            asked = f"is run {intent.head} better than {intent.reference}"
            return f"certificate {intent.certificate}: {asked}, {_bar(intent)}?"
    return ""


def _decided(ledger: Ledger, entry: Entry[Record]) -> str:
    match entry.record:
        case Approval() | Rejection() as decision:
            return f"dossier {decision.dossier} by {decision.signature.approver}"
        case Release() as release:
            return f"variant {release.variant} is the champion"
        case PolicyChange() as change:
            return f"by {change.proposer}: {decision_line(ledger, entry.id)}"
        case PolicyInForce() as rules:
            return f"sha256:{rules.digest[:12]} " + (f"by change {rules.change}" if rules.change else "(the first)")
        case Revocation() as revoked:
            return f"by {revoked.by}: {revoked.reason}"
        case Halt() as halt:
            return f"by {halt.by}: {halt.reason}"
        case Resume() as resume:
            return f"halt {resume.halt} is over, says {resume.signature.approver}"
    return ""


def _bar(question: Question) -> str:
    """Which opening of the holdout, and how high its bar is."""
    turn = f"opening {question.number} of {question.of}"
    return f"by more than {question.threshold:.3g} standard errors on the holdout ({turn})"


def hypothesis(ledger: Ledger, screening: Screening) -> str:
    """What a screened proposal hoped for, on one line."""
    return one_line(ledger.get(screening.proposal, Proposal).record.hypothesis)


def decision_line(ledger: Ledger, dossier: int) -> str:
    """How a dossier stands with people."""
    settled = history.decision_on(ledger, dossier)
    if settled:
        return f"{type(settled.record).__name__.lower()} in entry {settled.id}"
    waiting = [*history.read(ledger).standing, *history.amendments(ledger)]
    if dossier not in {entry.id for entry in waiting}:
        return "no longer stands: what it was to replace is gone"
    signed = [e.record.signature.approver for e in ledger.entries(Approval) if e.record.dossier == dossier]
    return f"signed by {', '.join(signed)}; waits for more" if signed else "waits for a person"


def why(ledger: Ledger, id: int) -> list[str]:
    """The reasons behind an entry, each with the entry that it rests on."""
    entry = ledger.any(id)
    head = f"{type(entry.record).__name__.lower()} {id}: {summary(ledger, entry)}"
    match entry.record:
        case Screening() as screening:
            said = _earlier(ledger.get(screening.proposal, Proposal).record)
            return [head, *said, *(f"  {_score(ledger, number)}" for number in screening.evaluations)]
        case Proposal() as proposal:
            screened = ledger.find(Screening, proposal=id)
            waits = [*_earlier(proposal), "  it waits for its turn"]
            return [head, *(why(ledger, screened.id) if screened else waits)]
        case Variant() if not isinstance(entry.record, Reduced):
            screened = ledger.find(Screening, variant=id)
            return [head, *(why(ledger, screened.id) if screened else [])]
        case Certificate() as certificate:
            return [head, *_certificate(ledger, certificate)]
        case Control() as control:
            return [head, *why(ledger, control.certificate)]
        case Verdict() as verdict:
            findings = [
                f"  {'pass  ' if f.passed else 'REFUSE'} {f.gate}: {one_line(f.reason)}" for f in verdict.findings
            ]
            return [head, *findings, *why(ledger, verdict.certificate)]
        case Question() as question:
            return [head, *why(ledger, question.certificate)]
        case Dossier() as dossier:
            return [head, *why(ledger, dossier.verdict)]
        case Release() as release:
            return [head, *(f"  {_signed(ledger, n)}" for n in release.approvals), *why(ledger, release.dossier)]
        case Evaluation() as evaluation:
            return [head, *why(ledger, evaluation.run)]
        case Run() as run:
            return [head, *(f"  | {line}" for line in run.tail.splitlines()[-12:])]
    return [head, *answers.why(ledger, entry.record)]


def _certificate(ledger: Ledger, certificate: Certificate) -> list[str]:
    study, plan = history.study(ledger).record, history.plan_of(ledger, certificate)
    lines = [f"  variant {plan.head} against variant {plan.reference}: {gain_line(certificate, study)}"]
    if plan.forecast:
        came = f"{len(certificate.pairs)} pairs, {certificate.outcome}"
        lines.append(f"  forecast: {forecast.words(plan.forecast)}; it took {came}")
    for pair in certificate.pairs:
        scores = f"{number(pair.reference_score, 5)} -> {number(pair.head_score, 5)}"
        lines.append(f"  seed {pair.seed:<11d} {scores}   gain {number(pair.gain)}")
    return lines


def _earlier(proposal: Proposal) -> list[str]:
    """Which earlier study had a say in a proposal, if one had."""
    digest, said = priors.source_digest(proposal.settings), proposal.settings.get("earlier")
    known = proposal.settings.get("priors")
    if isinstance(known, list) and known:
        return [f"  {len(known)} earlier studies had a say in what was expected   (pawl priors)"]
    if not digest or not isinstance(said, dict):
        return []
    words = f"{said.get('name')}, similarity {said.get('similarity')}, sha256:{digest[:12]}"
    return [f"  an earlier study had a say: {one_line(words)[:200]}   (pawl priors)"]


def _score(ledger: Ledger, evaluation: int) -> str:
    record = ledger.get(evaluation, Evaluation).record
    run = ledger.get(record.run, Run).record
    metrics = ", ".join(f"{name} {value:.5g}" for name, value in record.metrics.items())
    return f"seed {run.seed}: {metrics or record.outcome + ': ' + one_line(record.reason)} (run {record.run})"


def _signed(ledger: Ledger, approval: int) -> str:
    record = ledger.get(approval, Approval).record
    return f"signed by {record.signature.approver} with {record.signature.key} (entry {approval})"


def signature(ledger: Ledger, record: Approval | Rejection | Resume) -> list[str]:
    """A signature in plain words: who, with what, for which purpose, over which bytes."""
    case = ledger.any(record.halt if isinstance(record, Resume) else record.dossier)
    signed, what = record.signature, type(case.record).__name__.lower()
    held = "in hardware, and touched for it" if signed.present else "nothing says that it is in hardware"
    return [
        f"{signed.approver} signed with the {signed.kind} key {signed.key} ({held}),",
        "for the purpose pawl-decision@v1 and no other (a signed commit or file is not one of these),",
        f"over the {len(record.request.encode())} bytes of `request`: the {what} in entry {case.id}, whole, and",
        f"the log's root {case.digest[:16]}... there, which stands for all {case.id} entries up to it.",
    ]
