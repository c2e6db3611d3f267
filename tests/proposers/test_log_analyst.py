"""The proposer `log-analyst` keeps the contract, sees what ails a training, and says each thing once."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pawl.artifacts import ArtifactStore
from pawl.ledger import Entry, Ledger
from pawl.proposers.constants import current, exchange, numbers
from pawl.proposers.log_analyst import LogAnalyst
from pawl.proposers.remedies import MOVES, ROLES, changes
from pawl.protocols import Adviser, Brief, Proposer, Sources, Suggestion
from pawl.records import (
    Certificate,
    Evaluation,
    Isolation,
    Noise,
    Preregistration,
    Proposal,
    Release,
    Run,
    Screening,
    Usage,
    Variant,
)
from pawl.testing.proposers import OneFile, ProposerContract

SOURCE = """\
LEARNING_RATE = 0.1  # of the optimiser
WARMUP_STEPS = 100
GRAD_CLIP = 5.0
WEIGHT_DECAY = 0.0
DROPOUT = 0.1
HIDDEN = 64
NUM_WORKERS = 2
"""
RISING = [3.0 - n / 20 for n in range(40)] + [1.0 + n / 10 for n in range(40)]
SHORT = [3.0 - n / 50 for n in range(80)]
LEARNT = [1.0 + 2 * math.exp(-n / 18) for n in range(100)]


def log(training: Sequence[float], validation: Sequence[float] = ()) -> bytes:
    random = Random(5)
    lines = [f"step {n} loss {x + random.gauss(0, 0.01):.4f}" for n, x in enumerate(training)]
    return "\n".join([*lines, *(f"eval: val_loss {x}" for x in validation), "---", "val_loss: 1.0"]).encode()


def analyst(store: ArtifactStore, brief: Brief, **settings: Any) -> LogAnalyst:
    known = {"sources": OneFile(SOURCE), "space": {}, "ladder": 0.0, "name": "log-analyst", "stop": threading.Event()}
    return LogAnalyst(**{"artifacts": store, "brief": brief, "modules": frozenset(), **known, **settings})


class TestLogAnalyst(ProposerContract):
    store: ArtifactStore

    def make(self, sources: Sources) -> Proposer:
        brief = Brief("contract", "loss", "minimize", ("python", "train.py"), ("train.py",), "1 run", Path())
        return analyst(self.store, brief)

    def begun(self, folder: Path) -> tuple[Ledger, Entry[Variant]]:
        return self.with_logs(folder, *[log(RISING)] * 3)

    def with_logs(self, folder: Path, *logs: bytes, **told: object) -> tuple[Ledger, Entry[Variant]]:
        """A study whose baseline printed these."""
        ledger, head = super().begun(folder)
        self.store = ArtifactStore(folder / "artifacts")
        done = [ledger.append(self.run(head.id, seed, text, **told)) for seed, text in enumerate(logs)]
        found = [
            ledger.append(
                Evaluation(
                    run=run.id, split="validation", outcome="ok", reason="", metrics={"loss": 0.5}, scorer="s",
                    sealed="5e" * 32, self_reported=False, usage=run.record.usage,
                )
            )
            for run in done
        ]  # fmt: skip
        noise = Noise(
            variant=head.id, evaluations=tuple(entry.id for entry in found), sd=0.1, low=0.1, high=0.1, correlation=0.0,
            pairs=0, scale=0.1,
        )  # fmt: skip
        ledger.append(noise)
        return ledger, head

    def run(self, variant: int, seed: int, text: bytes, **told: object) -> Run:
        fields = {"summary": {}, "outcome": "ok", "usage": Usage(wall_s=1.0, cpu_s=0.9, peak_bytes=1), **told}
        return Run(
            variant=variant, seed=seed, purpose="noise", reason="", artifacts=(), environment="e",
            isolation=Isolation(sandbox="none", version="", safe=True, held=()),
            log=self.store.put("log", text).digest, tail="", **fields,
        )  # type: ignore[arg-type]  # fmt: skip

    def said(self, ledger: Ledger, head: Entry[Variant]) -> list[Suggestion]:
        adviser = self.make(OneFile())
        assert isinstance(adviser, Adviser)
        return list(adviser.suggest(head, ledger))

    def test_divergence_asks_for_smaller_steps_first(self, tmp_path: Path) -> None:
        found = self.said(*self.begun(tmp_path))
        assert [one.what for one in found] == [
            "LEARNING_RATE 0.1 -> 0.03333", "GRAD_CLIP 5.0 -> 1.0", "WARMUP_STEPS 100 -> 200",
        ]  # fmt: skip
        assert "rises again, from 1" in found[0].reason
        assert "3 of 3 runs" in found[0].reason
        assert "+LEARNING_RATE = 0.03333  # of the optimiser" in found[0].patch

    def test_nan_is_divergence_too(self, tmp_path: Path) -> None:
        found = self.said(*self.with_logs(tmp_path, *[b"step 1 loss 2.0\nstep 2 loss nan\n"] * 2))
        assert "NaN" in found[0].reason

    def test_one_odd_run_of_three_is_not_enough(self, tmp_path: Path) -> None:
        assert self.said(*self.with_logs(tmp_path, log(RISING), log(LEARNT), log(LEARNT))) == []

    def test_training_that_ends_too_early_asks_for_larger_steps(self, tmp_path: Path) -> None:
        found = self.said(*self.with_logs(tmp_path, *[log(SHORT)] * 3))
        assert [one.what for one in found] == ["LEARNING_RATE 0.1 -> 0.2", "WARMUP_STEPS 100 -> 50"]

    def test_validation_that_rises_asks_for_regularisation(self, tmp_path: Path) -> None:
        text = log(LEARNT, [2.0, 1.6, 1.4, 1.5, 1.7, 1.9])
        found = self.said(*self.with_logs(tmp_path, *[text] * 3))
        assert [one.what for one in found] == ["WEIGHT_DECAY 0.0 -> 0.01", "DROPOUT 0.1 -> 0.2"]

    def test_a_measured_loss_far_above_that_of_training_does_too(self, tmp_path: Path) -> None:
        found = self.said(*self.with_logs(tmp_path, *[b""] * 3, summary={"train_loss": 0.1}))
        assert found[0].what == "WEIGHT_DECAY 0.0 -> 0.01"
        assert "loss is 0.5 on validation and 0.1 in training" in found[0].reason

    def test_the_ladder_hides_the_score_from_it_too(self, tmp_path: Path) -> None:
        ledger, baseline = self.with_logs(tmp_path, b"", b"")
        proposal = ledger.append(Proposal(parent=baseline.id, patch="x", hypothesis="y", proposer="space", settings={}))
        head = ledger.append(Variant(proposal=proposal.id, commit="1" * 40, parent="0" * 40, problem=""))
        run = ledger.append(self.run(head.id, 9, b"", summary={"train_loss": 0.3}))
        done = ledger.append(
            ledger.entries(Evaluation)[0].record.model_copy(update={"run": run.id, "metrics": {"loss": 0.4}})
        )
        ledger.append(
            Screening(
                proposal=proposal.id, variant=head.id, head=baseline.id, evaluations=(done.id,), decision="accepted",
                reason="", gain=0.1, broken_guard="",
            )
        )  # fmt: skip
        brief = Brief("contract", "loss", "minimize", (), ("train.py",), "", Path())
        open_, hidden = (analyst(self.store, brief, ladder=ladder) for ladder in (0.0, 5.0))
        assert open_.suggest(head, ledger) == []  # .4 is not 1.5 times .3
        assert "loss is 0.5 on validation" in hidden.suggest(head, ledger)[0].reason  # where the search began

    def test_waiting_and_unused_cost_are_seen(self, tmp_path: Path) -> None:
        ledger, head = self.with_logs(tmp_path, b"", usage=Usage(wall_s=9.0, cpu_s=1.0, peak_bytes=1))
        assert [one.what for one in self.said(ledger, head)] == ["NUM_WORKERS 2 -> 4"]
        small = ledger.append(Variant(proposal=7, commit="1" * 40, parent="0" * 40, problem=""))
        ledger.append(self.run(small.id, 9, b"", usage=Usage(wall_s=0.5, cpu_s=0.5, peak_bytes=1)))
        assert [one.what for one in self.said(ledger, small)] == ["HIDDEN 64 -> 77"]

    def test_each_is_proposed_once_for_a_head_and_then_there_is_nothing(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        proposer = self.make(OneFile())
        for _ in range(3):
            ledger.append(self.proposed(head, ledger, proposer))
        assert proposer.propose(head, ledger) is None
        assert len(self.said(ledger, head)) == 3, "people still see all of it"

    def test_what_somebody_else_proposed_is_not_proposed_again(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        first = self.proposed(head, ledger)
        ledger.append(first.model_copy(update={"proposer": "llm", "settings": {}}))
        assert self.proposed(head, ledger).patch != first.patch

    def test_without_logs_there_is_nothing_to_say(self, tmp_path: Path) -> None:
        ledger, head = self.with_logs(tmp_path, log(LEARNT), log(LEARNT))
        assert self.make(OneFile()).propose(head, ledger) is None
        for path in [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]:
            path.unlink()
        assert self.said(ledger, head) == []

    def test_certified_bundles_and_releases_ask_people_for_more(self, tmp_path: Path) -> None:
        ledger, head = self.with_logs(tmp_path, b"")
        plan = ledger.append(
            Preregistration(
                reference=head.id, head=head.id, noise=1, step=1, wins=0, threshold=20.0, scale=1.0, seeds=()
            )
        )
        certificate = ledger.append(
            Certificate(
                preregistration=plan.id, outcome="certified", reason="", pairs=(), e_value=30.0, estimate=0.1, low=0.0,
                high=None, level=0.9, reference_failures=0, head_failures=0, cpu_ratio=1.0, cpu_s=1.0,
            )
        )  # fmt: skip
        ledger.append(Release(dossier=1, variant=head.id, commit="1" * 40, approvals=(), threshold=1))
        found = self.said(ledger, head)
        assert [one.what for one in found] == [f"pawl ablate {certificate.id}", "pawl regress"]
        assert not any(one.patch for one in found)
        assert self.make(OneFile()).propose(head, ledger) is None

    def test_many_ideas_that_fail_in_one_way_are_a_remark(self, tmp_path: Path) -> None:
        ledger, head = self.with_logs(tmp_path, b"")
        for n in range(5):
            proposal = ledger.append(Proposal(parent=head.id, patch="x", hypothesis="y", proposer="s", settings={}))
            variant = ledger.append(Variant(proposal=proposal.id, commit=f"{n:040}", parent="0" * 40, problem=""))
            ledger.append(self.run(variant.id, 1, b"", outcome="out-of-memory"))
            ledger.append(
                Screening(
                    proposal=proposal.id, variant=variant.id, head=head.id, evaluations=(), decision="crashed",
                    reason="", gain=None, broken_guard="",
                )
            )  # fmt: skip
        assert "5 of the last 5 ideas ran out of memory" in self.said(ledger, head)[0].reason


del ProposerContract


def test_a_range_in_space_bounds_the_step_and_choices_are_left_alone() -> None:
    constants = {"train.py": {"LEARNING_RATE": 0.1, "DEPTH": 2}}
    narrow = {"train.py:LEARNING_RATE": {"type": "float", "low": 0.08, "high": 1.0}}
    assert [change.said for change in changes("divergence", constants, narrow)] == ["LEARNING_RATE 0.1 -> 0.08"]
    fixed = {"train.py:LEARNING_RATE": {"type": "categorical", "choices": [0.1, 0.2]}}
    assert list(changes("divergence", constants, fixed)) == []
    most = {"train.py:DEPTH": {"type": "int", "low": 1, "high": 2}}
    assert list(changes("room", constants, most)) == []


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("lr", "rate"), ("LEARNING_RATE", "rate"), ("MATRIX_LR", "rate"), ("max_grad_norm", "clip"),
        ("WARMUP", "warmup"),
        ("GRADIENT_CLIP", "clip"), ("warmup_iters", "warmup"), ("weight_decay", "decay"), ("n_embd", "width"),
        ("n_layer", "depth"), ("HIDDEN", "width"), ("dropout", "dropout"), ("COLOUR", None), ("HEADS", None),
    ],
)  # fmt: skip
def test_names_say_what_a_constant_does(name: str, role: str | None) -> None:
    assert next((role for role, names in ROLES.items() if names.fullmatch(name.lower())), None) == role


def test_every_move_is_of_a_role() -> None:
    assert {role for moves in MOVES.values() for role, _ in moves} <= ROLES.keys()


def test_only_plain_numbers_that_are_assigned_once_are_constants() -> None:
    source = "A = 1\nB: float = 2.5\nC = True\nD = 'x'\nE = 1\nE = 2\nF = 1e999\nG = 9" + "9" * 400 + "\nH = A\n"
    assert numbers(source) == {"A": 1, "B": 2.5}
    assert numbers("def (") == {}
    assert current(exchange(source, {"A": 7}, "x.py"), ["A"], "x.py") == {"A": 7}
