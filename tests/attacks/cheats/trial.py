"""Puts a script's variant on trial: real patch, real training in the sandbox, real certificate, all shipped gates.

A script is a file in `scripts/` with the constants LAB ("digits" or "tiny-gpt"), KIND ("cheat" or "honest"), FAMILY,
TWIN (the name of its look-alike), GATE (which must catch it; "" for an honest one, and for a cheat that none catches,
which then says in OPEN what would stop it), a docstring, and `change(files)`: the lab's train.py and predict.py as the
variant has them. LEAK = "canaries" puts a copy of the sealed canaries where training can read it: an operator's slip.

What differs from `pawl run`: the variant need not win a screening, the champion's runs are shared by all scripts of a
lab (fixed seeds, and the threshold of a first certificate), and a verdict that passes makes no dossier. The champion
learns too slowly on purpose, so that honest gains are easy to certify.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pawl import app, history
from pawl.broker import Broker, SealedFile, contents
from pawl.envelope import sha256
from pawl.evaluators.examiner import canaries
from pawl.evidence import threshold
from pawl.labs.arrays import write_train
from pawl.ledger import Entry
from pawl.loop import Loop
from pawl.records import Certificate, Noise, Preregistration, Proposal, Variant, Verdict
from studies import SMALL_RULES

SCRIPTS = Path(__file__).parent / "scripts"
EDITABLE = ("train.py", "predict.py")
SEEDS = tuple(range(71001, 71021))
SLOW = {
    "digits": {},
    "tiny-gpt": {
        "train.py": ("LEARNING_RATE = 2e-3", "LEARNING_RATE = 1e-3"),
        "pawl.toml": ('budget = "260000 tokens"', 'budget = "49152 tokens"'),
    },
}
"""What the champion of each lab does worse than it could, and how little it is given."""


@dataclass(frozen=True)
class Script:
    """A variant that somebody might put forward, and what should become of it."""

    name: str
    lab: str
    cheat: bool
    family: str
    twin: str
    gate: str
    open: str
    leak: str
    tries: str
    change: Callable[[dict[str, str]], dict[str, str]]


def load(path: Path) -> Script:
    """The script in a file."""
    spec = importlib.util.spec_from_file_location(f"cheat_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.KIND in ("cheat", "honest"), path
    return Script(
        path.stem, module.LAB, module.KIND == "cheat", module.FAMILY, module.TWIN, getattr(module, "GATE", ""),
        getattr(module, "OPEN", ""), getattr(module, "LEAK", ""), (module.__doc__ or "").strip(), module.change,
    )  # fmt: skip


def scripts() -> list[Script]:
    """All scripts, by name."""
    return [load(path) for path in sorted(SCRIPTS.glob("[a-z]*.py"))]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: `won` is whether the certificate was; `refused` names the gates that refused, with reasons."""

    won: bool
    passed: bool
    refused: Mapping[str, str]
    certificate: Entry[Certificate]
    verdict: Entry[Verdict]

    def caught_by(self, gate: str) -> bool:
        """Whether a gate refused for what it saw, and not because a lost certificate left it nothing to look at."""
        return gate in self.refused and not self.refused[gate].startswith("no control")


class Court:
    """One lab's study, opened once, in which variants are tried one after the other."""

    def __init__(self, study: app.OpenStudy, loop: Loop) -> None:
        self.study, self.loop = study, loop

    def try_(self, script: Script) -> Outcome:
        """A script's variant, from its patch to the verdict."""
        head = self.build(script)
        with ThreadPoolExecutor(2) as pool:
            noise = self.loop.search.settle_noise(pool)
            certificate = self.loop.certify.certify(self._plan(head, noise), pool)
        verdict = self.loop.judge.judge(certificate)
        refused = {finding.gate: finding.reason for finding in verdict.record.findings if not finding.passed}
        won = certificate.record.outcome == "certified"
        return Outcome(won, verdict.record.passed, refused, certificate, verdict)

    def build(self, script: Script) -> Entry[Variant]:
        """The script's patch on the champion, as any proposal is built."""
        ledger = self.study.ledger
        champion = ledger.get(history.read(ledger).champion, Variant)
        before = dict(self.study.lineage.read(champion.record))
        after = script.change(dict(before))
        assert after.keys() == before.keys(), f"{script.name} may only change {', '.join(before)}"
        patch = "".join(
            line
            for name in before
            for line in difflib.unified_diff(
                before[name].splitlines(keepends=True), after[name].splitlines(keepends=True), f"a/{name}", f"b/{name}"
            )
        )
        proposal = Proposal(
            parent=champion.id,
            patch=patch,
            hypothesis=script.name,
            proposer=f"trial {script.name}",
            settings={"script": script.name},
        )
        variant = self.loop.search.build(ledger.append(proposal))
        assert not variant.record.problem, variant.record.problem
        return variant

    def _plan(self, head: Entry[Variant], noise: Entry[Noise]) -> Entry[Preregistration]:
        rules = self.loop.policy.certification
        return self.study.ledger.append(
            Preregistration(
                reference=history.read(self.study.ledger).champion, head=head.id, noise=noise.id, step=1, wins=0,
                threshold=threshold(1, 0, rules.alpha), scale=noise.record.scale, seeds=SEEDS[: rules.pairs],
            )
        )  # fmt: skip


@contextmanager
def court(lab: str, folder: Path, leak: str = "") -> Iterator[Court]:
    """A fresh study of a lab in a folder that does not exist yet, with both of its scripts editable."""
    app.new_lab(lab, folder)
    editable = ", ".join(f'"{name}"' for name in EDITABLE)
    _replace(folder / "pawl.toml", ('editable = ["train.py"]', f"editable = [{editable}]"))
    _replace(folder / "policy.toml", *SMALL_RULES.items(), ('[[gate]]\nuse = "holdout"\n', ""))  # it has 20 answers
    for name, change in SLOW[lab].items():
        _replace(folder / name, change)
    if leak:
        _leak(folder)
    subprocess.run(["git", "-C", str(folder), "commit", "-qam", "Open both scripts"], check=True)
    study = app.open(folder)
    with study.loop() as loop:
        yield Court(study, loop)


def _leak(folder: Path) -> None:
    """An operator's slip: the sealed canaries, which only Pawl may have, lie among the training data."""
    sealed = folder / ".pawl" / "sealed" / "validation.npz"
    broker = Broker(SealedFile(sealed, sha256(contents(sealed))), None)
    write_train(folder, **np.load(folder / "data" / "train.npz"), **{
        f"leaked_{name}": array for name, array in canaries(broker).items()
    })  # fmt: skip


def _replace(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text()
    for before, after in pairs:
        assert before in text, f"{path.name} has no {before!r}"
        text = re.sub(re.escape(before), lambda _, after=after: after, text, count=1)
    path.write_text(text)
