"""A toy study whose training is arithmetic, so that thousands of runs take seconds. All else is the product's own."""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from pawl import app, history, keys
from pawl.artifacts import ArtifactStore
from pawl.ledger import Entry
from pawl.lineage import Lineage
from pawl.loop import Loop
from pawl.measure import Measure
from pawl.records import Isolation, Purpose, Run, Usage, Variant
from studies import toy

SPACE = '[space]\n"train.py:SHIFT" = { type = "float", low = -1.0, high = 1.0 }'
ISOLATION = Isolation(sandbox="bubblewrap", version="simulated", safe=True, held=())


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Trainer:
    """An executor: `gain` says what the constants of train.py are worth together (None: the program fails), and the
    loss is 1 less that, plus what the seed does. A second loss, `other`, is 1 less what `other` says. `rho` is the
    correlation of two variants on one seed; at 1 they differ by what they are worth and by nothing else, so that no
    test depends on luck. After `lives` runs the process is killed."""

    lineage: Lineage
    artifacts: ArtifactStore
    gain: Callable[[Mapping[str, float]], float | None]
    other: Callable[[Mapping[str, float]], float] = lambda values: 0.0
    sd: float = 0.004
    rho: float = 1.0
    lives: int | None = None
    done: list[tuple[int, int]] = field(default_factory=list)

    def run(self, variant: Entry[Variant], seed: int, purpose: Purpose) -> Run:
        if self.lives is not None and len(self.done) >= self.lives:
            raise Killed
        self.done.append((variant.id, seed))
        values = constants(self.lineage.read(variant.record)["train.py"])
        shared, own = random.Random(seed), random.Random(f"{variant.record.commit}:{seed}")
        noise = self.rho**0.5 * shared.gauss(0, 1) + (1 - self.rho) ** 0.5 * own.gauss(0, 1)
        gain = self.gain(values)
        losses = {} if gain is None else {"val_loss": 1.0 - gain, "other": 1.0 - self.other(values)}
        summary = {name: loss + self.sd * noise for name, loss in losses.items()}
        return Run(
            variant=variant.id, seed=seed, purpose=purpose, outcome="crashed" if gain is None else "ok",
            reason="it is broken" if gain is None else "", isolation=ISOLATION, environment="",
            artifacts=(self.artifacts.put("model.json", b"{}"),),
            usage=Usage(wall_s=0.01, cpu_s=0.01, peak_bytes=1), summary=summary, log="", tail="",
        )  # fmt: skip


class SimulatedStudy(app.OpenStudy):
    """An open study whose runs are `trainer`'s."""

    trainer: Trainer

    def build_loop(self, unsafe: bool) -> Loop:
        loop = super().build_loop(unsafe)
        measure = Measure(self.ledger, self.trainer, loop.search.measure.evaluator)
        loop.search.measure = loop.certify.measure = measure
        return loop


def constants(source: str) -> dict[str, float]:
    """The constants at the top of a training file."""
    return {name: float(value) for name, value in re.findall(r"^([A-Z_]+) = ([-\d.]+)$", source, re.MULTILINE)}


def worth(each: Mapping[str, float]) -> Callable[[Mapping[str, float]], float]:
    """A gain that is the sum of what every constant is worth, times its value."""
    return lambda values: sum(each[name] * value for name, value in values.items())


def simulated(
    folder: Path, people: Sequence[keys.Signer], names: Iterable[str],
    gain: Callable[[Mapping[str, float]], float | None], rules: Mapping[str, str] | None = None,
    config: Mapping[str, str] | None = None, **trainer: float,
) -> SimulatedStudy:  # fmt: skip
    """A new study with these constants, all 0.0."""
    source = "".join(f"{name} = 0.0\n" for name in names)
    space = {SPACE: SPACE.replace("SHIFT", source.split()[0])}
    toy(folder, people, train=source, config={**space, **(config or {})}, rules=rules)
    return reopened(folder, gain, **trainer)


def reopened(
    folder: Path, gain: Callable[[Mapping[str, float]], float | None], adopt: bool = False, **trainer: float
) -> SimulatedStudy:
    """As another process would open it; `adopt`: a copy of another study."""
    study = SimulatedStudy(folder, adopt)
    study.trainer = Trainer(study.lineage, study.artifacts, gain, **trainer)  # type: ignore[arg-type]
    return study


def setting(before: str, values: Mapping[str, float]) -> str:
    """The patch that gives constants of a source other values."""
    after = before
    for name, value in values.items():
        after = re.sub(rf"^{name} = .*$", f"{name} = {value}", after, flags=re.MULTILINE)
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a/train.py", "b/train.py")
    return "".join(lines)


def improve(study: SimulatedStudy, *steps: Mapping[str, float], by: str = "human") -> int:
    """Put these settings in the queue, in somebody's name, each on the head of its time, accept them by the loop's own
    turns, certify and judge; the dossier's id."""
    with study.loop() as loop, ThreadPoolExecutor(2) as pool:
        loop.search.settle_noise(pool)
        for step in steps:
            source = study.lineage.read(history.head(study.ledger).record)["train.py"]
            words = " ".join(f"{name} to {value}" for name, value in step.items())
            study.propose(setting(source, step), words, by)
            turned = loop.search.turn()
            assert turned, step
            assert turned.record.decision == "accepted", step
        certificate = loop.certify.certify(loop.certify.preregister(loop.search.settle_noise(pool)), pool)
        verdict = loop.judge.settle(certificate)
    assert verdict.record.passed, verdict.record.findings
    return study.dossiers()[-1].id
