"""Cases with controls, as an honest certificate has them; change what your gate looks at."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import numpy as np

from pawl.envelope import sha256
from pawl.protocols import Case
from pawl.records import Artifact, Control, Usage
from pawl.testing import gates

SPENT = Usage(wall_s=1.0, cpu_s=1.0, peak_bytes=1)
MEASURES = {
    "rows": 400.0, "head_score": 2.0, "reference_score": 2.1, "head_moved": 0.0, "reference_moved": 0.0,
    "original_gain": 0.1, "lookalike_gain": 0.09, "lookalike_error": 0.0, "trimmed_gain": 0.08,
    "rows_better": 0.8, "rows_worse": 0.2, "canary_p": 0.4, "sealed_rows": 0.0, "gain": 0.1,
}  # fmt: skip


def pair(seed: int = 0, outcome: Any = "ok", **measures: float) -> Control:
    """A pair looked at again."""
    found = {**MEASURES, **measures} if outcome == "ok" else {}
    return Control(
        certificate=9, kind="pair", variant=2, seed=seed, share=1.0, outcome=outcome, reason="" if found else "why",
        measures=found, usage=SPENT,
    )  # fmt: skip


def unlearned(variant: int, share: float, score: float) -> Control:
    """An arm (1 the reference, 2 the head) trained where there is nothing to learn."""
    return Control(
        certificate=9, kind="unlearned", variant=variant, seed=3, share=share, outcome="ok", reason="",
        measures={"bits_per_byte": score}, usage=SPENT,
    )  # fmt: skip


UNLEARNED = tuple(unlearned(variant, share, 5.0) for variant in (1, 2) for share in (0.02, 1.0))


def weights(*values: np.ndarray) -> bytes:
    """An .npz file of these arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, *values)
    return buffer.getvalue()


def runs(variant: int, contents: list[bytes]) -> tuple[tuple[Any, ...], dict[str, bytes]]:
    """A run for each content of its weights file, on seeds 0, 1, ..., and what they wrote by "RUN:NAME"."""
    made = tuple(
        gates.run(variant, seed=seed, artifacts=(Artifact(name="weights.npz", digest=sha256(content), size=9),))
        for seed, content in enumerate(contents)
    )
    return made, {f"{10 * variant + seed}:weights.npz": content for seed, content in enumerate(contents)}


def case(**changes: Any) -> Case:
    """A certified case with all controls, in which nothing is wrong."""
    fields: dict[str, Any] = {"metric": "bits_per_byte", "sign": -1, "controls": (pair(0), pair(7), *UNLEARNED)}
    return dataclasses.replace(gates.case(), **{**fields, **changes})
