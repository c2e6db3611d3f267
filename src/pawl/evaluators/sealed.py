"""Measured from outside: inputs go into a sandbox, predictions come out, labels never leave the broker."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from pawl import hostile
from pawl.artifacts import ArtifactStore
from pawl.broker import Broker
from pawl.errors import ConfigError, SandboxError
from pawl.evaluators.scorers import SEES_NO_FUTURE, by_row, named, steady
from pawl.ledger import Entry
from pawl.protocols import Execution, Mount, Sandbox, Task
from pawl.records import Evaluation, Outcome, Run, Usage
from pawl.slices import Array
from pawl.workplace import Workplace

FREE = Usage(wall_s=0.0, cpu_s=0.0, peak_bytes=0)


@dataclass(frozen=True, slots=True)
class Dress:
    """What prediction can see of its surroundings: where the model's folder and the inputs' file lie, and the file's
    age in seconds."""

    model: str = "/model"
    inputs: str = "/inputs/inputs.npz"
    age: float = 0.0


USUAL = Dress()


@dataclass(frozen=True)
class SealedEvaluator:
    """Predictions by `command` on sealed sets, scored by `scorer`: a built-in one, or a file in the folder `scorers`.
    `sign` is +1 where a higher metric is better, -1 where a lower one is."""

    command: tuple[str, ...]
    scorer: str
    scorers: Path
    broker: Broker
    metric: str
    sign: int
    sandbox: Sandbox
    artifacts: ArtifactStore
    workplace: Workplace
    stop: threading.Event

    def __post_init__(self) -> None:
        if self.broker.held_out is not None:
            by_row(self.scorer, self.scorers)  # else a certificate would be won, and then there would be no answer

    def evaluate(self, run: Entry[Run]) -> Evaluation:
        if run.record.outcome != "ok":
            return self._evaluation(run, {}, FREE, Refusal(run.record.outcome, run.record.reason))
        sealed, scorer, usage = self.broker.validation(), named(self.scorer, self.scorers), FREE
        try:
            predictions, usage = self._predict(run.record, sealed.inputs)
            usage = self._look_for_the_future(run, sealed.inputs, predictions, usage)
            metrics = finite(sealed.score(scorer, predictions), self.metric)
        except (Refusal, hostile.Refused) as refusal:
            return self._evaluation(run, {}, usage, refusal, sealed.digest)
        return self._evaluation(run, metrics, usage, None, sealed.digest)

    def beats(self, head: Entry[Run], reference: Entry[Run], bar: float) -> bool:
        """Whether a run beats another on the holdout by more than `bar` standard errors, example by example."""
        rows, holdout = by_row(self.scorer, self.scorers), self.broker.holdout()
        found = []
        try:
            for run in (head, reference):
                predictions, usage = self._predict(run.record, holdout.inputs)
                self._look_for_the_future(run, holdout.inputs, predictions, usage)
                found.append(predictions)
        except (Refusal, hostile.Refused):
            return False  # which of the two, and why, is more than a bit
        except SandboxError:
            raise SandboxError(
                "the sandbox failed while the holdout was open; the opening is spent", "pawl doctor"
            ) from None
        return holdout.beats(rows, self.metric, self.sign, found[0], found[1], bar)

    def _look_for_the_future(self, run: Entry[Run], sealed: Mapping[str, Array], first: Array, usage: Usage) -> Usage:
        """Predict once more, in another sandbox, with every row's end exchanged for another row's from a random
        position on; refuse predictions that moved before it. The rows stay natural text, and the two sandboxes
        cannot compare notes. Only scorers of sequences ask for it. Raises Refused."""
        if self.scorer not in SEES_NO_FUTURE:
            return usage
        inputs, draw = sealed["inputs"], np.random.default_rng()
        few = draw.permutation(len(inputs))[: max(8, len(inputs) // 4)]
        cuts = draw.integers(1, inputs.shape[1], size=len(few))
        tail = np.arange(inputs.shape[1])[None, :] >= cuts[:, None]
        mixed = np.where(tail, inputs[draw.permutation(len(inputs))[: len(few)]], inputs[few])
        second, more = self._predict(run.record, {**sealed, "inputs": mixed})
        if first.ndim < 2 or len(first) != len(inputs):
            raise hostile.Refused(f"predictions have shape {first.shape} for {len(inputs)} inputs")
        steady(first[few], second, cuts)
        return Usage(
            wall_s=usage.wall_s + more.wall_s, cpu_s=usage.cpu_s + more.cpu_s,
            peak_bytes=max(usage.peak_bytes, more.peak_bytes),
        )  # fmt: skip

    def _predict(self, run: Run, inputs: Mapping[str, Array], dress: Dress = USUAL) -> tuple[Array, Usage]:
        """The predictions [N, ...] of a run's artifacts on some inputs. Raises Refusal with the execution's outcome."""
        with tempfile.TemporaryDirectory(prefix="pawl-predict-", dir=self.workplace.scratch()) as name:
            folder = Path(name)
            folder.chmod(0o755)
            model, study = folder / "model", self.workplace.export(run.variant, folder / "study")
            for artifact in run.artifacts:
                path = model / artifact.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.artifacts.get(artifact.digest))
            model.mkdir(exist_ok=True)
            (folder / "inputs").mkdir()
            buffer = io.BytesIO()
            np.savez(buffer, **inputs)  # type: ignore[arg-type]  # numpy's stub takes a keyword for an array
            shown = PurePosixPath(dress.inputs)
            file = folder / "inputs" / shown.name
            file.write_bytes(buffer.getvalue())
            os.utime(file, (file.stat().st_mtime - dress.age,) * 2)
            mounts = (*study, Mount(model, dress.model), Mount(folder / "inputs", str(shown.parent)))
            told = {"PAWL_MODEL": dress.model, "PAWL_INPUTS": dress.inputs, "PAWL_OUT": "/out"}
            done = self.sandbox.execute(self._task(mounts, told), self.stop)
        return _predictions(done, self.workplace.predict_limits.disk), done.usage

    def _task(self, mounts: tuple[Mount, ...], told: Mapping[str, str]) -> Task:
        task = self.workplace.task(self.command, mounts, told)
        return replace(task, limits=self.workplace.predict_limits)

    def _evaluation(
        self, run: Entry[Run], metrics: dict[str, float], usage: Usage, problem: Exception | None, digest: str = ""
    ) -> Evaluation:
        failed: Outcome = problem.outcome if isinstance(problem, Refusal) else "invalid"
        outcome: Outcome = failed if problem else "ok"
        reason = hostile.one_line(str(problem or ""))[:500]
        return Evaluation(
            run=run.id, split="validation", outcome=outcome, reason=reason, metrics=metrics,
            scorer=self.scorer, sealed=digest, self_reported=False, usage=usage,
        )  # fmt: skip


class Refusal(Exception):
    """An execution that did not end well."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


def _predictions(done: Execution, limit: int) -> Array:
    if done.outcome != "ok":
        raise Refusal(done.outcome, f"prediction: {done.reason}")
    if "predictions.npz" not in done.outputs:
        raise hostile.Refused("prediction wrote no predictions.npz")
    found = hostile.arrays("predictions.npz", done.outputs["predictions.npz"], limit)
    if "predictions" not in found:
        raise hostile.Refused("predictions.npz has no array 'predictions'")
    return found["predictions"]


def finite(metrics: Mapping[str, float], wanted: str) -> dict[str, float]:
    if wanted not in metrics:
        raise ConfigError(f"the scorer gives {', '.join(metrics)} and not {wanted}", "correct study.metric")
    bad = [name for name, value in metrics.items() if not np.isfinite(value)]
    if bad:
        raise hostile.Refused(f"{bad[0]} is not finite")
    return {name: float(value) for name, value in metrics.items()}
