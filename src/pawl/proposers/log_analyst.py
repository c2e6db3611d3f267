"""Reads logs as an experienced colleague would, by plain rules: what ails the head's training, and what might help.

Each suggestion of the rules is a constant of the head moved one step, with the reason; what a patch cannot do (an
ablation, a comparison of releases, more memory) is said to people by `pawl suggest`. Where a language model is named,
it is shown the curves and the failures once the rules have nothing more to say, and what it suggests is tried too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from pydantic import JsonValue

from pawl import attempts, history
from pawl.attempts import Attempt
from pawl.errors import ConfigError, IntegrityError
from pawl.ladder import seen
from pawl.ledger import Entry, Ledger
from pawl.proposers import training_log
from pawl.proposers.analysis import TAKES_BACK, Analysis
from pawl.proposers.constants import exchange, numbers
from pawl.proposers.editing import Editing
from pawl.proposers.remedies import Ail, changes
from pawl.proposers.second_reader import SecondReader
from pawl.proposers.speaking import Speaking
from pawl.proposers.training_log import Curves
from pawl.protocols import Brief, Sources, Suggestion
from pawl.records import AblationPlan, Certificate, Evaluation, Noise, Proposal, RegressionPlan, Release, Run, Variant

RUNS = 3
"""Runs of the head that are read, the newest: seeds differ, and most of them must show an ail."""
GAP = 1.5
"""The ratio of validation loss to training loss from which on a model that fits its training data too closely is the
likely cause. Where a loss is a log-loss, the same model is then half as sure again of what it saw in training."""
ROOM = 0.8
"""The share of the reference's CPU below which the head has room to grow: the guard allows more than the whole."""
WAITING = 0.5
"""CPU over wall clock below which a run mostly waits."""
RECENT = 20
"""Ideas whose failures are counted, the newest."""
OFTEN = 0.25
"""The share of them that must fail in one way to be worth a remark."""
FAILURES = {
    "out-of-memory": "ran out of memory: propose smaller models or batches, or raise [train.limits] memory",
    "timed-out": "ran out of time: propose cheaper changes, or raise [train.limits] wall and cpu",
    "not-built": "did not apply to the head: whoever makes them sees other files",
    "crashed": "crashed: `pawl notebook` has the ends of their logs",
}


@dataclass(frozen=True)
class LogAnalyst(Speaking):
    """Proposes what training logs suggest, each once for a head. It reads the newest runs of the head: divergence,
    training that ends too early, over-fitting, a plateau, time spent waiting, cost left unused.

    Where `model` is named, that is asked too, with the settings and limits of the proposer `llm`: once for a head, and
    again after every 20 ideas on it."""

    sources: Sources
    space: Mapping[str, Mapping[str, JsonValue]]
    brief: Brief
    ladder: float
    modules: frozenset[str]

    def __post_init__(self) -> None:
        if self.model:
            self.must_be_sound()
        elif self.endpoint or self.key_env or self.options:
            raise ConfigError(f"the proposer {self.name!r} names no model", 'add model = "..." to its [[proposer]]')

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal | None:
        """What nobody tried on this head yet, of the rules first. Raises Interrupted once it shall stop."""
        on_head = [entry.record for entry in ledger.entries(Proposal) if entry.record.parent == head.id]
        tried = {proposal.patch for proposal in on_head}
        known = {proposal.settings.get("suggestion") for proposal in on_head}
        for told, found in self._all(head, ledger):
            if found.patch and found.patch not in tried and found.key not in known:
                return Proposal(
                    parent=head.id, patch=found.patch, hypothesis=f"{found.what}: {found.reason}", proposer=self.name,
                    settings={**told, "suggestion": found.key},
                )  # fmt: skip
        return None

    def _all(self, head: Entry[Variant], ledger: Ledger) -> Iterator[tuple[dict[str, JsonValue], Suggestion]]:
        """Suggestions, with what their proposals tell besides; the model is asked only when all others were tried."""
        for one in self._by_rules(head, ledger):
            yield {}, one
        if self.model:
            told, found = self._second(head, ledger).ask()
            for one in found:
                takes_back = one.key.startswith(TAKES_BACK) and {"takes_back": one.key.removeprefix(TAKES_BACK)}
                yield {**told, **(takes_back or {})}, one

    def suggest(self, head: Entry[Variant], ledger: Ledger) -> Sequence[Suggestion]:
        """All of it, the most urgent first: patches, then what only people can do. The model is not asked: what it said
        already is there."""
        said = self._second(head, ledger).said()[1] if self.model else []
        return [*self._by_rules(head, ledger), *said, *self._advice(ledger)]

    def _by_rules(self, head: Entry[Variant], ledger: Ledger) -> Sequence[Suggestion]:
        found: dict[str, Suggestion] = {}
        for ail, reason in self._ails(_runs(head, ledger), head, ledger):
            for one in self._remedies(ail, reason, head):
                found.setdefault(one.key, one)
        return list(found.values())

    def _second(self, head: Entry[Variant], ledger: Ledger) -> SecondReader:
        """The model, with what it is shown."""
        runs, done = _runs(head, ledger), attempts.read(ledger, self.ladder)
        editing = Editing(self.sources, head, ledger, self.sources.read(head.record), done, self.modules)
        analysis = Analysis(editing, self.brief, self.model, self.ladder > 0)
        ails = [f"{ail}: {reason}" for ail, reason in self._ails(runs, head, ledger)]
        return SecondReader(self, analysis, [(run, self._curves(run.record)) for run in runs], ails)

    def _ails(self, runs: Sequence[Entry[Run]], head: Entry[Variant], ledger: Ledger) -> Iterator[tuple[Ail, str]]:
        """What ails the head, with the evidence in words."""
        found = [self._curves(run.record) for run in runs]
        signs: list[tuple[Ail, list[str]]] = [
            ("divergence", [training_log.diverged(one.training) for one in found]),
            ("over-fitting", [training_log.overfits(one) for one in found]),
            ("under-training", [training_log.still_falling(one.training) for one in found]),
            ("plateau", [training_log.flat(one.training) for one in found]),
        ]
        for ail, words in signs:
            shown = [text for text in words if text]
            if 2 * len(shown) > len(found):
                yield ail, f"{shown[-1]} ({len(shown)} of {len(found)} runs)"
        gap = self._gap(runs, head, ledger)
        if gap:
            yield "over-fitting", gap
        yield from _costs(runs, ledger)

    def _curves(self, run: Run) -> Curves:
        try:
            return training_log.curves(self.artifacts.get(run.log))
        except IntegrityError:  # a log may be cleared away, and nothing rests on it
            return Curves()

    def _gap(self, runs: Sequence[Entry[Run]], head: Entry[Variant], ledger: Ledger) -> str:
        """How far the measured loss lies above the same loss in training, where the program says the latter as
        `train_METRIC`; empty where it does not, or is near."""
        claimed = [run.record.summary.get(f"train_{self.brief.metric}") for run in runs]
        trained = [value for value in claimed if value is not None and value > 0]
        score = self._score(head, ledger)
        if self.brief.direction != "minimize" or not trained or score is None or score <= GAP * fmean(trained):
            return ""
        return f"{self.brief.metric} is {score:.4g} on validation and {fmean(trained):.4g} in training"

    def _score(self, head: Entry[Variant], ledger: Ledger) -> float | None:
        """The head's score, as the Ladder tells it; for the variant whose noise was measured first, where it began."""
        noise = next((entry.record for entry in ledger.entries(Noise) if entry.id > _since(ledger)), None)
        if noise and noise.variant == head.id:
            done = [ledger.get(id, Evaluation).record.metrics for id in noise.evaluations]
            return fmean([metrics[self.brief.metric] for metrics in done if self.brief.metric in metrics])
        shown = seen(ledger, self.ladder).get(head.record.proposal or 0)
        return shown.score if shown else None

    def _remedies(self, ail: Ail, reason: str, head: Entry[Variant]) -> Iterator[Suggestion]:
        files = self.sources.read(head.record)
        constants = {path: numbers(text) for path, text in files.items() if path.endswith(".py")}
        for change in changes(ail, constants, self.space):
            try:
                text = exchange(files[change.path], {change.name: change.after}, change.path)
            except ConfigError:
                continue  # not a constant that can be exchanged safely
            patch = self.sources.patch(head.record, {change.path: text})
            yield Suggestion(f"{ail}/{change.path}:{change.said}", change.said, f"{ail}: {reason}", patch)

    def _advice(self, ledger: Ledger) -> Iterator[Suggestion]:
        """What no patch can do."""
        recent = [one for one in attempts.read(ledger, self.ladder) if one.outcome != "waiting"][-RECENT:]
        for outcome, words in FAILURES.items():
            count = sum(_ended(one) == outcome for one in recent)
            if count > max(OFTEN * len(recent), 2):
                yield Suggestion(f"failures/{outcome}", f"look at ideas that fail as {outcome}",
                                 f"{count} of the last {len(recent)} ideas {words}")  # fmt: skip
        asked = {plan.record.certificate for plan in ledger.entries(AblationPlan)}
        won = [entry for entry in ledger.entries(Certificate) if entry.record.outcome == "certified"]
        if won and won[-1].id > _since(ledger) and won[-1].id not in asked:
            n = won[-1].id
            yield Suggestion(
                f"ablate/{n}", f"pawl ablate {n}", f"nobody knows which changes carry certificate {n}'s gain"
            )
        releases, compared = ledger.last(Release), ledger.last(RegressionPlan)
        if releases and (compared is None or compared.id < releases.id):
            reason = (
                "the last release was never compared with earlier ones: on what [[suite]] measures too, if there is any"
            )
            yield Suggestion(f"regress/{releases.id}", "pawl regress", reason)


def _since(ledger: Ledger) -> int:
    return history.read(ledger).since


def _runs(head: Entry[Variant], ledger: Ledger) -> list[Entry[Run]]:
    """The newest comparable runs of the head."""
    since = _since(ledger)
    return [run for run in ledger.entries(Run) if run.record.variant == head.id and run.id > since][-RUNS:]


def _ended(attempt: Attempt) -> str:
    return attempt.runs[-1].record.outcome if attempt.runs else ""


def _costs(runs: Sequence[Entry[Run]], ledger: Ledger) -> Iterator[tuple[Ail, str]]:
    """Time that the head's runs spend waiting, and cost that they leave unused."""
    good = [run.record.usage for run in runs if run.record.outcome == "ok"]
    cpu, wall = sum(usage.cpu_s for usage in good), sum(usage.wall_s for usage in good)
    if not good or cpu <= 0:
        return
    if cpu < WAITING * wall:
        yield "waiting", f"a run computes for {cpu / wall:.0%} of its time and waits for the rest"
    reference = history.read(ledger).reference
    theirs = [
        run.record.usage.cpu_s for run in ledger.entries(Run)
        if run.record.variant == reference and run.id > _since(ledger) and run.record.outcome == "ok"
    ]  # fmt: skip
    if theirs and cpu / len(good) < ROOM * fmean(theirs):
        yield "room", f"the head takes {cpu / len(good) / fmean(theirs):.0%} of the reference's CPU"
