"""Consent is people's, in time, by keys that still count, in person where that is demanded, and never one's own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hardware import Token
from pawl import app, keys, policy
from pawl.errors import ConfigError, NotAuthorized
from pawl.records import Approval, Dossier, PolicyInForce, Proposal, Record, Release, Screening
from studies import toy

People = dict[str, keys.Signer]
Waiting = Callable[..., app.OpenStudy]


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory, people: People) -> Waiting:
    """`waiting(rules)`: a toy study under these rules, with a dossier that waits; each made once, then copied."""
    made: dict[str, Path] = {}

    def make(rules: dict[str, str] | None = None, proposer: str = "") -> app.OpenStudy:
        name = repr((rules, proposer))
        if name not in made:
            folder = toy(tmp_path_factory.mktemp("made") / "toy", [people["ada"], people["bob"]], rules=rules)
            study = app.open(folder)
            for shift in ("0.4", "0.6", "0.65", "0.7") if proposer else ():
                study.propose(patched(study, shift), f"shift {shift}", proposer)
            study.run(runs=300, until_certified=True)
            made[name] = folder
        return app.adopt(shutil.copytree(made[name], tmp_path_factory.mktemp("copy") / "toy"))

    return make


def patched(study: app.OpenStudy, shift: str) -> str:
    from studies import patch

    return patch(study, "SHIFT = 0.0", f"SHIFT = {shift}")


def newest(study: app.OpenStudy) -> int:
    return study.entries(Dossier)[-1].id


def decide(study: app.OpenStudy, person: keys.Signer, id: int = 0) -> Record:
    return study.decide(id or newest(study), "approve", person.key, person.name).record


# -- roles and proposers --------------------------------------------------------------------------------------------


def test_a_role_that_nobody_signed_for_is_missing(waiting: Waiting, people: People) -> None:
    bob = people["bob"].public
    rules = {"[approval]": "[approval]\nroles = { safety = 1 }", f'key = "{bob}"': f'key = "{bob}"\nroles = ["safety"]'}
    study = waiting(rules)
    assert isinstance(decide(study, people["ada"]), Approval)
    assert study.decisions().missing(study.entries(Dossier)[-1]) == ["0 of 1 by role 'safety'"]
    assert not study.entries(Release)
    assert isinstance(decide(study, people["bob"]), Release)


def test_who_proposed_a_change_cannot_approve_it(waiting: Waiting, people: People) -> None:
    ada = people["ada"]
    study = waiting(None, ada.name)
    mine = {e.id for e in study.entries(Proposal) if e.record.proposer == ada.name}
    assert mine & {e.record.proposal for e in study.entries(Screening) if e.record.decision == "accepted"}
    assert ada.name in study.entries(Dossier)[-1].record.proposers
    with pytest.raises(NotAuthorized, match="proposed a change in dossier"):
        decide(study, ada)
    assert isinstance(decide(study, people["bob"]), Release)


# -- time -----------------------------------------------------------------------------------------------------------


def test_a_dossier_that_waited_too_long_is_judged_again_and_not_signed(
    waiting: Waiting, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime, timedelta

    from pawl import wiring

    study = waiting()

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(days=31)

    monkeypatch.setattr(wiring, "datetime", Later)
    with pytest.raises(NotAuthorized, match="could be decided until") as caught:
        decide(study, people["ada"])
    assert caught.value.hint == f"pawl judge {newest(study)}"
    assert not study.entries(Release)


# -- keys that no longer count --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["public key", "KRL"])
def test_a_revoked_key_signs_nothing_any_more(waiting: Waiting, people: People, tmp_path: Path, how: str) -> None:
    study, ada = waiting(), people["ada"]
    public = tmp_path / "ada.pub"
    public.write_text(ada.public + "\n")
    if how == "KRL":
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(tmp_path / "krl"), str(public)], check=True)
        study.revoke((tmp_path / "krl").read_bytes(), "laptop stolen", "bob@example.org")
    else:
        study.revoke(public.read_bytes(), "laptop stolen", "bob@example.org")
    with pytest.raises(NotAuthorized, match="is revoked"):
        decide(study, ada)
    assert isinstance(decide(study, people["bob"]), Release)


def test_an_approval_by_a_key_that_was_revoked_since_does_not_count(waiting: Waiting, people: People) -> None:
    study = waiting({"threshold = 1": "threshold = 2"})
    assert isinstance(decide(study, people["ada"]), Approval)
    study.revoke(people["ada"].public.encode(), "left", "bob@example.org")
    with pytest.raises(NotAuthorized, match="is revoked"):
        decide(study, people["bob"])
    assert not study.entries(Release)


def test_a_release_stands_when_its_key_is_revoked_afterwards(waiting: Waiting, people: People) -> None:
    study = waiting()
    assert isinstance(decide(study, people["ada"]), Release)
    study.revoke(people["ada"].public.encode(), "left", "bob@example.org")
    study.verify()


def test_a_revocation_that_cannot_be_read_lets_nobody_sign(waiting: Waiting, people: People) -> None:
    study = waiting()
    study.revoke(b"SSHKRL\n\0 broken", "garbage", "eve")
    with pytest.raises(NotAuthorized, match="is revoked"):
        decide(study, people["ada"])


# -- presence -------------------------------------------------------------------------------------------------------


def test_only_a_touched_hardware_key_counts_where_presence_is_demanded(waiting: Waiting, people: People) -> None:
    token = Token()
    hardware = f'[[approver]]\nname = "bob@example.org"\nkey = "{token.public}"\n\n[noise]'
    study = waiting({"[approval]": "[approval]\npresence = true", "[noise]": hardware})
    with pytest.raises(NotAuthorized, match="demands a hardware key that was touched"):
        decide(study, people["ada"])
    id = newest(study)
    request = study.decisions().request(study.entries(Dossier)[-1], "approve", "bob@example.org").encode()
    for armored in (token.sign(request, touched=False), token.sign(request, namespace=b"file"), token.sign(b"tea")):
        with pytest.raises(NotAuthorized):
            study.record_decision(id, "approve", armored, "bob@example.org")
    release = study.record_decision(id, "approve", token.sign(request), "bob@example.org")
    assert isinstance(release.record, Release)
    signature = study.entries(Approval)[-1].record.signature
    assert (signature.kind, signature.present) == ("sk-ssh-ed25519@openssh.com", True)


# -- the policy itself ----------------------------------------------------------------------------------------------


def edited(study: app.OpenStudy, before: str, after: str) -> app.OpenStudy:
    path = study.folder / policy.FILE
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    return app.open(study.folder)


def test_an_edited_policy_file_is_a_wish_until_the_old_policys_approvers_sign(waiting: Waiting, people: People) -> None:
    study = edited(waiting(), people["bob"].public, people["eve"].public)
    for act in (
        lambda: study.run(runs=10),
        lambda: decide(study, people["ada"]),
        lambda: study.judge_again(newest(study)),
    ):
        with pytest.raises(NotAuthorized, match="nobody approved the change") as caught:
            act()
        assert "pawl policy propose" in caught.value.hint
    change = study.propose_policy("eve@example.org")
    assert "approver ADDED: bob@example.org" in change.record.statement
    with pytest.raises(NotAuthorized):
        decide(study, people["eve"], change.id)
    with pytest.raises(NotAuthorized, match="not bob@example.org's signature"):  # the new key is not in force yet
        study.decide(change.id, "approve", people["eve"].key, "bob@example.org")
    assert isinstance(decide(study, people["ada"], change.id), PolicyInForce)
    study.judge_again(newest(study))
    with pytest.raises(NotAuthorized, match="not bob@example.org's signature"):
        decide(study, people["bob"])


def test_the_threshold_of_the_old_policy_holds_for_lowering_it(waiting: Waiting, people: People) -> None:
    study = edited(waiting({"threshold = 1": "threshold = 2"}), "threshold = 2", "threshold = 1")
    change = study.propose_policy("eve@example.org")
    assert "people who must sign: 2 -> 1 (LOOSER)" in change.record.statement
    assert isinstance(decide(study, people["ada"], change.id), Approval)
    assert isinstance(decide(study, people["bob"], change.id), PolicyInForce)


def test_a_change_of_a_policy_that_is_gone_cannot_be_approved(waiting: Waiting, people: People) -> None:
    study = edited(waiting(), "redraw_after = 25", "redraw_after = 26")
    one = study.propose_policy("eve@example.org")
    study = edited(study, "redraw_after = 26", "redraw_after = 27")
    two = study.propose_policy("eve@example.org")
    decide(study, people["ada"], two.id)
    with pytest.raises(NotAuthorized, match="no longer in force"):
        decide(study, people["bob"], one.id)


def test_a_rejected_change_changes_nothing(waiting: Waiting, people: People) -> None:
    study = edited(waiting(), "threshold = 1", "threshold = 2")
    change = study.propose_policy("eve@example.org")
    study.decide(change.id, "reject", people["ada"].key, people["ada"].name, "why?")
    with pytest.raises(NotAuthorized, match="was settled"):
        decide(study, people["ada"], change.id)
    assert len(study.entries(PolicyInForce)) == 1


def test_a_planted_policy_without_signatures_is_not_believed_by_verify(waiting: Waiting) -> None:
    study = waiting()
    rules = study.entries(PolicyInForce)[-1].record
    text = rules.text.replace("threshold = 1", "threshold = 1 # mine")
    from pawl.envelope import sha256

    study.ledger.append(PolicyInForce(digest=sha256(text.encode()), text=text, change=None, approvals=(), threshold=0))
    with pytest.raises(NotAuthorized, match="policy"):
        study.verify()
    (study.folder / policy.FILE).write_text(text)
    with pytest.raises(NotAuthorized, match="policy"):
        study.run(runs=10)


@pytest.mark.parametrize("shadow", ["working directory", "environment", "git config", "git hook", "second file"])
def test_nothing_shadows_the_policy(
    waiting: Waiting, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shadow: str
) -> None:
    study = waiting()
    lax = (study.folder / policy.FILE).read_text().replace(people["ada"].public, people["eve"].public)
    (tmp_path / policy.FILE).write_text(lax)
    if shadow == "working directory":
        monkeypatch.chdir(tmp_path)
    elif shadow == "environment":
        for name in ("PAWL_POLICY", "PAWL_CONFIG", "PAWL_HOME", "POLICY", "PAWL_APPROVERS"):
            monkeypatch.setenv(name, str(tmp_path / policy.FILE))
    elif shadow == "git config":
        (tmp_path / "config").write_text("[user]\n\temail = ada@example.org\n[include]\n\tpath = /dev/null\n")
        subprocess.run(["git", "-C", str(study.folder), "config", "include.path", str(tmp_path / "config")], check=True)
    elif shadow == "git hook":
        hook = study.folder / ".git" / "hooks" / "reference-transaction"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ncp {tmp_path / policy.FILE} {study.folder / policy.FILE}\n")
        hook.chmod(0o755)
    else:
        (study.state / policy.FILE).write_text(lax)
        (study.folder / "policy.toml.d").mkdir()
        (study.folder / "policy.toml.d" / "more.toml").write_text(lax)
    again = app.open(study.folder)
    with pytest.raises(NotAuthorized, match="not ada@example.org's signature"):
        again.decide(newest(again), "approve", people["eve"].key, "ada@example.org")
    assert isinstance(decide(again, people["ada"]), Release)
    assert "eve" not in (study.folder / policy.FILE).read_text()


def test_whoever_edits_pawl_toml_cannot_name_a_program_that_takes_every_signature(
    waiting: Waiting, people: People, tmp_path: Path
) -> None:
    study, yes = waiting(), tmp_path / "yes"
    yes.write_text("#!/bin/sh\necho 'Good \"pawl\" signature for ada@example.org with ED25519 key SHA256:x'\n")
    yes.chmod(0o755)
    config = study.folder / "pawl.toml"
    table = f'\n[signer]\nuse = "ssh"\nprogram = "{yes}"\n'
    config.write_text(config.read_text() + table)
    with pytest.raises(ConfigError, match="unknown key 'signer'"):
        app.open(study.folder)
    config.write_text(config.read_text().replace(table, ""))
    edited(study, "[noise]", f"{table}\n[noise]")
    with pytest.raises(NotAuthorized, match="nobody approved the change"):
        study.record_decision(newest(study), "approve", "anything", "ada@example.org")
    change = study.propose_policy("eve@example.org")
    assert "signer" in change.record.statement
    with pytest.raises(NotAuthorized):
        study.record_decision(change.id, "approve", "anything", "ada@example.org")
    assert not study.entries(Release)
