"""What do cheap looks save? The compute that a study with `[fidelity]` rungs needs until its head is truly as good as
the one that full-budget search has after N runs; beside it Optuna's own TPE with its Hyperband pruner.

Real training of `digits` and `tiny-gpt`, the product's own loop with the proposer `space`. True scores are means on
fresh seeds, measured outside of the loop and not counted. The labs' scripts do not go on from a shorter training, so
that each share is trained from the start and counted whole; `resumed` counts as if each had gone on from the one
before. Rows: rows/fidelity.jsonl; goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean, median

import optuna
import rows
import warm
from common import machine, scratch, write

from pawl.history import Standing
from pawl.proposers.constants import exchange
from pawl.proposers.samplers import _suggested
from pawl.proposers.spaces import Space
from pawl.records import Certificate, Run, Screening, Variant

VERSION = 3
"""Rows of 2 were measured with Optuna's TPE as the sampler, which left out what was stopped early."""
SHARES = (0.11, 0.33)
RUNGS = f"[fidelity]\nrungs = {list(SHARES)}\n"
ARMS = {"full": "", "learned": RUNGS, "halving": RUNGS + 'rule = "halving"\n', "optuna": ""}
TRUE_SEEDS = range(10**9, 10**9 + 64)
"""The loop's own seeds are random 31-bit numbers: hardly one of these."""
COUNTS = ("units", "resumed", "cpu", "races")
"""What is counted: whole runs' budgets; the same as if shorter trainings had been gone on from; CPU seconds of
training; whole runs' budgets of races alone, without what noise and certificates take."""
Cost = tuple[float, float, float, float]
Course = list[tuple[str, Cost]]
"""Each head's source, with what was spent when it became the head."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab at a size: the budget of a run, whole runs of a search, fresh seeds of a true score."""

    budget: str
    runs: int
    seeds: int


LABS = {"digits": Lab("60 epochs", 60, 4), "tiny-gpt": Lab("32768 tokens", 60, 4)}


def spent(study: warm.WarmStudy) -> Iterator[tuple[int, Cost]]:
    """The head after each entry that cost or moved it, and what was spent by then."""
    standing, units, resumed, cpu, races = Standing(), 0.0, 0.0, 0.0, 0.0
    done: dict[tuple[int, int], float] = {}
    for entry in study.ledger.all():
        standing.apply(entry)
        if isinstance(entry.record, Run):
            run, share = entry.record, getattr(entry.record, "share", 1.0)
            before = done.get((run.variant, run.seed), 0.0)
            done[run.variant, run.seed] = share
            units, resumed, cpu = units + share, resumed + share - before, cpu + run.usage.cpu_s
            races += share * (run.purpose == "screen")
        if standing.head:
            yield standing.head, (units, resumed, cpu, races)


def with_pawl(study: warm.WarmStudy, size: Lab) -> tuple[Course, dict[str, object]]:
    """The loop until the runs are used up."""
    study.run(runs=size.runs)
    course, last = [], 0
    for head, cost in spent(study):
        if head != last:
            course.append((study.lineage.read(study.ledger.get(head, Variant).record)["train.py"], cost))
        last = head
    screened = [entry.record for entry in study.entries(Screening)]
    told = {
        "ideas": len(screened), "stopped_early": sum(one.stopped_early for one in screened),
        "accepted": sum(one.decision == "accepted" for one in screened),
        "certificates": [entry.record.outcome for entry in study.entries(Certificate)],
    }  # fmt: skip
    return course, told | dict(zip(COUNTS, cost, strict=True))


def with_optuna(study: warm.WarmStudy, size: Lab, seed: int) -> tuple[Course, dict[str, object]]:
    """Optuna as people use it: TPE, Hyperband, one fixed training seed, the best finished trial."""
    trainer, whole = study.trainer, study.config.train.amount
    text, one_seed = (study.folder / "train.py").read_text(), Random(f"fidelity/{seed}").randrange(2**31)
    space = Space.of({key: table.model_dump(mode="json") for key, table in study.config.space.items()})
    searched = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=9, reduction_factor=3),
    )
    first = trainer.train(text, one_seed, whole)
    best, units, resumed, cpu = first.score or float("inf"), 1.0, 1.0, first.cpu
    course: Course = [(text, (0.0, 0.0, 0.0, 0.0))]
    pruned = 0
    while units < size.runs:
        trial = searched.ask()
        values = {dimension.name.partition(":")[2]: _suggested(trial, dimension) for dimension in space}
        source = exchange(text, values, "train.py")
        before, score, stopped = 0.0, None, False
        for step, share in zip((1, 3, 9), (*SHARES, 1.0), strict=True):
            done = trainer.train(source, one_seed, study.config.train.cut(share) if share < 1 else whole)
            units, resumed, cpu, before = units + share, resumed + share - before, cpu + done.cpu, share
            score = done.score
            if score is None:
                break
            trial.report(score, step)
            stopped = share < 1 and trial.should_prune()
            if stopped:
                break
        pruned += stopped
        failed = optuna.trial.TrialState.PRUNED if stopped else optuna.trial.TrialState.FAIL
        done_well = score is not None and not stopped
        searched.tell(trial, score if done_well else None, None if done_well else failed)
        if score is not None and not stopped and score < best:
            best = score
            course.append((source, (units, resumed, cpu, units)))
    told = {"ideas": len(searched.trials), "stopped_early": pruned}
    return course, told | {"units": units, "resumed": resumed, "cpu": cpu, "races": units}


def one(trainer: warm.Trainer, lab: str, size: Lab, seed: int) -> Iterator[dict[str, object]]:
    """All arms of one repetition that are not done yet."""
    for arm, more in ARMS.items():
        if rows.done("fidelity", version=VERSION, lab=lab, seed=seed, arm=arm, budget=size.budget, runs=size.runs):
            continue
        with scratch() as home:
            study = warm.opened(lab, home / lab, more, size.budget, [f'use = "space"\nseed = {1000 * seed}'], trainer)
            warm.seeded(f"{lab}/{seed}")
            course, told = with_optuna(study, size, seed) if arm == "optuna" else with_pawl(study, size)
            seeds, whole = TRUE_SEEDS[: size.seeds], study.config.train.amount
            points = [[*(round(x, 3) for x in cost), trainer.truth(source, seeds, whole)] for source, cost in course]
        yield {
            "version": VERSION, "lab": lab, "seed": seed, "arm": arm, "budget": size.budget, "runs": size.runs,
            "seeds": size.seeds, **told, "points": points,
        }  # fmt: skip


Points = Sequence[Sequence[float]]
"""What COUNTS says, and the true score, of each head."""


def at(points: Points, unit: int, x: float) -> float:
    """The true score of the head that a search has after so much."""
    return [point[-1] for point in points if point[unit] <= x or point is points[0]][-1]


def crossing(many: Sequence[Points], unit: int, target: float, end: float) -> float:
    """When the mean true score over repetitions reaches the target first; infinite if it does not before `end`."""
    for x in sorted({point[unit] for points in many for point in points if point[unit] <= end}):
        if fmean(at(points, unit, x) for points in many) <= target:
            return x
    return float("inf")


def ratios(found: dict[str, list[Points]], arm: str, unit: int, ends: dict[str, float]) -> tuple[float, float, float]:
    """The target, what the arm takes to reach it, and that as a share of what full-budget search takes."""
    target = fmean(points[-1][-1] for points in found["full"])
    mine = crossing(found[arm], unit, target, ends[arm])
    return target, mine, mine / crossing(found["full"], unit, target, ends["full"])


def figures_of(done: list[rows.Row]) -> dict[str, object]:
    """One lab: repetitions in which every arm is finished."""
    by = {(str(row["arm"]), row["seed"]): row for row in done}
    seeds = sorted({row["seed"] for row in done if all((arm, row["seed"]) in by for arm in ARMS)})  # type: ignore[type-var]
    if not seeds:
        return {}
    draw, arms = Random(5), dict[str, object]()
    for arm in ARMS:
        mine = [by[arm, seed] for seed in seeds]
        arms[arm] = {
            "final_true_score_mean": round(fmean(row["points"][-1][-1] for row in mine), 5),  # type: ignore[index]
            "final_true_score_median": round(median(row["points"][-1][-1] for row in mine), 5),  # type: ignore[index]
            "ideas_mean": round(fmean(row["ideas"] for row in mine), 1),  # type: ignore[misc]
            "stopped_early_mean": round(fmean(row["stopped_early"] for row in mine), 1),  # type: ignore[misc]
        }  # fmt: skip
        for unit, name in enumerate(COUNTS):
            arms[arm] |= {f"to_target_{name}": _told(by, seeds, arm, unit, name, draw)}  # type: ignore[operator]
    start = fmean(by["full", seed]["points"][0][-1] for seed in seeds)  # type: ignore[index]
    shares = [arms[arm]["to_target_units"]["share_of_full_budget"] for arm in ("learned", "halving")]  # type: ignore[index]
    met = any(share is not None and share <= 1 / 3 for share in shares)
    aim = f"rungs reach the target with a third of the units of full-budget search: {'met' if met else 'missed'}"
    told = {"repetitions": len(seeds), "true_score_at_the_start": round(start, 5)}
    return told | {"aim": aim, "arms": arms}


def _told(
    by: dict[tuple[str, object], rows.Row], seeds: Sequence[object], arm: str, unit: int, name: str, draw: Random
) -> dict[str, object]:
    """What it takes to reach the target, with a bootstrap over repetitions; None: not reached."""

    def measured(chosen: Sequence[object]) -> tuple[float, float, float]:
        found = {arm: [by[arm, seed]["points"] for seed in chosen] for arm in ARMS}
        ends = {arm: max(by[arm, seed][name] for seed in chosen) for arm in ARMS}  # type: ignore[misc]
        return ratios(found, arm, unit, ends)  # type: ignore[arg-type]

    target, mine, share = measured(seeds)
    drawn = sorted(measured([draw.choice(seeds) for _ in seeds])[2] for _ in range(400))
    shown: Callable[[float], float | None] = lambda x: round(x, 3) if x < float("inf") else None  # noqa: E731
    return {
        "target": round(target, 5), "reached_after": shown(mine), "share_of_full_budget": shown(share),
        "bootstrap_90": [shown(drawn[20]), shown(drawn[-20])],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", choices=[*LABS], action="append")
    parser.add_argument("--repetitions", type=int, default=10)
    options = parser.parse_args()
    before = machine()
    for lab in options.lab or LABS:
        with warm.trainer_of(lab) as trainer:
            for seed in range(options.repetitions):
                for row in one(trainer, lab, LABS[lab], seed):
                    rows.add("fidelity", row)
                    print(lab, seed, row["arm"], len(row["points"]), row["points"][-1], flush=True)  # type: ignore
    tell(before)


def tell(before: dict[str, object]) -> None:
    """The figures of all rows."""
    figures: dict[str, object] = {}
    for lab, size in LABS.items():
        same = {"version": VERSION, "lab": lab, "budget": size.budget, "runs": size.runs}
        kept = [row for row in rows.read("fidelity") if all(row[key] == value for key, value in same.items())]
        told = {"budget": size.budget, "runs_of_a_search": size.runs}
        figures[lab] = told | (figures_of(kept) or {"repetitions": 0})
    write("fidelity", figures, before, NOTE)


NOTE = (
    "The whole loop: noise, races, certificates, all trainings counted, the head's on rungs too. `units` are whole "
    "runs' budgets, each share trained from the start, as the labs' scripts do; `resumed`: as if each share had gone "
    "on from the one before; `cpu`: seconds of training; `races`: units without those of noise and certificates, which "
    "are whole runs in any case. The target is the mean true score of full-budget search at its end; it is reached "
    "when the mean over repetitions is there; the share is of what full-budget search took to get there first. Optuna "
    "asks one fixed seed and certifies nothing. Why the aim is missed, as far as the rows tell: a search of sixty runs "
    "spends 16 to 32 of them on noise and certificates, with rungs and without; in every second search the first looks "
    "tell too little to stop anybody; and where they stop many, what is tried instead is no better. tiny-gpt trains on "
    "32,768 tokens a run, an eighth of the lab's budget. None: the arm never got there."
)


if __name__ == "__main__":
    main()
