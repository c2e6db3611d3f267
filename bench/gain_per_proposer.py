"""What do proposers bring at equal compute? Certified gain by `space`, `architecture`, a portfolio of them, and what
the autoresearch rule (keep if lower on one fixed seed) makes of the same proposers: claimed gain beside the true one.

Real training; each arm has the same CPU seconds of training for all that it does, noise and certificates among it. True
gains are means over fresh pairs, measured outside and not counted. Rows: rows/gain-per-proposer.jsonl; goes on where
it was stopped.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from statistics import fmean

import rows
import warm
from common import machine, scratch, spread, write
from fidelity import TRUE_SEEDS, VERSION

from pawl import history
from pawl.ledger import Entry
from pawl.loop import Budget, Loop
from pawl.records import Certificate, Noise, Proposal, Run, Screening, Variant
from pawl.search import Search

NAME = "gain-per-proposer"
PAIRS = TRUE_SEEDS[:8]
SPACE, GRAMMAR = 'use = "space"\nseed = {seed}', 'use = "architecture"\ngrammar = "grammar"\nseed = {seed}'
HISTORY = ('use = "revert"', 'use = "log-analyst"')


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab at a size: a run's budget, CPU seconds for each arm, the sd of one run at the start, arms by name: their
    proposers, and whether Pawl decides."""

    budget: str
    cpu: float
    sd: float
    arms: Mapping[str, tuple[tuple[str, ...], bool]]


LABS = {
    "digits": Lab("60 epochs", 8.0, 0.009, {
        "space": ((SPACE,), True), "portfolio": ((SPACE, *HISTORY), True),
        "autoresearch rule, portfolio": ((SPACE, *HISTORY), False),
    }),
    "tiny-gpt": Lab("32768 tokens", 45.0, 0.03, {
        "space": ((SPACE,), True), "architecture": ((GRAMMAR,), True),
        "portfolio": ((SPACE, GRAMMAR, *HISTORY), True),
        "autoresearch rule, portfolio": ((SPACE, GRAMMAR, *HISTORY), False),
    }),
}  # fmt: skip


def cpu(study: warm.WarmStudy) -> float:
    """CPU seconds of all trainings."""
    return sum(run.record.usage.cpu_s for run in study.entries(Run))


@dataclass(slots=True)
class ByCpu(Loop):
    """The loop with another budget: CPU seconds of training, of which a certificate's are kept back as ever."""

    cpu: float = 0.0

    def _room(self, budget: Budget) -> bool:
        spent = [run.record.usage.cpu_s for run in self.ledger.entries(Run)]
        reserve = 2.0 * self.certify.forecast().pairs * fmean(spent)
        return sum(spent) + min(reserve, self.cpu / 3) < self.cpu


@dataclass(slots=True)
class KeepIfLower(Search):
    """The rule of autoresearch: one run on one fixed seed, kept if it is better than the head's."""

    seed: int = 0

    def race(self, proposal: Entry[Proposal], variant: Entry[Variant]) -> Entry[Screening]:
        theirs = self.measure.evaluate(history.head(self.ledger), self.seed, "screen", "the head")
        mine = self.measure.evaluate(variant, self.seed, "screen", proposal.record.hypothesis)
        if mine.record.outcome != "ok":
            return self.ledger.append(self._answer(proposal, variant, (mine,), "crashed", mine.record.reason))
        gain = self.sign * (mine.record.metrics[self.metric] - theirs.record.metrics[self.metric])
        decision = "accepted" if gain > 0 else "refused"
        return self.ledger.append(self._answer(proposal, variant, (mine,), decision, "one fixed seed", gain))

    def begin(self, sd: float) -> float:
        """The head's score; proposers are told the noise, which this rule never measures."""
        head = history.head(self.ledger)
        first = self.measure.evaluate(head, self.seed, "noise", "the head")
        told = Noise(
            variant=head.id, evaluations=(first.id,), sd=sd, low=sd, high=sd, correlation=0.5, pairs=0, scale=sd
        )
        self.ledger.append(told)
        return first.record.metrics[self.metric]


def keep_if_lower(study: warm.WarmStudy, size: Lab, seed: int) -> tuple[float, int]:
    """Claimed gain and the variant that is kept."""
    with study.loop() as loop:
        found = loop.search
        rule = KeepIfLower(
            **{field.name: getattr(found, field.name) for field in fields(found) if field.init}, seed=seed
        )
        first = rule.begin(size.sd)
        while cpu(study) < size.cpu:
            rule.turn()
        head = history.head(study.ledger)
        last = rule.measure.evaluate(head, seed, "screen", "the head").record.metrics[rule.metric]
    return first - last, head.id


def with_pawl(study: warm.WarmStudy, size: Lab) -> tuple[float, int]:
    """The sum of certified gains, and the last certified variant."""
    with study.loop() as found:
        ByCpu(**{field.name: getattr(found, field.name) for field in fields(found)}, cpu=size.cpu).run(Budget())
    won = [entry.record for entry in study.entries(Certificate) if entry.record.outcome == "certified"]
    return sum(one.estimate or 0.0 for one in won), history.read(study.ledger).reference


def one(trainer: warm.Trainer, lab: str, size: Lab, seed: int, arm: str) -> rows.Row:
    """One arm of one repetition."""
    proposers, decides = size.arms[arm]
    tables = [table.format(seed=1000 * seed) for table in proposers]
    with scratch() as home:
        study = warm.opened(lab, home / lab, "", size.budget, tables, trainer)
        warm.seeded(f"{lab}/{seed}")
        claimed, kept = with_pawl(study, size) if decides else keep_if_lower(study, size, seed)
        whole = study.config.train.amount

        def gain(variant: int) -> float:
            text = study.lineage.read(study.ledger.get(variant, Variant).record)["train.py"]
            return trainer.truth((study.folder / "train.py").read_text(), PAIRS, whole) - trainer.truth(
                text, PAIRS, whole
            )

        screened = [entry.record for entry in study.entries(Screening)]
        accepted = [one.proposal for one in screened if one.decision == "accepted"]
        return {
            "version": VERSION, "lab": lab, "seed": seed, "arm": arm, "budget": size.budget, "cpu_budget": size.cpu,
            "claimed": round(claimed, 6), "true": round(gain(kept), 6),
            "true_of_the_head": round(gain(history.read(study.ledger).head), 6),
            "certificates": [entry.record.outcome for entry in study.entries(Certificate)],
            "runs": len(study.entries(Run)), "ideas": len(screened), "cpu": round(cpu(study), 2),
            "proposed": Counter(entry.record.proposer for entry in study.entries(Proposal)),
            "accepted": Counter(study.ledger.get(id, Proposal).record.proposer for id in accepted),
        }  # fmt: skip


def figures_of(size: Lab, done: list[rows.Row]) -> dict[str, object]:
    """One lab: repetitions in which every arm is finished."""
    by = {(str(row["arm"]), row["seed"]): row for row in done}
    seeds = sorted({row["seed"] for row in done if all((arm, row["seed"]) in by for arm in size.arms)})  # type: ignore
    found: dict[str, object] = {"repetitions": len(seeds), "arms": {}}
    for arm in size.arms if seeds else ():
        mine = [by[arm, seed] for seed in seeds]
        claimed, true = ([float(row[key]) for row in mine] for key in ("claimed", "true"))  # type: ignore[arg-type]
        proposed, accepted = (sum((Counter(row[key]) for row in mine), Counter()) for key in ("proposed", "accepted"))
        found["arms"][arm] = {  # type: ignore[index]
            "true_gain_mean": round(fmean(true), 5), "true_gain": spread(true, 5),
            "claimed_gain_mean": round(fmean(claimed), 5),
            "claimed_over_true": round(fmean(claimed) / fmean(true), 3) if fmean(true) > 0 else None,
            "true_gain_of_the_head_mean": round(fmean(float(row["true_of_the_head"]) for row in mine), 5),  # type: ignore
            "promoted": sum(x != 0 for x in claimed),
            "promoted_and_truly_no_better": sum(x != 0 and y <= 0 for x, y in zip(claimed, true, strict=True)),
            "ideas_mean": round(fmean(row["ideas"] for row in mine), 1),  # type: ignore[misc]
            "accepted_of_proposed": {name: f"{accepted[name]} of {count}" for name, count in sorted(proposed.items())},
        }  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", choices=[*LABS], action="append")
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    before = machine()
    for lab in options.lab or LABS:
        size = LABS[lab]
        with warm.trainer_of(lab) as trainer:
            for seed, arm in [(seed, arm) for seed in range(options.seeds) for arm in size.arms]:
                if not rows.done(
                    NAME, version=VERSION, lab=lab, seed=seed, arm=arm, budget=size.budget, cpu_budget=size.cpu
                ):
                    row = one(trainer, lab, size, seed, arm)
                    rows.add(NAME, row)
                    print(row, flush=True)
    tell(before)


def tell(before: dict[str, object]) -> None:
    """The figures of all rows."""
    figures: dict[str, object] = {}
    for lab, size in LABS.items():
        same = {"version": VERSION, "lab": lab, "budget": size.budget, "cpu_budget": size.cpu}
        kept = [row for row in rows.read(NAME) if all(row[key] == value for key, value in same.items())]
        told = {"budget": size.budget, "cpu_seconds_of_training": size.cpu, "sd_of_one_run_about": size.sd}
        figures[lab] = told | figures_of(size, kept)
    write(NAME, figures, before, NOTE)


NOTE = (
    f"Gains are drops of the metric; true ones over {len(PAIRS)} fresh pairs with the study's baseline. Pawl's arms "
    "claim the sum of what they certified, the autoresearch rule what its one seed shows. A portfolio has the built-in "
    "proposers that need no network: space, architecture (tiny-gpt alone has a grammar), revert, log-analyst. No null "
    "candidates, no gate but the improvement. tiny-gpt trains on 32,768 tokens a run, an eighth of the lab's budget: "
    "with the lab's own, hardly one repetition fits. Only repetitions in which every arm is finished count."
)


if __name__ == "__main__":
    main()
