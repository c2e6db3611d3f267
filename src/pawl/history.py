"""What the ledger says now: the champion, the head, what is pending. Pure reading; state is nowhere else.

A certificate's reference is the last certified variant that still stands, else the champion: while dossiers wait
for people the loop goes on, and each new dossier has to be better than the one before (docs/decisions/0002).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.records import (
    CALIBRATION,
    Certificate,
    CommonSeeds,
    Dossier,
    Evaluation,
    PolicyChange,
    PolicyInForce,
    Preregistration,
    Proposal,
    Record,
    Reduced,
    Rejection,
    Release,
    Run,
    Screening,
    Study,
    Variant,
    Verdict,
)


def unproven(verdict: Verdict) -> bool:
    """Whether a case failed for its holdout alone."""
    return {finding.gate for finding in verdict.findings if not finding.passed} == {"holdout"}


@dataclass(slots=True)
class Standing:
    """The fold of a ledger. `since` is the id from which on runs are comparable; `standing` are the dossiers that
    neither a person nor a later release has settled; `accepted` and `dry` count screenings since the head last
    started over and since the common seeds were last drawn or something was accepted; `nulls` are the proposals of
    calibration, which count for neither, and a refusal that took no run is no news."""

    study: Entry[Study] | None = None
    since: int = 0
    champion: int = 0
    head: int = 0
    standing: list[Entry[Dossier]] = field(default_factory=list)
    common: Entry[CommonSeeds] | None = None
    accepted: int = 0
    dry: int = 0
    steps: int = 0
    wins: int = 0
    nulls: set[int] = field(default_factory=set)

    @property
    def reference(self) -> int:
        """The variant that the next certificate is against."""
        return self.standing[-1].record.variant if self.standing else self.champion

    def start_over(self) -> None:
        self.head, self.accepted, self.dry = self.reference, 0, 0

    def apply(self, entry: Entry[Record]) -> None:
        match entry.record:
            case Study() as study:
                if self.study is None or study.comparable != self.study.record.comparable:
                    self.since, self.common, self.standing = entry.id, None, []
                    self.start_over()
                elif study.hardware != self.study.record.hardware:
                    self.since, self.common, self.dry = entry.id, None, 0  # runs elsewhere; what was won stays won
                self.study = Entry(entry.id, entry.at, entry.digest, study)
            case Reduced():
                pass  # a question about a certified head, and no step of the loop
            case Variant(proposal=None):
                self.champion = self.head = entry.id
            case Proposal(proposer=proposer) if proposer == CALIBRATION:
                self.nulls.add(entry.id)
            case CommonSeeds() as seeds:
                self.common, self.dry = Entry(entry.id, entry.at, entry.digest, seeds), 0
            case Screening() as screening:
                self._screened(screening)
            case Certificate() as certificate:
                self.steps += certificate.outcome != "no-noise"
                self.wins += certificate.outcome == "certified"
            case Verdict(passed=False) as verdict:
                self._refused(verdict)
            case Dossier() as dossier:
                if self.standing and self.standing[-1].record.variant == dossier.variant:
                    self.standing.pop()  # the same case, judged again under another policy
                self.standing.append(Entry(entry.id, entry.at, entry.digest, dossier))
                self.start_over()
            case Rejection() as rejection:
                self._rejected(rejection.dossier)
            case Release() as release:
                self.champion = release.variant
                self.standing = [dossier for dossier in self.standing if dossier.id > release.dossier]

    def _screened(self, screening: Screening) -> None:
        if screening.proposal in self.nulls:
            return
        if screening.decision == "accepted":
            self.head, self.accepted, self.dry = screening.variant, self.accepted + 1, 0
        elif not screening.same_as:
            self.dry += 1

    def _refused(self, verdict: Verdict) -> None:
        """Where nothing but the holdout said no, the gain is real and too small to show there: the head goes on from
        where it is, and is asked about again only when it is expected to be a good deal better."""
        if unproven(verdict):
            self.accepted = self.dry = 0
        else:
            self.start_over()

    def _rejected(self, dossier: int) -> None:
        """A rejected dossier takes along those that were certified against it."""
        kept = [entry for entry in self.standing if entry.id < dossier]
        if len(kept) < len(self.standing):
            self.standing = kept
            self.start_over()


_FOLDED: WeakKeyDictionary[Ledger, tuple[Standing, int]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def read(ledger: Ledger) -> Standing:
    """Fold the whole ledger; what was folded before is kept, so that only what is new is read again."""
    with _LOCK:
        state, seen = _FOLDED.get(ledger, (Standing(), 0))
        for entry in ledger.after(seen):
            state.apply(entry)
            seen = entry.id
        _FOLDED[ledger] = (state, seen)
        return replace(state, standing=list(state.standing), nulls=set(state.nulls))


def champion_before(ledger: Ledger, id: int) -> int:
    """The variant that was the champion when entry `id` was written."""
    releases = [entry.record.variant for entry in ledger.entries(Release) if entry.id < id]
    baselines = [entry.id for entry in ledger.entries(Variant) if entry.id < id and entry.record.proposal is None]
    return (releases or baselines)[-1]


def study(ledger: Ledger) -> Entry[Study]:
    """The study as last opened. Raises ConfigError for a ledger in which nothing ran yet."""
    found = ledger.last(Study)
    if found is None:
        raise ConfigError("nothing has run in this study yet", "pawl run")
    return found


def head(ledger: Ledger) -> Entry[Variant]:
    """The working best inside the loop."""
    return ledger.get(read(ledger).head, Variant)


def unscreened(ledger: Ledger) -> list[Entry[Proposal]]:
    """Proposals that wait for their turn to end, oldest first."""
    done = {entry.record.proposal for entry in ledger.entries(Screening)}
    return [entry for entry in ledger.entries(Proposal) if entry.id not in done]


def uncertified(ledger: Ledger) -> Entry[Preregistration] | None:
    """A certificate that was begun and not ended."""
    last = ledger.last(Preregistration)
    return last if last and ledger.find(Certificate, preregistration=last.id) is None else None


def unjudged(ledger: Ledger) -> list[Entry[Certificate]]:
    """Certificates without a verdict, or whose passing verdict has no dossier yet."""
    settled = {entry.record.verdict for entry in ledger.entries(Dossier)}
    judged = {
        verdict.record.certificate
        for verdict in ledger.entries(Verdict)
        if not verdict.record.passed or verdict.id in settled
    }
    return [entry for entry in ledger.entries(Certificate) if entry.id not in judged]


def run_of(ledger: Ledger, variant: int, seed: int, since: int) -> Entry[Run] | None:
    """The comparable run of a variant on a seed, if there is one."""
    run = ledger.find(Run, variant=variant, seed=seed)
    return run if run and run.id > since else None


def decision_on(ledger: Ledger, case: int) -> Entry[Rejection] | Entry[Release] | Entry[PolicyInForce] | None:
    """How people settled a dossier or a policy change, or None while it waits."""
    return (
        ledger.find(Rejection, dossier=case) or ledger.find(Release, dossier=case)
        or ledger.find(PolicyInForce, change=case)
    )  # fmt: skip


def amendments(ledger: Ledger) -> list[Entry[PolicyChange]]:
    """Policy changes that wait for people, oldest first: those that would replace the policy in force."""
    rules = ledger.last(PolicyInForce)
    return [
        entry for entry in ledger.entries(PolicyChange)
        if rules and entry.record.previous == rules.record.digest and decision_on(ledger, entry.id) is None
    ]  # fmt: skip


def plan_of(ledger: Ledger, certificate: Certificate) -> Preregistration:
    """What a certificate was to test."""
    return ledger.get(certificate.preregistration, Preregistration).record


def released_run(ledger: Ledger, release: Entry[Release]) -> Run:
    """The run whose artifacts a release sends out: that of the certificate's median pair, as the dossier said."""
    verdict = ledger.get(ledger.get(release.record.dossier, Dossier).record.verdict, Verdict)
    return median_run(ledger, ledger.get(verdict.record.certificate, Certificate).record).record


def median_run(ledger: Ledger, certificate: Certificate) -> Entry[Run]:
    """The head's run with the median score: the best one would be a lucky seed."""
    done = [pair for pair in certificate.pairs if pair.head_score is not None]
    pair = sorted(done, key=lambda pair: (pair.head_score, pair.seed))[len(done) // 2]
    return ledger.get(ledger.get(pair.head, Evaluation).record.run, Run)
