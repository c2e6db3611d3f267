"""What every gate must do: answer, under its own name, the same each time; and refuse what it cannot see."""

from __future__ import annotations

import dataclasses
import io
import math
from typing import Any

import numpy as np
import pytest

from pawl.hostile import printable
from pawl.plugins import known
from pawl.protocols import Case, Gate, Guard
from pawl.rates import Calibration, Rate
from pawl.records import Artifact, Certificate, Evaluation, Finding, Isolation, Pair, Proposal, Run, Usage

PATCH = "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n-DEPTH = 2\n+DEPTH = 3\n WIDTH = 64\n"
SOURCE = """\
import os
import numpy as np

DEPTH = 2
WIDTH = 64

rng = np.random.default_rng(int(os.environ["PAWL_SEED"]))
for _ in range(int(os.environ["PAWL_BUDGET"])):
    layers = rng.standard_normal((DEPTH, WIDTH))
np.savez(os.path.join(os.environ["PAWL_OUT"], "weights.npz"), layers=layers)
"""
"""A script before PATCH."""

CALIBRATED = Calibration(
    share=0.05, turns=40, nulls=2,
    rates=(
        Rate("screen", "seed-only, accepted", 1, 2, 2, 0.01, 0.99, 0.95, 0.5),
        Rate("certify", "any of 1 certificate(s) won, replayed", 9, 400, 400, 0.01, 0.04, 0.95, 0.1),
        Rate("dossier", "in a dossier", 0, 2, 2, 0.0, 0.84, 0.95, 0.0),
    ),
)  # fmt: skip
"""A calibration that nothing speaks against."""


def weights() -> bytes:
    """A small .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, layer=np.ones(4, dtype=np.float32))
    return buffer.getvalue()


def run(variant: int = 2, **changes: Any) -> Run:
    """A run that went well."""
    fields: dict[str, Any] = {
        "variant": variant, "seed": 1, "purpose": "certify", "outcome": "ok", "reason": "",
        "artifacts": (Artifact(name="weights.npz", digest="d1" * 32, size=len(weights())),),
        "usage": Usage(wall_s=2.0, cpu_s=1.9, peak_bytes=50_000_000),
        "isolation": Isolation(sandbox="bubblewrap", version="0.8", safe=True, held=("no network",)),
        "environment": "e0" * 32, "summary": {}, "log": "10" * 32, "tail": "",
    }  # fmt: skip
    return Run(**{**fields, **changes})


def evaluation(**changes: Any) -> Evaluation:
    """A sealed evaluation of a run."""
    fields: dict[str, Any] = {
        "run": 3, "split": "validation", "outcome": "ok", "reason": "", "metrics": {"bits_per_byte": 2.0},
        "scorer": "bits-per-byte", "sealed": "5e" * 32, "self_reported": False,
        "usage": Usage(wall_s=0.2, cpu_s=0.2, peak_bytes=9_000_000),
    }  # fmt: skip
    return Evaluation(**{**fields, **changes})


def certificate(pairs: int = 8, **changes: Any) -> Certificate:
    """A certificate that was won with this many pairs."""
    done = tuple(
        Pair(seed=n, reference=10 + n, head=30 + n, reference_score=2.1, head_score=2.0, gain=0.1, cpu_ratio=1.0)
        for n in range(pairs)
    )
    fields: dict[str, Any] = {
        "preregistration": 1, "outcome": "certified", "reason": "E = 31 after 8 pairs, threshold 20.3", "pairs": done,
        "e_value": 31.0, "estimate": 0.1, "low": 0.05, "high": 0.2, "level": 0.9, "reference_failures": 0,
        "head_failures": 0, "cpu_ratio": 1.0, "cpu_s": 30.0,
    }  # fmt: skip
    return Certificate(**{**fields, **changes})


def proposal(**changes: Any) -> Proposal:
    """What a search over constants puts forward."""
    fields: dict[str, Any] = {
        "parent": 1, "patch": PATCH, "hypothesis": "DEPTH 2 -> 3 (explores at random first)", "proposer": "space",
        "settings": {},
    }  # fmt: skip
    return Proposal(**{**fields, **changes})


def case(**changes: Any) -> Case:
    """A case that nothing speaks against; change what your gate looks at."""
    fields: dict[str, Any] = {
        "certificate": certificate(), "reference_runs": (run(1),) * 8, "head_runs": (run(2),) * 8,
        "evaluations": (evaluation(),) * 16, "patch": PATCH, "changed": (("100644", "train.py"),),
        "editable": ("train.py",), "cpu_ratio_limit": 1.25, "allow_unsafe": False,
        "artifacts": {"41:weights.npz": weights()}, "exposed": (),
        "reference_files": {"train.py": SOURCE}, "head_files": {"train.py": SOURCE.replace("DEPTH = 2", "DEPTH = 3")},
        "changes": (proposal(),), "tried": (proposal(),),
        "calibration": CALIBRATED,
        "guards": (Guard("memory_bytes", "minimize", 1.1, True, False),),
    }  # fmt: skip
    return Case(**{**fields, **changes})


def empty_case() -> Case:
    """A case in which nothing ran: no pairs, no runs, no evaluations, no artifacts, no patch."""
    nothing = certificate(
        0, outcome="exhausted", reason="", e_value=1.0, estimate=None, low=None, high=None, cpu_ratio=None, cpu_s=0.0
    )
    return case(
        certificate=nothing, reference_runs=(), head_runs=(), evaluations=(), patch="", changed=(), artifacts={},
        calibration=Calibration(),
        reference_files={}, head_files={}, changes=(), tried=(), exposed=None,
    )  # fmt: skip


ODD_CASES: dict[str, Case] = {
    "good": case(),
    "empty": empty_case(),
    "no-pairs": case(certificate=certificate(0)),
    "no-runs": case(reference_runs=(), head_runs=()),
    "no-evaluations": case(evaluations=()),
    "no-artifacts": case(artifacts={}),
    "no-patch": case(patch="", changed=()),
    "no-sources": case(reference_files={}, head_files={}),
    "no-proposals": case(changes=(), tried=()),
    "no-estimate": case(certificate=certificate(estimate=None, low=None, high=None, cpu_ratio=None)),
    "all-failed": case(
        certificate=certificate(head_failures=8, estimate=None, cpu_ratio=None, outcome="futile"),
        head_runs=(run(outcome="crashed", reason="exit 1", artifacts=()),) * 8,
        evaluations=(evaluation(outcome="crashed", metrics={}),) * 16,
    ),
    "hostile-artifact": case(artifacts={"41:weights.npz": b"\x80\x04garbage", "41:a.pkl": b"\x80\x04."}),
    "hostile-patch": case(patch="\0\x1b[2J\u202e" * 100, changed=(("120000", "../\x1b[2J"),)),
    "hostile-source": case(head_files={"train.py": "\0\x1b[2J\u202e" * 100}),
    "unparsable-source": case(head_files={"train.py": "def (:\n"}),
    "deep-source": case(head_files={"train.py": "-" * 5000 + "1"}),
    "hostile-words": case(changes=(proposal(hypothesis="\x1b[2J\u202e", proposer="\x1b[2J", patch="+\x1b[2J" * 100),)),
    "enormous": case(head_runs=(run(usage=Usage(wall_s=math.ldexp(1.0, 900), cpu_s=1.0, peak_bytes=2**62)),)),
}


class GateContract:
    """Subclass it and override `make`."""

    def make(self) -> Gate:
        """The gate, with settings under which it could pass a good case."""
        raise NotImplementedError

    def test_it_is_a_frozen_dataclass(self) -> None:
        """A gate's fields are its settings, and nobody changes them after the policy was read."""
        gate = self.make()
        assert dataclasses.is_dataclass(gate)
        assert type(gate).__dataclass_params__.frozen

    def test_its_finding_bears_the_registered_name(self) -> None:
        """`Finding.gate` is the name under which the gate is an entry point of the group `pawl.gates`."""
        gate = self.make()
        names = {name for name, point in known("gate").items() if point.load() is type(gate)}
        assert names, f"{type(gate).__name__} is not registered as a pawl.gates entry point"
        assert gate.judge(case()).gate in names

    @pytest.mark.parametrize("name", ODD_CASES)
    def test_it_answers_every_case_with_a_finding_and_a_reason(self, name: str) -> None:
        """It never raises, whatever is missing or hostile in the case; it says why in words."""
        finding = self.make().judge(ODD_CASES[name])
        assert type(finding) is Finding
        assert finding.reason.strip()

    def test_it_refuses_an_empty_case(self) -> None:
        """Deny on silence: no pairs, no runs, no artifacts is no reason to pass."""
        assert not self.make().judge(empty_case()).passed

    @pytest.mark.parametrize("name", ODD_CASES)
    def test_it_is_deterministic(self, name: str) -> None:
        """The same case gives the same finding, from the same gate and from an equal one."""
        gate = self.make()
        assert gate.judge(ODD_CASES[name]) == gate.judge(ODD_CASES[name]) == self.make().judge(ODD_CASES[name])

    def test_its_reason_is_fit_for_a_terminal(self) -> None:
        """What comes from hostile bytes (a path, a name in a file) is made printable before it is shown."""
        reason = self.make().judge(ODD_CASES["hostile-patch"]).reason
        assert reason == printable(reason)
