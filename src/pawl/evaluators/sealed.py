"""Measured from outside: inputs go into a sandbox, predictions come out, labels never leave this process."""

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
from pawl.envelope import sha256
from pawl.errors import ConfigError
from pawl.evaluators.scorers import SEES_NO_FUTURE, Array, Scorer, named, steady
from pawl.ledger import Entry
from pawl.protocols import Execution, Mount, Sandbox, Task
from pawl.records import Evaluation, Outcome, Run, Usage
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
    """Predictions by `command` on the sealed file `validation`, scored by `scorer`; both lie in `sealed`."""

    command: tuple[str, ...]
    scorer: str
    validation: Path
    metric: str
    sandbox: Sandbox
    artifacts: ArtifactStore
    workplace: Workplace
    stop: threading.Event

    def evaluate(self, run: Entry[Run]) -> Evaluation:
        if run.record.outcome != "ok":
            return self._evaluation(run, {}, FREE, Refusal(run.record.outcome, run.record.reason))
        content = self.validation.read_bytes()
        sealed = hostile.arrays(self.validation.name, content, 2**33)
        if "labels" not in sealed or "inputs" not in sealed:
            raise ConfigError(f"{self.validation} needs the arrays 'inputs' and 'labels'", "make it anew")
        labels = sealed.pop("labels")
        scorer, usage = named(self.scorer, self.validation.parent), FREE
        try:
            predictions, usage = self._predict(run.record, sealed)
            if self.scorer in SEES_NO_FUTURE:
                usage = self._look_for_the_future(run, sealed, predictions, usage)
            metrics = finite(scored(scorer, predictions, labels, sealed["inputs"]), self.metric)
        except (Refusal, hostile.Refused) as refusal:
            return self._evaluation(run, {}, usage, refusal, sha256(content))
        return self._evaluation(run, metrics, usage, None, sha256(content))

    def _look_for_the_future(self, run: Entry[Run], sealed: Mapping[str, Array], first: Array, usage: Usage) -> Usage:
        """Predict once more, in another sandbox, with every row's end exchanged for another row's from a random
        position on; refuse predictions that moved before it. The rows stay natural text, and the two sandboxes
        cannot compare notes. Raises Refused."""
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


def scored(scorer: Scorer, predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    try:
        return scorer(predictions, labels, inputs)
    except (hostile.Refused, ConfigError):
        raise
    except Exception as error:  # a scorer that meets hostile numbers may raise anything
        raise hostile.Refused(f"the scorer failed on these predictions: {type(error).__name__}: {error}") from error


def finite(metrics: Mapping[str, float], wanted: str) -> dict[str, float]:
    if wanted not in metrics:
        raise ConfigError(f"the scorer gives {', '.join(metrics)} and not {wanted}", "correct study.metric")
    bad = [name for name, value in metrics.items() if not np.isfinite(value)]
    if bad:
        raise hostile.Refused(f"{bad[0]} is not finite")
    return {name: float(value) for name, value in metrics.items()}
