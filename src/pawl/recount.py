"""The evidence done again, from the entries of an excerpt: noise, pairs, certificate, verdict; and the dossier, as a
person read it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, stdev

from pawl.certify import signed
from pawl.envelope import sha256
from pawl.errors import ConfigError, IntegrityError, NotAuthorized
from pawl.estimate import estimate
from pawl.evidence import paired_scale, threshold
from pawl.excerpt import Excerpt
from pawl.hostile import one_line, printable
from pawl.ledger import Entry
from pawl.policy import FILE, Policy
from pawl.records import (
    Artifact,
    Certificate,
    Dossier,
    Evaluation,
    Noise,
    Pair,
    PolicyInForce,
    Preregistration,
    Proposal,
    Release,
    Run,
    Screening,
    Study,
    Variant,
    Verdict,
)
from pawl.statement import LONGEST, RULE, gain_line
from pawl.tables import parse


def holds(true: bool, otherwise: str) -> None:
    """Raises IntegrityError, with these words, unless it is true."""
    if not true:
        raise IntegrityError(otherwise, "pawl export N   (ask for the bundle again)")


def rules(entry: Entry[PolicyInForce]) -> Policy:
    """The policy in an entry. Raises NotAuthorized if it could not be relied on even on its last day."""
    try:
        found = parse(entry.record.text.encode(), Path(FILE), Policy)
    except ConfigError as error:
        raise NotAuthorized(f"entry {entry.id} holds no policy: {error}") from error
    found.enforce(found.expires)
    return found


def policy_at(excerpt: Excerpt, id: int) -> Entry[PolicyInForce]:
    """The policy in force just before entry `id`."""
    found = excerpt.all(PolicyInForce, before=id)
    holds(bool(found), f"no policy was in force before entry {id}")
    return found[-1]


def close(a: float | None, b: float | None) -> bool:
    """Equal, but for the last digits, in which machines differ."""
    return a is not None and b is not None and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def near(a: float | None, b: float | None, scale: float) -> bool:
    """Equal to within what a bisection leaves open."""
    return a is not None and b is not None and abs(a - b) <= 1e-5 * scale


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a dossier rests on, done again. `released` is the run whose files would go out."""

    dossier: Entry[Dossier]
    verdict: Entry[Verdict]
    certificate: Entry[Certificate]
    plan: Entry[Preregistration]
    study: Entry[Study]
    released: Entry[Run]


def evidence(excerpt: Excerpt, dossier: Entry[Dossier]) -> Evidence:
    """The evidence behind a dossier. Raises IntegrityError where it does not follow from what was measured,
    NotAuthorized where it does and proves nothing."""
    verdict = excerpt.get(dossier.record.verdict, Verdict, "the dossier")
    certificate = excerpt.get(verdict.record.certificate, Certificate, "the verdict")
    plan = excerpt.get(certificate.record.preregistration, Preregistration, "the certificate")
    holds(plan.id < certificate.id < verdict.id < dossier.id, "evidence and dossier are not in order")
    studies = excerpt.all(Study, before=dossier.id)
    holds(bool(studies), "the bundle does not say what was studied")
    _noise(excerpt, plan, studies[-1].record.metric)
    runs = _pairs(excerpt, plan, certificate, studies[-1].record)
    _certificate(excerpt, plan, certificate, runs)
    if not (verdict.record.findings and all(f.passed for f in verdict.record.findings) and verdict.record.passed):
        raise NotAuthorized(f"verdict {verdict.id} did not pass", f"pawl why {verdict.id}")
    holds(verdict.record.policy == dossier.record.policy, "verdict and dossier are under two policies")
    scored = [(p.head_score, p.seed, n) for n, p in enumerate(certificate.record.pairs) if p.head_score is not None]
    released = runs[2 * sorted(scored)[len(scored) // 2][2] + 1]
    return Evidence(dossier, verdict, certificate, plan, studies[-1], released)


def _score(excerpt: Excerpt, id: int, variant: int, metric: str) -> tuple[float | None, Entry[Run]]:
    """What an evaluation measured, and the run of this variant that it measured."""
    evaluation = excerpt.get(id, Evaluation, "the evidence")
    run = excerpt.get(evaluation.record.run, Run, f"evaluation {id}")
    holds(run.id < id and run.record.variant == variant, f"evaluation {id} is not of a run of variant {variant}")
    return evaluation.record.metrics.get(metric), run


def _noise(excerpt: Excerpt, plan: Entry[Preregistration], metric: str) -> None:
    entry = excerpt.get(plan.record.noise, Noise, "the plan")
    noise = entry.record
    holds(entry.id < plan.id, "the noise was measured after the plan")
    scores = [_score(excerpt, id, noise.variant, metric)[0] for id in noise.evaluations]
    known = [score for score in scores if score is not None]
    holds(len(known) == len(scores) > 2 and close(stdev(known), noise.sd), f"the noise {noise.sd} does not follow")
    scale = paired_scale(noise.sd, noise.correlation) if noise.correlation < 1 else 0.0
    holds(close(scale, noise.scale) and noise.scale == plan.record.scale, "the scale of the bets does not follow")


def _pairs(
    excerpt: Excerpt, plan: Entry[Preregistration], certificate: Entry[Certificate], study: Study
) -> list[Entry[Run]]:
    """The runs of all pairs, reference and head in turn, each made for this plan and scored as measured."""
    pairs, runs = certificate.record.pairs, []
    holds(tuple(pair.seed for pair in pairs) == plan.record.seeds[: len(pairs)], "the seeds are not those planned")
    holds(len(set(plan.record.seeds)) == len(plan.record.seeds), "a seed was planned twice")
    for pair in pairs:
        reference = (pair.reference, plan.record.reference, pair.reference_score)
        for id, variant, claimed in (reference, (pair.head, plan.record.head, pair.head_score)):
            score, run = _score(excerpt, id, variant, study.metric)
            holds(plan.id < run.id < id < certificate.id, f"run {run.id} was not made for the certificate")
            holds(run.record.seed == pair.seed and score == claimed, f"the pair of seed {pair.seed} is not as measured")
            runs.append(run)
        _follows(pair, study, *runs[-2:])
    return runs


def _follows(pair: Pair, study: Study, reference: Entry[Run], head: Entry[Run]) -> None:
    gain = ratio = None
    if pair.reference_score is not None and pair.head_score is not None:
        gain = (-1 if study.direction == "minimize" else 1) * (pair.head_score - pair.reference_score)
        ratio = head.record.usage.cpu_s / max(reference.record.usage.cpu_s, 0.01)
    holds(pair.gain == gain and pair.cpu_ratio == ratio, f"the pair of seed {pair.seed} does not follow from its runs")


def _certificate(
    excerpt: Excerpt, plan: Entry[Preregistration], certificate: Entry[Certificate], runs: Sequence[Entry[Run]]
) -> None:
    said, planned = certificate.record, plan.record
    tables = [rules(policy_at(excerpt, entry.id)).certification for entry in (plan, certificate)]
    gains = [signed(pair) for pair in said.pairs]
    holds(planned.test == tables[0].test, "the test is not the policy's")
    tests = [table.betting(planned.test, planned.scale) for table in tables]
    values = [test.e_value(gains) for test in tests]
    holds(any(close(value, said.e_value) for value in values), "the e-value does not follow from the pairs")
    holds(planned.step > 0 and planned.wins >= 0, "the threshold does not follow")
    bar = threshold(planned.step, planned.wins, tables[0].alpha)
    holds(close(bar, planned.threshold), "the threshold does not follow")
    if said.outcome != "certified" or said.e_value < planned.threshold:
        raise NotAuthorized("the certificate was not won", f"pawl why {certificate.id}")
    earlier = [e.record.outcome for e in excerpt.all(Certificate, before=plan.id) if e.record.outcome != "no-noise"]
    counted = (earlier.count("certified"), len(earlier) + 1)
    holds(counted[0] >= planned.wins and counted[1] <= planned.step, "the threshold counts other certificates")
    holds(not excerpt.whole or counted == (planned.wins, planned.step), "the threshold miscounts certificates")
    ratios = [pair.cpu_ratio for pair in said.pairs if pair.cpu_ratio is not None]
    stops = [table.stop(planned.threshold) for table in tables]
    guesses = [estimate(gains, test, stop) for test, stop in zip(tests, stops, strict=True)]
    follows = any(near(guess, said.estimate, planned.scale) for guess in guesses)
    holds(follows, "the estimate does not follow")
    ranges = [test.interval(gains, table.level) for test, table in zip(tests, tables, strict=True)]
    holds(any(_same(found, said, planned.scale) for found in ranges), "the interval does not follow")
    holds(any(table.level == said.level for table in tables), "the interval does not follow")
    holds(close(median(ratios), said.cpu_ratio), "the cost does not follow")
    holds(close(math.fsum(run.record.usage.cpu_s for run in runs), said.cpu_s), "the cost does not follow")
    failures = [sum(pair.reference_score is None for pair in said.pairs), sum(p.head_score is None for p in said.pairs)]
    holds(failures == [said.reference_failures, said.head_failures], "the failures do not follow")


def _same(interval: tuple[float | None, float | None], said: Certificate, scale: float) -> bool:
    """Whether both ends are open, or where the certificate says."""
    ends = zip(interval, (said.low, said.high), strict=True)
    return all(a is b is None or near(a, b, max(scale, 1e-12)) for a, b in ends)


@dataclass(frozen=True, slots=True)
class Move:
    """From which champion to which variant, by which accepted proposals, oldest first."""

    champion: Entry[Variant]
    variant: Entry[Variant]
    changes: Sequence[Entry[Proposal]]


def move(excerpt: Excerpt, case: Evidence) -> Move:
    """What a dossier would do. Raises IntegrityError if it is not what its evidence is about."""
    dossier, plan = case.dossier.record, case.plan.record
    holds((dossier.variant, dossier.reference) == (plan.head, plan.reference), "dossier and evidence differ")
    baselines = [entry for entry in excerpt.all(Variant) if entry.record.proposal is None]
    holds(len(baselines) == 1, "the bundle does not have the one variant that nobody proposed")
    releases = excerpt.all(Release, before=case.dossier.id)
    champion = excerpt.get(releases[-1].record.variant if releases else baselines[0].id, Variant, "the dossier")
    variant = excerpt.get(dossier.variant, Variant, "the dossier")
    screened = [entry.record for entry in excerpt.all(Screening, before=case.plan.id)]
    accepted = {screening.variant for screening in screened if screening.decision == "accepted"}
    changes: list[Entry[Proposal]] = []
    at = variant
    while at.id != champion.id:
        if at.record.proposal is None or at.id not in accepted:
            raise IntegrityError(f"variant {at.id} was never accepted, or the champion is not behind it")
        proposal = excerpt.get(at.record.proposal, Proposal, f"variant {at.id}")
        parent = excerpt.get(proposal.record.parent, Variant, f"proposal {proposal.id}")
        holds(parent.id < proposal.id < at.id, "the lineage is not in order")
        holds(at.record.parent == parent.record.commit and not at.record.problem, f"variant {at.id} is not as proposed")
        changes, at = [proposal, *changes], parent
    proposers = tuple(sorted({change.record.proposer for change in changes}))
    holds(dossier.proposers == proposers, "the dossier does not name those who proposed it")
    return Move(champion, variant, changes)


def patch(case: Evidence, files: Mapping[str, bytes]) -> str:
    """The dossier's patch. Raises IntegrityError unless the files are the dossier's, and perhaps the released run's."""
    attached = {artifact.name: artifact for artifact in case.dossier.record.attachments}
    once = len(attached) == len(case.dossier.record.attachments)
    holds("patch.diff" in attached and once, "the dossier has no one patch")
    wanted = {artifact.digest: artifact.size for artifact in attached.values()}
    known = {artifact.digest: artifact.size for artifact in case.released.record.artifacts} | wanted
    holds(wanted.keys() <= files.keys() <= known.keys(), "files are missing, or too many")
    holds(all(len(content) == known[digest] for digest, content in files.items()), "a file's size does not follow")
    try:
        return files[attached["patch.diff"].digest].decode()
    except UnicodeDecodeError as error:
        raise IntegrityError(f"the patch is not text: {error}") from error


def statement(excerpt: Excerpt, case: Evidence, moved: Move, diff: str) -> None:
    """Raises IntegrityError unless what a person read says what the entries say: first lines, evidence, gates, changes,
    digests and patch. The rest of it is the judge's words, and under the same signature."""
    text, said = case.dossier.record.statement, case.certificate.record
    since = [change for change in moved.changes if change.id > case.dossier.record.reference]
    name, before, after = case.study.record.name, moved.champion.id, moved.variant.id
    head = f"PAWL DOSSIER: may {one_line(name)} move from variant {before} to variant {after}?\n\n" + _rows(
        ("decide by", case.dossier.record.until), ("gain", gain_line(said, case.study.record))
    )
    middle = "\nGATES\n" + _rows(*(("pass", f"{f.gate}: {f.reason}") for f in case.verdict.record.findings))
    middle += "\nCHANGES ACCEPTED ON THE WAY (not proven one by one; some may be passengers)\n"
    middle += _rows(*((f"#{entry.id}", f"{entry.record.proposer}: {entry.record.hypothesis}") for entry in since))
    middle += "\nWHAT WOULD BE RELEASED\n" + _digests(excerpt, case, moved.variant, diff)
    commit = moved.champion.record.commit
    tail = f"\nTHE PATCH, from the champion's commit {commit}\n{RULE}\n{printable(diff)}\n{RULE}\n"
    evidence = ("evidence", f"e-value {said.e_value:.4g}, threshold {case.plan.record.threshold:.4g}")
    above, found, below = text.partition(middle)
    holds(above.startswith(head), "what people read begins otherwise than the entries say")
    holds(bool(found) and _rows(evidence) in above, "what people read is not what the entries say")
    holds(below.endswith(tail), "the patch that people read is not the patch in the bundle")


def _digests(excerpt: Excerpt, case: Evidence, variant: Entry[Variant], diff: str) -> str:
    run, said = case.released, case.certificate
    sealed = excerpt.get(said.record.pairs[0].head, Evaluation, "the certificate").record.sealed
    return _rows(
        ("commit", variant.record.commit),
        ("patch", f"sha256:{sha256(diff.encode())}"),
        ("weights", f"of run {run.id}, seed {run.record.seed}: the median of the certificate, not the best"),
        *(("artifact", _named(artifact)) for artifact in run.record.artifacts),
        ("environment", f"sha256:{case.study.record.environment}"),
        ("sealed set", f"sha256:{sealed}" if sealed else "none"),
        ("policy", f"sha256:{case.verdict.record.policy}"),
        ("evidence", f"certificate #{said.id} sha256:{excerpt.root(said.id)}"),
        ("verdict", f"#{case.verdict.id} sha256:{excerpt.root(case.verdict.id)}"),
    )


def _named(artifact: Artifact) -> str:
    return f"sha256:{artifact.digest}  {artifact.size} bytes  {artifact.name}"


def _rows(*rows: tuple[str, str]) -> str:
    """Rows as a statement has them."""
    lines = [(name, one_line(text)) for name, text in rows]
    return "".join(
        f"  {name:11s} {line if len(line) <= LONGEST else line[:LONGEST] + ' ... (cut)'}\n" for name, line in lines
    )
