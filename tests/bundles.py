"""Real bundles of a real study, and both verifiers of bundles."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pawl
from pawl import app, bundle, keys, plugins
from pawl.audit import Anchors, Report, audit
from pawl.checkpoint import SecretKey
from pawl.errors import PawlError
from pawl.export import Export
from pawl.protocols import Seal, Signer
from pawl.records import Dossier
from studies import TOY, patch, toy

VERIFIER = Path(pawl.__file__).parent / "standalone" / "verify_pawl.py"


# -- both verifiers -------------------------------------------------------------------------------------------------


@cache
def standalone() -> ModuleType:
    """The verifier that needs no Pawl, as a module. What ssh-keygen says of some bytes is remembered."""
    spec = importlib.util.spec_from_file_location("verify_pawl", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_pawl"] = module
    spec.loader.exec_module(module)
    module.signed = _remembered(module.signed)
    return module


def _remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose answers, refusals too, are kept by the content of its arguments."""
    known: dict[str, tuple[bool, Any]] = {}

    def call(*args: Any) -> Any:
        key = repr(args)
        if key not in known:
            try:
                known[key] = (True, function(*args))
            except Exception as error:
                known[key] = (False, error)
        fine, answer = known[key]
        if not fine:
            raise answer
        return answer

    return call


class Remembering:
    """ssh-keygen, asked once for each content."""

    def __init__(self, signer: Signer) -> None:
        self.sign = signer.sign
        self._verify = _remembered(signer.verify)

    def verify(
        self, message: bytes, armored: str, approver: str, public_key: str, revoked: Sequence[bytes] = ()
    ) -> Seal:
        seal: Seal = self._verify(message, armored, approver, public_key, tuple(revoked))
        return seal


@cache
def signer() -> Remembering:
    return Remembering(plugins.build("signer", "ssh", {}))  # type: ignore[arg-type]


def pawl_says(raw: bytes, anchors: Anchors) -> tuple[int, str, Report]:
    """Pawl's exit code for a bundle, its words, and what it found."""
    report = Report(anchors.enough)
    try:
        audit(raw, anchors, signer(), report).must_hold()
    except PawlError as error:
        return error.exit_code, str(error), report
    return 0, "", report


def other_says(raw: bytes, anchors: Anchors) -> tuple[int, str]:
    """The stand-alone verifier's exit code for a bundle, and its words."""
    module = standalone()
    asked = argparse.Namespace(
        log_key=str(anchors.log) if anchors.log else None, policy_digest=anchors.policy, signers=anchors.signers,
        witness=[str(key) for key in anchors.witness], witnesses=anchors.witnesses, whole=anchors.whole,
    )  # fmt: skip
    try:
        decision = module.verify(raw, asked, [])
        module.must(anchors.enough, "nothing to hold it against", 5)
        module.must(decision == "released", decision, 5)
    except module.Refused as error:
        return error.code, str(error)
    return 0, ""


def both_say(raw: bytes, anchors: Anchors) -> int:
    """The exit code of both, which must agree on whether it is 0."""
    ours, theirs = pawl_says(raw, anchors), other_says(raw, anchors)
    assert (ours[0] == 0) == (theirs[0] == 0), f"Pawl: {ours[:2]}, the stand-alone verifier: {theirs}"
    return ours[0]


# -- a study with two releases --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bundles:
    """What a study exported at different times, and what an auditor knows from elsewhere."""

    study: app.OpenStudy
    first: bytes
    second: bytes
    undecided: bytes
    before: Path
    anchors: Anchors
    later: Anchors

    @property
    def key(self) -> SecretKey:
        return self.study.anchor.key()


_MADE: dict[Path, Bundles] = {}
WITH_A_DETOUR = TOY.replace("    pass\n", "    pass\nDETOUR = 0.4\n").replace("+ 0.02 *", "+ DETOUR + 0.02 *")
"""With a second gain, that of no constant in the space."""


def made(folder: Path, people: dict[str, keys.Signer]) -> Bundles:
    """A toy study with a release by ada; then a policy that wants two, a revocation, a halt, and a release by two.

    `before` is a copy of it from before the first decision."""
    if folder not in _MADE:
        ada, bob = people["ada"], people["bob"]
        study = app.open(toy(folder / "toy", [ada, bob], WITH_A_DETOUR))
        waiting = study.run(runs=200, until_certified=True)[-1]
        undecided = exported(study, waiting.id)
        study.store._engine.dispose()  # type: ignore[attr-defined]  # a copy beside open connections need not be whole
        before = shutil.copytree(study.folder, folder / "before")
        assert app.adopt(shutil.copytree(before, folder / "looked-at")).dossiers()
        study = app.open(study.folder)
        study.decide(waiting.id, "approve", ada.key, ada.name, "well done")
        first, anchors = exported(study, waiting.id), known(study, waiting.id)
        policy = study.folder / "policy.toml"
        policy.write_text(policy.read_text().replace("threshold = 1 ", "threshold = 2 "))
        study.decide(study.propose_policy(bob.name).id, "approve", ada.key, ada.name)
        study.revoke(people["eve"].public.encode(), "lost on a train", bob.name)
        study = app.open(study.folder)
        study.propose(patch(study, "DETOUR = 0.4", "DETOUR = 0.0"), "the search has too little left to gain")
        again = study.run(runs=400, until_certified=True)[-1]
        study.switch.throw("a fire drill", ada.name)
        study.switch.standing(study.ledger)
        study.resume(ada.key, ada.name)
        for person in (ada, bob):
            study.decide(again.id, "approve", person.key, person.name)
        second, later = exported(study, again.id, whole=True), known(study, again.id)
        _MADE[folder] = Bundles(study, first, second, undecided, before, anchors, later)
    return _MADE[folder]


def exported(study: app.OpenStudy, dossier: int, whole: bool = False, with_artifacts: bool = False) -> bytes:
    note = study.anchor.keep(study.ledger)
    export = Export(study.ledger, study.artifacts, note, whole, with_artifacts)
    return bundle.write(export.bundle(study.ledger.get(dossier, Dossier)), study.anchor.key())


def known(study: app.OpenStudy, dossier: int) -> Anchors:
    return Anchors(log=study.anchor.key().public, policy=study.ledger.get(dossier, Dossier).record.policy)
