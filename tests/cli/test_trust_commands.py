"""The commands on the log, the rules and the switch, as they are typed."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
from test_commands import pawl

from pawl import app, keys
from pawl.checkpoint import parse, public_key
from pawl.merkle import check_consistency, check_inclusion, leaf_hash
from pawl.records import Dossier, PolicyChange, PolicyInForce, Proposal, Release
from simulated import improve, reopened
from studies import patch, toy

People = dict[str, keys.Signer]


def done(*words: str | Path, study: app.OpenStudy | None = None, stdin: str = "") -> str:
    found = pawl(*words, study=study, stdin=stdin)
    assert found.returncode == 0, found.stderr
    return found.stdout


def sign(study: app.OpenStudy, word: str, id: int, person: keys.Signer, *more: str) -> subprocess.CompletedProcess[str]:
    return pawl(word, str(id), "--as", person.name, "--key", person.key, "--yes", *more, study=study)


# -- the log --------------------------------------------------------------------------------------------------------


def test_a_stranger_checks_a_proof_with_nothing_but_its_text(waiting: app.OpenStudy) -> None:
    key = public_key(done("ledger", "key", study=waiting))
    for id in (1, 7, len(waiting.ledger.all())):
        proof = json.loads(done("ledger", "prove", str(id), study=waiting))
        note = parse(proof["checkpoint"])
        note.signed_at(key)
        leaf = leaf_hash(base64.b64decode(proof["entry"]))
        steps = [base64.b64decode(step) for step in proof["proof"]]
        check_inclusion(leaf, proof["index"], proof["size"], steps, note.root)
    proof = json.loads(done("ledger", "prove", "1", "--since", "5", study=waiting))
    steps = [base64.b64decode(step) for step in proof["proof"]]
    old_root = base64.b64decode(proof["old_root"])
    check_consistency(5, old_root, proof["size"], parse(proof["checkpoint"]).root, steps)
    assert old_root.hex() == waiting.ledger.any(5).digest


def test_a_witness_signs_and_the_signature_comes_back(
    waiting: app.OpenStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, request = (
        done("ledger", "key", study=waiting).strip(),
        done("ledger", "checkpoint", "--since", "0", study=waiting),
    )
    (tmp_path / "request").write_text(request)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("XDG_CONFIG_HOME", str(tmp_path / "witness"))
        signed = pawl("ledger", "witness", tmp_path / "request", "--log-key", key, "--as", "witness/w")
        assert signed.returncode == 0, signed.stderr
        again = pawl("ledger", "witness", "-", "--log-key", key, "--as", "witness/w", stdin=request)
        assert again.returncode == 4  # it goes on from nothing, and this witness has signed before
        assert "pawl ledger checkpoint --since" in again.stderr
    assert "2 signature(s)" in done("ledger", "cosigned", "-", study=waiting, stdin=signed.stdout)
    witness = public_key(signed.stderr.split("witness key:")[1].strip())
    note = app.open(waiting.folder).anchor.last()
    assert note is not None
    assert note.witnesses([witness]) == ["witness/w"]


def test_a_checkpoint_of_another_history_is_a_split_view(waiting: app.OpenStudy, tmp_path: Path) -> None:
    shown = done("ledger", "checkpoint", study=waiting)
    assert "is one of this history" in done("ledger", "compare", "-", study=waiting, stdin=shown)
    key = waiting.anchor.key()
    from pawl.checkpoint import Note

    forged = key.sign(Note(key.name, 3, b"\0" * 32))
    found = pawl("ledger", "compare", "-", study=waiting, stdin=str(forged))
    assert found.returncode == 4
    assert "SPLIT VIEW" in found.stderr


@pytest.mark.parametrize(
    "words", [["compare", "-"], ["cosigned", "-"], ["witness", "-", "--log-key", "x+00000000+AA=="]]
)
def test_garbage_from_elsewhere_is_refused_in_a_sentence(waiting: app.OpenStudy, words: list[str]) -> None:
    found = pawl("ledger", *words, *(["-C", str(waiting.folder)] if words[0] != "witness" else []), stdin="garbage\n")
    assert found.returncode in (4, 5)
    assert "Traceback" not in found.stderr


def test_adopting_asks_and_then_goes_on(
    waiting: app.OpenStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    refused = pawl("status", study=waiting)
    assert refused.returncode == 4
    assert "pawl ledger adopt" in refused.stderr
    assert pawl("ledger", "adopt", study=waiting).returncode != 0
    assert "adopted" in done("ledger", "adopt", "--yes", study=waiting)
    done("status", study=waiting)


# -- the rules ------------------------------------------------------------------------------------------------------


def test_a_policy_change_from_the_edit_to_the_signature(waiting: app.OpenStudy, people: People) -> None:
    assert "policy.toml is the policy in force" in done("policy", "diff", study=waiting)
    before = done("policy", "show", study=waiting)
    path = waiting.folder / "policy.toml"
    path.write_text(path.read_text().replace("alpha = 0.10", "alpha = 0.20"))
    assert "false certificates: 0.1 -> 0.2 (LOOSER)" in done("policy", "diff", study=waiting)
    assert json.loads(done("policy", "diff", "--json", study=waiting)) == [
        "bound on the share of false certificates: 0.1 -> 0.2 (LOOSER) [certification.alpha]"
    ]
    refused = pawl("run", "--runs", "5", study=waiting)
    assert (refused.returncode, "pawl policy propose" in refused.stderr) == (5, True)
    assert "pawl approve" in done("policy", "propose", study=waiting)
    change = app.open(waiting.folder).entries(PolicyChange)[-1]
    assert "alpha = 0.20" in done("review", str(change.id), study=waiting)
    assert str(change.id) in done("status", study=waiting)
    assert done("policy", "show", study=waiting) == before
    signed = sign(waiting, "approve", change.id, people["ada"])
    assert "in force from entry" in signed.stdout, signed.stderr
    assert "WHAT CHANGES" in signed.stdout
    rules = app.open(waiting.folder).entries(PolicyInForce)
    assert [entry.record.change for entry in rules] == [None, change.id]
    assert "alpha = 0.20" in done("policy", "show", study=waiting)


def test_a_revoked_key_is_said_in_the_refusal(waiting: app.OpenStudy, people: People) -> None:
    public = people["ada"].key.with_name("ada.pub")
    assert "revoked (entry" in done("revoke", public, "--reason", "lost", study=waiting)
    refused = sign(waiting, "approve", waiting.entries(Dossier)[-1].id, people["ada"])
    assert refused.returncode == 5
    assert "is revoked" in refused.stderr


def test_show_explains_a_signature(waiting: app.OpenStudy, people: People) -> None:
    id = waiting.entries(Dossier)[-1].id
    assert sign(waiting, "approve", id, people["ada"], "--note", "fine").returncode == 0
    study = app.open(waiting.folder)
    release = study.entries(Release)[-1]
    said = done("show", str(release.record.approvals[0]), study=study)
    for words in ("ada@example.org signed with the ssh-ed25519 key SHA256:", "pawl-decision@v1", f"entry {id}",
                  "It verifies now, with a key in the policy in force."):  # fmt: skip
        assert words in said, words


@pytest.mark.slow
def test_two_people_are_told_what_is_still_missing(tmp_path: Path, people: People) -> None:
    folder = toy(tmp_path / "toy", [people["ada"], people["bob"]], rules={"threshold = 1": "threshold = 2"})
    study = reopened(folder, lambda values: 0.3 * values["SHIFT"])
    id = improve(study, {"SHIFT": 0.4}, {"SHIFT": 0.7})
    assert "still 1 of 2 signature(s)" in sign(study, "approve", id, people["ada"]).stdout
    assert "released" in sign(study, "approve", id, people["bob"]).stdout


def test_your_own_patch_carries_your_name(toy_study: app.OpenStudy, tmp_path: Path) -> None:
    file = tmp_path / "p.diff"
    file.write_text(patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.5"))
    done("propose", "--patch", file, "--hypothesis", "h", study=toy_study)
    done("propose", "--patch", file, "--hypothesis", "h", "--by", "agent/7", study=toy_study)
    assert [e.record.proposer for e in toy_study.entries(Proposal)] == ["ada@example.org", "agent/7"]


# -- the switch -----------------------------------------------------------------------------------------------------


def test_halt_and_resume_as_they_are_typed(waiting: app.OpenStudy, people: People, tmp_path: Path) -> None:
    assert "pawl resume" in done("halt", "--reason", "odd", study=waiting)
    refused = pawl("run", "--runs", "5", study=waiting)
    assert (refused.returncode, "halted by" in refused.stderr) == (8, True)
    ada = people["ada"]
    assert pawl("resume", "--as", ada.name, "--key", ada.key, study=waiting).returncode == 5  # nobody can be asked
    request = tmp_path / "request"
    request.write_text(done("resume", "--as", ada.name, "--print", study=waiting))
    assert "decision: resume" in request.read_text()
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(ada.key), "-n", "pawl-decision@v1", str(request)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ)
    assert "resumed" in done("resume", "--as", ada.name, "--signature", f"{request}.sig", study=waiting)
    done("run", "--runs", "5", study=waiting)
    assert (
        pawl("resume", "--as", ada.name, "--key", ada.key, "--yes", study=waiting).returncode == 2
    )  # nothing to resume


def test_a_halt_without_a_study_halts_nothing_and_says_so(tmp_path: Path) -> None:
    found = pawl("halt", "--reason", "x", "-C", tmp_path)
    assert found.returncode == 2
    assert not (tmp_path / ".pawl").exists()
