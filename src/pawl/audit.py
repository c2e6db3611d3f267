"""What a bundle proves to somebody who has nothing else: a list of sentences, and a verdict. No study, no ledger.

What is believed comes from outside of the bundle: the log's key, and the policy or the people who may approve. A
bundle alone only agrees with itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pawl import heldout, recount
from pawl.bundle import Bundle, Case, Decision, Subject, read
from pawl.checkpoint import PublicKey
from pawl.errors import IntegrityError, NotAuthorized
from pawl.excerpt import Excerpt, cosigned, excerpt
from pawl.hostile import one_line
from pawl.people import People
from pawl.protocols import Signer
from pawl.records import Dossier, Halt, Revocation
from pawl.recount import Evidence, Move, holds

P = 2**255 - 19
WEAK = {
    0, 1, P - 1,
    2707385501144840649318225287225658788936804267575313519463743609750303402022,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
}  # fmt: skip
"""The y of the points of small order: with such a key everybody can sign."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the auditor knows from elsewhere. None means: not known. `signers` are (name, key type, key);
    `witnesses` of the `witness` keys must have cosigned (None: all); `whole`: every entry must be there."""

    log: PublicKey | None = None
    policy: str | None = None
    signers: frozenset[tuple[str, ...]] | None = None
    witness: Sequence[PublicKey] = ()
    witnesses: int | None = None
    whole: bool = False

    @property
    def enough(self) -> bool:
        """Whether a bundle can be held against something that is not in it."""
        return self.log is not None and (self.policy is not None or self.signers is not None)

    def sound(self) -> None:
        """Raises NotAuthorized if a key is of a kind with which everybody could sign."""
        for key in [*([self.log] if self.log else []), *self.witness]:
            must_be_strong(key)


def must_be_strong(key: PublicKey) -> None:
    """Raises NotAuthorized for an Ed25519 key of small order, or one that could be written otherwise."""
    y = int.from_bytes(key.key, "little") & (2**255 - 1)
    if y >= P or y in WEAK:
        raise NotAuthorized(f"the key of {key.name} is one with which everybody can sign", "pawl ledger key")


@dataclass(slots=True)
class Report:
    """What was found, a sentence each, in order; and what became of the dossier."""

    anchored: bool
    findings: list[str] = field(default_factory=list)
    decision: Decision = "undecided"
    case: Case | None = None

    def must_hold(self, self_consistent_only: bool = False) -> None:
        """Raises NotAuthorized unless a release was proven by what the auditor gave."""
        if not self.anchored and not self_consistent_only:
            raise NotAuthorized(
                "the bundle agrees with itself, and that is all that was checked",
                "pawl verify FILE --log-key VKEY --policy-digest HEX   (or --signers FILE), from whom you trust",
            )
        if self.decision != "released":
            raise NotAuthorized(f"the dossier is {self.decision}: nobody may use it", "pawl review N")


def audit(raw: bytes, anchors: Anchors, signer: Signer, report: Report | None = None) -> Report:
    """Check a bundle. Raises IntegrityError where it is not what was written or contradicts itself, NotAuthorized
    where people did not sign as the policy demands. A report says what holds; `must_hold`, whether it is enough.
    One that is handed in has, after an error, what held until then."""
    try:
        return _audit(raw, anchors, signer, report or Report(anchors.enough))
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise IntegrityError(f"the bundle is not made as one is: {error!r}", "pawl export N") from error


def _audit(raw: bytes, anchors: Anchors, signer: Signer, report: Report) -> Report:
    anchors.sound()
    bundle, key = read(raw, anchors.log)
    must_be_strong(key)
    part = excerpt(bundle, key)
    _say_log(report, part, key, anchors, bundle)
    if anchors.whole and not part.whole:
        raise NotAuthorized("the bundle does not have every entry of the log", "pawl export N --whole")
    people = People(part, signer, anchors.signers)
    report.findings.append(people.policies())
    dossier = part.get(bundle.history.dossier, Dossier, "the bundle")
    case = recount.evidence(part, dossier)
    holds(bundle.history.files == tuple(sorted(bundle.files)), "the bundle does not have the files that it names")
    diff, moved = recount.patch(case, bundle.files), recount.move(part, case)
    recount.statement(part, case, moved, diff)
    _say_case(report, case, moved)
    report.findings += heldout.answered(part, case)
    decided = people.decision(case, anchors.policy, report.findings)
    people.champion(dossier, report.findings)
    report.decision, report.case = decided.decision, bundle.case
    found = Case(
        decision=decided.decision, dossier=dossier.id, entry=decided.entry, log=key.name, people=decided.people,
        policy={"sha256": dossier.record.policy}, study=case.study.record.name,
    )  # fmt: skip
    holds(bundle.case == found and bundle.subjects == _subjects(case, moved), "the case is not what the entries say")
    _say_rest(report, part, case, bundle)
    return report


def _say_log(report: Report, part: Excerpt, key: PublicKey, anchors: Anchors, bundle: Bundle) -> None:
    names, dossier = cosigned(part.note, anchors.witness, anchors.witnesses), bundle.history.dossier
    whose = "the key that you gave" if anchors.log else "the key IN THE FILE"
    early = sum(entry.id <= dossier for entry in part.entries)
    report.findings += [
        f"The file is in its one form, and both statements are signed by {key.name}+{key.id.hex()}: {whose}.",
        f"The log had {part.note.size} entries; that checkpoint is signed by the same key, "
        + (f"and cosigned by {', '.join(names)}." if names else "and you asked for no witness."),
        f"{early} entries are in the log that dossier {dossier} ends (root {part.root(dossier)[:12]}), "
        f"{len(part.entries) - early} later ones under the checkpoint.",
        "Nothing is left out: every entry of the log is in the file." if part.whole else
        "The file has only entries that bear on this dossier. That no other does (a revocation, say), the log's holder "
        "says; `pawl export --whole` shows.",
    ]  # fmt: skip


def _say_case(report: Report, case: Evidence, moved: Move) -> None:
    said, findings = case.certificate.record, case.verdict.record.findings
    before, after = (f"variant {one.id} (commit {one.record.commit[:12]})" for one in (moved.champion, moved.variant))
    report.findings += [
        f"Certificate {case.certificate.id}, done again from {len(said.pairs)} pairs on seeds fixed beforehand (entry "
        f"{case.plan.id}): e-value {said.e_value:.4g}, threshold {case.plan.record.threshold:.4g}.",
        f"Verdict {case.verdict.id}: all {len(findings)} gates passed ({', '.join(one.gate for one in findings)}).",
        f"Dossier {case.dossier.id}: from {before} to {after} by {len(moved.changes)} accepted changes of "
        f"{', '.join(case.dossier.record.proposers) or 'nobody'}; what people read says what the entries say; the "
        "patch is in the file.",
    ]  # fmt: skip


def _say_rest(report: Report, part: Excerpt, case: Evidence, bundle: Bundle) -> None:
    """What was revoked or halted, and which files are here."""
    for entry in part.all(Revocation):
        report.findings.append(f"Entry {entry.id}, {entry.at}: keys were revoked: {one_line(entry.record.reason)}")
    for halt in part.all(Halt):
        report.findings.append(f"Entry {halt.id}, {halt.at}: the study was halted: {one_line(halt.record.reason)}")
    artifacts = case.released.record.artifacts
    have = sum(artifact.digest in bundle.files for artifact in artifacts)
    report.findings.append(
        f"The released files are those of run {case.released.id}; {have} of {len(artifacts)} are in the file, the "
        "others by digest."
    )  # fmt: skip


def _subjects(case: Evidence, moved: Move) -> tuple[Subject, ...]:
    run = case.released
    files = [(file.name, file.digest) for file in case.dossier.record.attachments]
    files += [(f"run-{run.id}/{file.name}", file.digest) for file in run.record.artifacts]
    commit = Subject(name="commit", digest={"gitCommit": moved.variant.record.commit})
    return (commit, *(Subject(name=name, digest={"sha256": digest}) for name, digest in files))
