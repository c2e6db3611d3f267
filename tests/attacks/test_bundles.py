"""No changed bundle passes, whoever changed it: a thief on the way, or the very holder of the log's key."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from bundles import Bundles, both_say, made, other_says, pawl_says
from damage import BYTES, WITNESS, Fuzz, Json, closed, opened, remade
from pawl import app, bundle, consent, keys
from pawl.audit import Anchors
from pawl.merkle import Tree, leaf_hash
from pawl.records import Approval, Dossier, Release, Variant

People = dict[str, keys.Signer]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, people: People) -> Bundles:
    return made(tmp_path_factory.getbasetemp() / "bundles", people)


@pytest.mark.slow
def test_the_control_the_bundles_are_accepted_as_they_are(real: Bundles) -> None:
    assert both_say(real.first, real.anchors) == 0
    assert both_say(real.second, replace(real.later, whole=True)) == 0
    assert closed(opened(real.first), real.key) == real.first
    assert closed(opened(real.first), None) == real.first


@pytest.mark.parametrize(("bytes", "parts", "histories"), [
    (12, 2, 8),
    pytest.param(100, 20, 60, marks=pytest.mark.slow),
])  # fmt: skip
def test_no_damage_is_overlooked_and_both_verifiers_agree(
    real: Bundles, bytes: int, parts: int, histories: int
) -> None:
    fuzz = Fuzz(real, Random(bytes))
    fuzz.bytes(bytes)
    fuzz.structure(parts, None)
    fuzz.structure(parts, real.key)
    fuzz.histories(histories, late=False)
    fuzz.histories(histories // 3, late=True)
    assert sum(fuzz.tally.tried.values()) >= len(BYTES) * bytes
    for kind, count in fuzz.tally.tried.items():
        if "after the dossier" not in kind and kind != "dropped, signed anew":
            assert fuzz.tally.refused[kind] == count


# -- whoever holds the log's key, and no approver's -----------------------------------------------------------------


def history(real: Bundles) -> tuple[list[bytes], int]:
    """All entries under the first bundle's checkpoint, and its dossier."""
    told = opened(real.first)["history"]["payload"]["predicate"]
    size = int(told["checkpoint"].split("\n")[1])
    return [row.body for row in real.study.ledger.rows()][:size], told["dossier"]


def anew(real: Bundles, bodies: list[bytes]) -> bytes:
    return remade(bodies, real.study.artifacts, real.key, history(real)[1])


def refused(real: Bundles, raw: bytes, code: int = 5) -> None:
    """By both, for the same kind of reason, also where the auditor knows the people instead of the policy."""
    signers = frozenset(
        (name, *key.split()[:2])
        for name, key in ((p.name, p.key) for p in real.study.decisions().consent.policy.approver)
    )
    for anchors in (real.anchors, replace(real.anchors, policy=None, signers=signers)):
        assert (pawl_says(raw, anchors)[0], other_says(raw, anchors)[0]) == (code, code)


def of_kind(bodies: list[bytes], kind: str) -> int:
    """Where the last entry of a kind stands."""
    return max(n for n, body in enumerate(bodies) if json.loads(body)["kind"] == kind)


def root(bodies: list[bytes], size: int) -> str:
    tree = Tree()
    return [tree.append(leaf_hash(body)).hex() for body in bodies][size - 1]


def rewritten(bodies: list[bytes], kind: str, edit: Callable[[Json], object]) -> list[bytes]:
    place, new = of_kind(bodies, kind), list(bodies)
    content = json.loads(new[place])
    edit(content["record"])
    new[place] = bundle.canonical(content, ascii=False)
    assert new != bodies
    return new


def test_a_better_score_written_into_history_is_refused(real: Bundles) -> None:
    bodies, _ = history(real)
    changed = rewritten(bodies, "Evaluation", lambda e: e["metrics"].update(val_loss=0.5))
    refused(real, anew(real, changed), 4)


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("Certificate", lambda c: c.update(estimate=c["estimate"] + 0.01)),
        ("Certificate", lambda c: c.update(low=0.5)),
        ("Certificate", lambda c: c.update(high=None if c["high"] is not None else 9.0)),
        ("Certificate", lambda c: c.update(level=0.99)),
        ("Preregistration", lambda p: p.update(test="clipped-mean")),
    ],
    ids=["a larger gain", "a safer bound", "an open end", "a higher level", "another test"],
)
def test_numbers_that_do_not_follow_from_the_pairs_are_refused(
    real: Bundles, kind: str, edit: Callable[[Json], object]
) -> None:
    raw = anew(real, rewritten(history(real)[0], kind, edit))
    for words in (pawl_says(raw, real.anchors)[1], other_says(raw, real.anchors)[1]):
        assert any(said in words for said in ("does not follow", "of another level", "not the policy's"))
    refused(real, raw, 4)


def test_a_history_that_was_rewritten_without_a_contradiction_is_refused_by_the_signature_alone(real: Bundles) -> None:
    """A run without its walls, and a statement that follows from it: all is consistent but for what ada signed."""
    bodies, _ = history(real)
    changed = rewritten(bodies, "Run", lambda run: run["isolation"].update(held=["a wall of paper"]))

    def follow(dossier: Json) -> None:
        for kind in ("Certificate", "Verdict"):
            size = of_kind(bodies, kind) + 1
            before, after = (root(some, size) for some in (bodies, changed))
            assert before in dossier["statement"]
            dossier["statement"] = dossier["statement"].replace(before, after)

    forged = rewritten(changed, "Dossier", follow)
    said = [pawl_says(anew(real, forged), real.anchors)[1], other_says(anew(real, forged), real.anchors)[1]]
    assert all("is not over entry" in one for one in said)
    refused(real, anew(real, forged))


def test_another_patch_under_the_same_signature_is_refused(real: Bundles) -> None:
    bodies, _ = history(real)
    refused(real, anew(real, rewritten(bodies, "Proposal", lambda p: p.update(hypothesis="a harmless change"))), 4)
    refused(real, anew(real, rewritten(bodies, "Dossier", lambda d: d.update(until="2099-01-01T00:00:00+00:00"))), 4)


def test_a_release_that_nobody_signed_is_refused(real: Bundles) -> None:
    bodies, _ = history(real)
    unsigned = rewritten(bodies, "Release", lambda release: release.update(approvals=[]))
    refused(real, anew(real, unsigned))
    lowered = rewritten(unsigned, "Release", lambda release: release.update(threshold=0))
    refused(real, anew(real, lowered), 4)


def test_an_approval_by_a_key_that_is_not_an_approvers_is_refused(real: Bundles, people: People) -> None:
    bodies, id = history(real)
    dossier, eve, ada = real.study.ledger.get(id, Dossier), people["eve"], people["ada"]
    for name in (eve.name, ada.name):
        text = consent.text(dossier, "approve", name, "well done")
        armored = real.study.decisions().consent.signer.sign(text.encode(), eve.key)
        signature = {"approver": name, "key": "SHA256:x", "kind": "ssh-ed25519", "present": False, "armored": armored}
        forged = rewritten(bodies, "Approval", lambda a, t=text, s=signature: a.update(request=t, signature=s))
        refused(real, anew(real, forged))


def test_a_policy_with_another_approver_slipped_in_is_refused(real: Bundles, people: People) -> None:
    bodies, _ = history(real)
    ada, eve = (people[name].public.rsplit(" ", 1)[0] for name in ("ada", "eve"))
    refused(
        real, anew(real, rewritten(bodies, "PolicyInForce", lambda p: p.update(text=p["text"].replace(ada, eve)))), 4
    )


def test_a_yes_to_one_dossier_is_not_a_yes_to_another(real: Bundles) -> None:
    """The first dossier's approval, as if it were the second's."""
    bodies = [row.body for row in real.study.ledger.rows()]
    first, second = (entry.id for entry in real.study.entries(Dossier))
    yes = next(n for n, body in enumerate(bodies) if json.loads(body)["kind"] == "Approval")
    content = json.loads(bodies[yes])
    assert content["record"]["dossier"] == first
    content["record"]["dossier"] = second
    last = real.study.entries(Release)[-1].record.approvals[-1]
    bodies[last - 1] = bundle.canonical(content, ascii=False)
    raw = remade(bodies, real.study.artifacts, real.key, second)
    assert (pawl_says(raw, real.later)[0], other_says(raw, real.later)[0]) == (5, 5)


def test_a_no_cannot_be_made_a_yes(real: Bundles, people: People) -> None:
    study = app.adopt(shutil.copytree(real.before, real.before.with_name("refused")))
    dossier = study.dossiers()[-1]
    study.decide(dossier.id, "reject", people["ada"].key, people["ada"].name, "not like this")
    no = json.loads([row.body for row in study.ledger.rows()][-1])
    signature = no["record"]["signature"]
    approval = Approval.model_validate_json(
        json.dumps({"dossier": dossier.id, "request": no["record"]["request"], "signature": signature, "note": "yes"})
    )
    bodies = [row.body for row in study.ledger.rows()][:-1]
    yes = {"at": no["at"], "kind": "Approval", "record": approval.model_dump(mode="json")}
    variant = study.ledger.get(dossier.record.variant, Variant).record
    release = {"dossier": dossier.id, "variant": dossier.record.variant, "commit": variant.commit,
               "approvals": [len(bodies) + 1], "threshold": 1}  # fmt: skip
    for content in (yes, {"at": no["at"], "kind": "Release", "record": release}):
        bodies.append(bundle.canonical(content, ascii=False))
    raw = remade(bodies, study.artifacts, study.anchor.key(), dossier.id)
    anchors = Anchors(log=study.anchor.key().public, policy=dossier.record.policy)
    assert (pawl_says(raw, anchors)[0], other_says(raw, anchors)[0]) == (5, 5)


def test_what_the_logs_holder_can_rewrite_a_witness_gives_away(real: Bundles) -> None:
    bodies, id = history(real)
    later, place = list(bodies), of_kind(bodies, "Approval")
    content = json.loads(later[place])
    content["at"] = "2020" + content["at"][4:]  # no approver signs the log's clock
    later[place] = bundle.canonical(content, ascii=False)
    assert both_say(anew(real, later), real.anchors) == 0
    watched = replace(real.anchors, witness=[WITNESS.public])
    assert both_say(remade(bodies, real.study.artifacts, real.key, id, WITNESS), watched) == 0
    assert both_say(anew(real, later), watched) == 5


def test_a_revocation_can_be_left_out_unless_the_auditor_asks_for_every_entry(real: Bundles) -> None:
    whole = opened(real.second)
    entries = whole["history"]["payload"]["predicate"]["entries"]
    kept = [one for one in entries if b'"kind":"Revocation"' not in bundle.decoded(one["body"])]
    assert len(kept) == len(entries) - 1
    whole["history"]["payload"]["predicate"]["entries"] = kept
    raw = closed(whole, real.key)
    assert both_say(raw, real.later) == 0
    assert both_say(raw, replace(real.later, whole=True)) == 5


# -- envelopes, as other tools would forge them ---------------------------------------------------------------------


@pytest.mark.parametrize("what", ["type", "second signature", "keyid", "kind of statement", "swapped", "malleable"])
def test_envelopes_have_one_form(real: Bundles, what: str) -> None:
    whole = copy.deepcopy(opened(real.first))
    raw = closed(whole, real.key)
    assert raw == real.first
    if what == "type":
        whole["case"]["payloadType"] = "application/json"
    elif what == "second signature":
        whole["case"]["signatures"] *= 2
    elif what == "keyid":
        whole["case"]["signatures"][0]["keyid"] = "ada"
    elif what == "kind of statement":
        whole["case"]["payload"]["predicateType"] = "urn:pawl:history:v1"
    elif what == "swapped":
        whole["case"], whole["history"] = whole["history"], whole["case"]
    raw = closed(whole, real.key)
    if what == "malleable":
        order = 2**252 + 27742317777372353535851937790883648493
        again = json.loads(raw)
        signature = bundle.decoded(again["case"]["signatures"][0]["sig"])
        s = int.from_bytes(signature[32:], "little") + order
        again["case"]["signatures"][0]["sig"] = bundle.encoded(signature[:32] + s.to_bytes(32, "little"))
        raw = bundle.canonical(again) + b"\n"
    assert both_say(raw, real.anchors) == 4
