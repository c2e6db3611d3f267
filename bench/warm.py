"""Real studies of the shipped labs for benches that need thousands of trainings: everything is the product's own but
for the sandbox. A lab's train.py and predict.py run in one interpreter of the lab's environment that stays warm, and
give what they give in a sandbox, to the last digit (tests/test_warm.py): the seed decides, and not the place.

Nothing strange may run in it: proposals come from the space, the grammar and the history of the lab alone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from statistics import fmean

import numpy as np
from common import scratch

from pawl import app, certify, environment, hostile, measure, search
from pawl.broker import Broker, SealedFile, contents
from pawl.envelope import sha256
from pawl.evaluators.scorers import named
from pawl.fidelity import Rung
from pawl.ledger import Entry
from pawl.loop import Loop
from pawl.measure import Measure
from pawl.rates import Calibration
from pawl.records import Artifact, Evaluation, Isolation, Outcome, Purpose, Run, Usage, Variant

NOWHERE = Isolation(sandbox="none", version="bench", safe=False, held=())
FREE = Usage(wall_s=0.0, cpu_s=0.0, peak_bytes=0)
GATE = '[[gate]]\nuse = "improvement"\n'


@dataclass(frozen=True, slots=True)
class Trained:
    """One training: its score in the study's metric (None: it failed), what it wrote, seconds of CPU and wall."""

    outcome: Outcome
    reason: str
    score: float | None
    files: dict[str, bytes]
    log: str
    cpu: float
    wall: float


@dataclass(slots=True)
class Trainer:
    """Trains and scores sources of one lab. What was trained once is known, at the cost that it had."""

    study: app.OpenStudy
    process: subprocess.Popen[str] = field(init=False)
    known: dict[tuple[str, int, str], Trained] = field(default_factory=dict)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pawl-warm-"))
        place = environment.build(self.study.folder, self.study.config.environment)
        np.savez(self.folder / "inputs.npz", **self._sealed().inputs)
        self.process = subprocess.Popen(
            [place.python, Path(__file__).with_name("warm_worker.py"), self.study.folder, self.folder / "inputs.npz"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def train(self, source: str, seed: int, budget: str) -> Trained:
        key = (sha256(source.encode()), seed, budget)
        if key not in self.known:
            self.known[key] = self._train(source, seed, budget)
        return self.known[key]

    def truth(self, source: str, seeds: Sequence[int], budget: str) -> float:
        """The mean score on these seeds; infinite where a training failed."""
        scores = [self.train(source, seed, budget).score for seed in seeds]
        return float("inf") if None in scores else fmean(scores)  # type: ignore[type-var]

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()
        shutil.rmtree(self.folder)

    def _train(self, source: str, seed: int, budget: str) -> Trained:
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        (out / "predicted").mkdir(parents=True)
        asked = {"source": source, "seed": str(seed), "budget": budget, "out": str(out)}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        files = {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.is_file()}
        score = self._score(out / "predicted" / "predictions.npz") if said["outcome"] == "ok" else None
        return Trained(said["outcome"], said["reason"][:500], score, files, said["log"], said["cpu"], said["wall"])

    def _score(self, path: Path) -> float:
        found = hostile.arrays(path.name, path.read_bytes(), 2**30)["predictions"]
        scorer = named(self.study.config.evaluate.scorer, path.parent)
        return float(self._sealed().score(scorer, found)[self.study.config.study.metric])

    def _sealed(self):  # type: ignore[no-untyped-def]  # the broker's own, which has no public name
        path = self.study.state / self.study.config.evaluate.validation
        return Broker(SealedFile(path, sha256(contents(path))), None).validation()


@dataclass(slots=True)
class Warm:
    """Executor and evaluator of a study, on one share of its budget."""

    study: app.OpenStudy
    trainer: Trainer
    budget: str

    def run(self, variant: Entry[Variant], seed: int, purpose: Purpose) -> Run:
        if variant.record.problem:
            done = Trained("not-built", variant.record.problem, None, {}, "", 0.0, 0.0)
        else:
            done = self.trained(variant.record, seed)
        keep = self.study.artifacts.put
        return Run(
            variant=variant.id, seed=seed, purpose=purpose, outcome=done.outcome, reason=hostile.printable(done.reason),
            artifacts=tuple(keep(name, content) for name, content in done.files.items()),
            usage=Usage(wall_s=done.wall, cpu_s=done.cpu, peak_bytes=0), isolation=NOWHERE, environment="",
            summary=hostile.summary(done.log), log=keep("log", done.log.encode()).digest, tail="",
        )  # fmt: skip

    def trained(self, variant: Variant, seed: int) -> Trained:
        return self.trainer.train(self.study.lineage.read(variant)["train.py"], seed, self.budget)

    def evaluate(self, run: Entry[Run]) -> Evaluation:
        """A run's score is known since it was trained."""
        done, share = run.record, getattr(run.record, "share", 1.0)
        score = None
        if done.outcome == "ok":
            train = self.study.config.train
            budget = self.budget if share == 1 else train.cut(share)
            variant = self.study.ledger.get(done.variant, Variant).record
            score = replace(self, budget=budget).trained(variant, done.seed).score
        return Evaluation(
            run=run.id, split="validation", outcome=done.outcome, reason=done.reason,
            metrics={} if score is None else {self.study.config.study.metric: score}, scorer="bench", sealed="",
            self_reported=False, usage=FREE,
        )  # fmt: skip


class WarmStudy(app.OpenStudy):
    """An open study that trains in a warm interpreter, and draws no pictures."""

    trainer: Trainer

    def build_loop(self, unsafe: bool) -> Loop:
        loop, whole = super().build_loop(unsafe), self.config.train.amount
        ours = Warm(self, self.trainer, whole)
        loop.search.measure = loop.certify.measure = Measure(self.ledger, ours, ours)
        loop.judge = replace(loop.judge, calibrated=Calibration)  # no null candidates, no gate that asks
        if loop.search.fidelity:
            loop.search.fidelity.measure, shares = loop.search.measure, self.config.fidelity.rungs
            cuts = [replace(ours, budget=self.config.train.cut(share)) for share in shares]
            loop.search.fidelity.rungs = [Rung(share, cut) for share, cut in zip(shares, cuts, strict=True)]
        return loop

    def _picture(self, *_: object) -> Sequence[Artifact]:
        return ()


def opened(lab: str, folder: Path, more: str, budget: str, proposers: Sequence[str], trainer: Trainer) -> WarmStudy:
    """A new study of a lab, one worker, a verdict that only asks for the improvement, no null candidates; `more` is
    added to pawl.toml, `proposers` are tables' lines, and `budget` replaces the lab's where there is one."""
    app.new_lab(lab, folder)
    lines = (folder / "pawl.toml").read_text().split("[[proposer]]")[0].replace("notebook = true", "notebook = false")
    if budget:
        kept = [line for line in lines.splitlines() if not line.startswith("budget = ")]
        lines = "\n".join(kept).replace("[train]", f'[train]\nbudget = "{budget}"', 1)
    tables = "".join(f"\n[[proposer]]\n{table}\n" for table in proposers)
    (folder / "pawl.toml").write_text(f"workers = 1\n{lines}\n{more}\n{tables}")
    rules = (folder / "policy.toml").read_text().split("[[gate]]")[0]
    assert "share = 0.05" in rules
    (folder / "policy.toml").write_text(rules.replace("share = 0.05", "share = 0.0") + GATE)
    study = WarmStudy(folder)
    study.trainer = trainer
    return study


@contextmanager
def trainer_of(lab: str) -> Iterator[Trainer]:
    """One for all studies of a lab: their data are the same."""
    with scratch() as home:
        app.new_lab(lab, home / lab)
        found = Trainer(app.open(home / lab))
        try:
            yield found
        finally:
            found.close()


def seeded(name: str) -> None:
    """Draw the loop's fresh seeds from a name, so that arms of one repetition meet the same noise at first."""
    chance = Random(name)

    def drawn() -> int:
        return chance.randrange(2**31)

    measure.fresh_seed = search.fresh_seed = certify.fresh_seed = drawn
