"""Consent is people's, in time, by keys that still count, in person where that is demanded, and never one's own."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hardware import Token
from pawl import app, initialise, keys, policy
from pawl.consent import Consent, Decidable, Word
from pawl.envelope import sha256
from pawl.errors import ConfigError, IntegrityError, NotAuthorized
from pawl.ledger import Entry, Ledger
from pawl.records import (
    Approval,
    Dossier,
    Halt,
    PolicyChange,
    PolicyInForce,
    Proposal,
    Record,
    Release,
    Revocation,
    Screening,
    Signature,
    Variant,
)
from pawl.signers.ssh import SshSigner
from pawl.tables import parse
from simulated import improve, reopened
from studies import toy
from test_ledger import ListStore

People = dict[str, keys.Signer]
Waiting = Callable[..., app.OpenStudy]


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory, people: People) -> Waiting:
    """`waiting(rules)`: a toy study under these rules, with a dossier that waits; each made once, then copied. Its runs
    are simulated: here it is decided about and nothing else."""
    made: dict[str, Path] = {}

    def make(rules: dict[str, str] | None = None, proposer: str = "") -> app.OpenStudy:
        name = repr((rules, proposer))
        if name not in made:
            folder = toy(tmp_path_factory.mktemp("made") / "toy", [people["ada"], people["bob"]], rules=rules)
            study = reopened(folder, lambda values: 0.3 * values["SHIFT"])
            improve(study, {"SHIFT": 0.4}, {"SHIFT": 0.7}, by=proposer or "human")
            made[name] = folder
        return app.adopt(shutil.copytree(made[name], tmp_path_factory.mktemp("copy") / "toy"))

    return make


def newest(study: app.OpenStudy) -> int:
    return study.entries(Dossier)[-1].id


def decide(study: app.OpenStudy, person: keys.Signer, id: int = 0) -> Record:
    return study.decide(id or newest(study), "approve", person.key, person.name).record


# -- roles and proposers --------------------------------------------------------------------------------------------


@pytest.mark.slow
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


@pytest.mark.slow
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
    old = newest(study)
    assert caught.value.hint == f"pawl judge {old}"
    assert not study.entries(Release)
    monkeypatch.undo()
    study.judge_again(old)  # anew, and no longer the old one
    assert newest(study) > old
    with pytest.raises(NotAuthorized, match="no longer stands"):
        decide(study, people["ada"], old)
    assert isinstance(decide(study, people["ada"]), Release)


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


@pytest.mark.slow
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
    garbage = b"SSHKRL\n\0 broken"
    for wrong in (garbage, b"", b"hello\n", people["ada"].key.read_bytes()):
        with pytest.raises(ConfigError, match="neither public keys nor a revocation list"):
            study.revoke(wrong, "garbage", "eve")
    planted = Revocation(keys=base64.b64encode(garbage).decode(), reason="garbage", by="eve")
    study.ledger.append(planted)
    with pytest.raises(NotAuthorized, match="is revoked"):
        decide(study, people["ada"])


# -- presence -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
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
    study = edited(waiting(), "redraw_after = 100", "redraw_after = 101")
    one = study.propose_policy("eve@example.org")
    study = edited(study, "redraw_after = 101", "redraw_after = 102")
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
    study.ledger.append(PolicyInForce(digest=sha256(text.encode()), text=text, change=None, approvals=(), threshold=0))
    with pytest.raises(NotAuthorized, match="policy"):
        study.verify()
    (study.folder / policy.FILE).write_text(text)
    with pytest.raises(NotAuthorized, match="policy"):
        study.run(runs=10)


def test_a_policy_change_that_shows_one_policy_and_means_another_is_not_signed(
    waiting: Waiting, people: People
) -> None:
    """Planted by somebody who can write in the ledger: the words are of a harmless change, the rules make eve sign."""
    study = edited(waiting(), "redraw_after = 100", "redraw_after = 101")
    harmless = study.propose_policy("eve@example.org").record
    text = harmless.text.replace(people["bob"].public, people["eve"].public)
    digest = sha256(text.encode())
    for words in (harmless.statement, harmless.statement.replace(harmless.digest, digest)):
        bad = study.ledger.append(harmless.model_copy(update={"digest": digest, "text": text, "statement": words}))
        with pytest.raises(IntegrityError, match="does not say what it does"):
            decide(study, people["ada"], bad.id)
        with pytest.raises(IntegrityError, match="does not say what it does"):
            study.case(bad.id)
    people_then, ada = study.amendments(), people["ada"]  # whoever got a signature over it by other means
    armored = people_then.consent.signer.sign(people_then.request(bad, "approve", ada.name).encode(), ada.key)
    people_then.approve(bad, ada.name, armored)
    people_then.enact(bad)
    with pytest.raises(NotAuthorized, match="an approved change"):
        study.known_rules()


@pytest.mark.parametrize("lie", ["variant", "words", "proposers", "until", "patch"])
def test_a_dossier_that_shows_one_variant_and_means_another_is_not_signed(
    waiting: Waiting, people: People, lie: str
) -> None:
    study = waiting()
    true = study.entries(Dossier)[-1].record
    study.case(newest(study))
    other = [entry.id for entry in study.entries(Variant) if entry.id != true.variant][-1]
    patch = study.artifacts.put("patch.diff", b"nothing changes\n")
    change = {
        "variant": {"variant": other}, "words": {"statement": true.statement.replace("better", "far better", 1)},
        "proposers": {"proposers": ()}, "until": {"until": "2999-01-01T00:00:00+00:00"},
        "patch": {"attachments": (patch, *true.attachments[1:])},
    }[lie]  # fmt: skip
    bad = study.ledger.append(true.model_copy(update=change))
    with pytest.raises(IntegrityError, match="does not say what it is"):
        decide(study, people["ada"], bad.id)
    assert not study.entries(Release)
    study.decide(bad.id, "reject", people["ada"].key, people["ada"].name, "it lies")


@pytest.mark.slow
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


# -- on paper: the rules by themselves, over cases that no loop made; every signature is real -----------------------

UNTIL = datetime(2030, 2, 1, tzinfo=UTC)
ADA, BOB = "ada@example.org", "bob@example.org"
Paper = Callable[..., Consent]


@pytest.fixture
def paper(people: People) -> Paper:
    """`paper(signers, now, before=after)`: consent over an empty ledger under a policy after some replacements."""

    def make(*signers: keys.Signer, now: datetime = UNTIL, rules: dict[str, str] | None = None) -> Consent:
        text = initialise.policy_text(signers or (people["ada"], people["bob"]))
        for before, after in (rules or {}).items():
            assert before in text, before
            text = text.replace(before, after)
        return Consent(Ledger(ListStore()), SshSigner(), parse(text.encode(), Path("policy.toml"), policy.Policy), now)

    return make


def waits(consent: Consent, **changes: Any) -> Entry[Dossier]:
    """A dossier in the ledger, about nothing."""
    record = Dossier(
        verdict=1, variant=2, reference=3, policy="", statement="THE CASE\n", attachments=(), proposers=("space", BOB),
        until=UNTIL.isoformat(),
    )  # fmt: skip
    return consent.ledger.append(record.model_copy(update=changes))


def other_rules(consent: Consent) -> Entry[PolicyChange]:
    return consent.ledger.append(
        PolicyChange(previous="", digest="", text="", statement="NEW RULES\n", proposer=BOB, until=UNTIL.isoformat())
    )


def written(
    consent: Consent, case: Decidable, person: keys.Signer, remark: str = "", word: Word = "approve"
) -> Approval:
    """An approval as `pawl approve` writes it down, signed for real."""
    request = consent.request(case, word, person.name, remark)
    signature = consent.signed(case, word, person.name, SshSigner().sign(request.encode(), person.key), remark)
    return Approval(dossier=case.id, request=request, signature=signature, note=remark)


def revoke(consent: Consent, person: keys.Signer) -> int:
    content = base64.b64encode(f"{person.public}\n".encode()).decode()
    return consent.ledger.append(Revocation(keys=content, reason="left", by="eve")).id


def refused(act: Callable[[], object]) -> tuple[str, str]:
    """What a refusal says, and what it tells to type."""
    with pytest.raises(NotAuthorized) as caught:
        act()
    return str(caught.value), caught.value.hint


def test_on_paper_exactly_these_words_are_signed(paper: Paper) -> None:
    consent = paper()
    case = waits(consent)
    assert consent.request(case, "approve", ADA, "as agreed\nremark: none\x1b[2J") == (
        f"PAWL DECISION v2\ndecision: approve\ndossier: 1\nlog root: sha256:{case.digest}\n"
        "until: 2030-02-01T00:00:00+00:00\napprover: ada@example.org\n"
        "remark: as agreed remark: none\N{REPLACEMENT CHARACTER}[2J\n\nTHE CASE\n"
    )
    change = other_rules(consent)
    assert consent.request(change, "reject", BOB) == (
        f"PAWL DECISION v2\ndecision: reject\npolicy change: 2\nlog root: sha256:{change.digest}\n"
        "until: 2030-02-01T00:00:00+00:00\napprover: bob@example.org\nremark: \n\nNEW RULES\n"
    )
    halt = consent.ledger.append(Halt(reason="it\nburns", by="eve\nand others", token="t"))
    assert consent.request(halt, "resume", ADA, "put out") == (
        f"PAWL DECISION v2\ndecision: resume\nhalt: 3\nlog root: sha256:{halt.digest}\n"
        "approver: ada@example.org\nremark: put out\n\nPAWL HALT by eve and others\nit burns\n"
    )


def test_on_paper_a_case_can_be_decided_up_to_its_last_instant_and_no_later(paper: Paper) -> None:
    consent, late = paper(now=UNTIL), paper(now=UNTIL + timedelta(microseconds=1))
    for case, again in ((waits(consent), "pawl judge 1"), (other_rules(consent), "pawl policy propose")):
        consent.request(case, "approve", ADA)
        for word in ("approve", "reject"):
            said = refused(lambda word=word, case=case: late.request(case, word, ADA))
            assert said == (f"entry {case.id} could be decided until 2030-02-01T00:00:00+00:00", again)


def test_on_paper_a_halt_ends_whenever_people_say_so(paper: Paper) -> None:
    late = paper(now=UNTIL + timedelta(days=999))
    assert late.request(late.ledger.append(Halt(reason="", by="", token="t")), "resume", ADA)


def test_on_paper_who_proposed_a_change_may_say_no_to_it_and_not_yes(paper: Paper) -> None:
    consent = paper()
    case = waits(consent)
    assert refused(lambda: consent.request(case, "approve", BOB)) == (
        "bob@example.org proposed a change in dossier 1, and may not approve it", "pawl approve N --as NAME"
    )  # fmt: skip
    assert consent.request(case, "reject", BOB)
    assert consent.request(other_rules(consent), "approve", BOB)


def test_on_paper_a_stranger_is_told_whom_the_policy_names(paper: Paper, people: People) -> None:
    twice = (people["ada"], keys.Signer(ADA, people["eve"].public, people["eve"].key, True), people["bob"])
    consent = paper(*twice)
    assert refused(lambda: consent.request(waits(consent), "reject", "eve@example.org")) == (
        "eve@example.org is not an approver in the policy (ada@example.org, bob@example.org)",
        "pawl approve N --as NAME",
    )  # fmt: skip
    assert [person.key for person in consent.people(ADA)] == [people["ada"].public, people["eve"].public]


def test_on_paper_a_signature_tells_who_signed_with_which_key(paper: Paper, people: People) -> None:
    consent, ada = paper(), people["ada"]
    case = waits(consent)
    armored = SshSigner().sign(consent.request(case, "approve", ADA).encode(), ada.key)
    line = subprocess.run(["ssh-keygen", "-l", "-f", str(ada.key)], capture_output=True, text=True, check=True).stdout
    assert consent.signed(case, "approve", ADA, armored) == Signature(
        approver=ADA, key=line.split()[1], kind="ssh-ed25519", present=False, armored=armored
    )  # fmt: skip
    with pytest.raises(NotAuthorized):
        consent.signed(case, "approve", ADA, armored, "a remark that was not signed")


@pytest.mark.parametrize("order", [1, -1])
def test_on_paper_any_of_a_persons_keys_will_do(paper: Paper, people: People, order: int) -> None:
    second = keys.Signer(ADA, people["eve"].public, people["eve"].key, True)
    consent = paper(*(people["ada"], second)[::order])
    case = waits(consent)
    for person in (people["ada"], second):
        assert consent.missing(case, [written(consent, case, person)]) == []
    approval = written(consent, case, people["ada"])
    revoke(consent, people["ada"])
    said, _ = refused(lambda: consent.holds(case, approval))
    assert ("is revoked" if order == 1 else "not ada@example.org's signature") in said  # what its first key was told


def test_on_paper_an_approval_holds_for_its_own_case_and_words_alone(paper: Paper, people: People) -> None:
    consent = paper()
    case, twin = waits(consent), waits(consent)
    approval = written(consent, case, people["ada"], "fine")
    assert consent.holds(case, approval) == approval.signature
    changed = [
        (twin, approval.model_copy(update={"dossier": twin.id})), (twin, approval),
        (case, approval.model_copy(update={"dossier": twin.id})),
        (case, approval.model_copy(update={"note": "better"})),
        (case, approval.model_copy(update={"request": approval.request.replace("fine", "good")})),
        (case, written(consent, case, people["ada"], word="reject")),
    ]  # fmt: skip
    for about, wrong in changed:
        said, hint = refused(lambda about=about, wrong=wrong: consent.holds(about, wrong))
        assert (said, hint) == (f"ada@example.org's approval is not over entry {about.id}", f"pawl show {about.id}")


def test_on_paper_a_key_that_was_revoked_counts_for_what_was_before(paper: Paper, people: People) -> None:
    consent = paper()
    case = waits(consent)
    approval = written(consent, case, people["ada"])
    id = revoke(consent, people["ada"])
    for when in (1, id):
        assert consent.holds(case, approval, before=when) == approval.signature
        assert consent.missing(case, [approval], before=when) == []
    for act in (
        lambda: consent.holds(case, approval), lambda: consent.holds(case, approval, before=id + 1),
        lambda: consent.missing(case, [approval]), lambda: consent.missing(case, [approval], before=id + 1),
        lambda: consent.signed(case, "approve", ADA, approval.signature.armored),
    ):  # fmt: skip
        assert "is revoked" in refused(act)[0]


def test_on_paper_what_is_missing_is_counted_in_people_and_in_keys(paper: Paper, people: People) -> None:
    two = {"threshold = 1": "threshold = 2\nroles = { safety = 1, law = 2 }"}
    for person, roles in (("ada", '["law"]'), ("bob", '["law", "safety"]')):
        two[f'key = "{people[person].public}"'] = f'key = "{people[person].public}"\nroles = {roles}'
    consent = paper(rules=two)
    case = waits(consent, proposers=())
    assert consent.missing(case, []) == ["0 of 2 signature(s)", "0 of 1 by role 'safety'", "0 of 2 by role 'law'"]
    one, other = (written(consent, case, people[name]) for name in ("ada", "bob"))
    assert consent.missing(case, [one]) == ["1 of 2 signature(s)", "0 of 1 by role 'safety'", "1 of 2 by role 'law'"]
    assert consent.missing(case, [one, one])[0] == "1 of 2 signature(s)"
    assert consent.missing(case, [one, other]) == []


def test_on_paper_two_names_with_one_key_are_one_person(paper: Paper, people: People) -> None:
    double = keys.Signer(BOB, people["ada"].public, people["ada"].key, True)
    consent = paper(people["ada"], double, rules={"threshold = 1": "threshold = 2"})
    case = waits(consent, proposers=())
    assert consent.missing(case, [written(consent, case, person) for person in (people["ada"], double)]) == [
        "1 of 2 signature(s)"
    ]


def test_on_paper_presence_is_demanded_of_every_signature(paper: Paper, people: People) -> None:
    token = Token()
    consent = paper(people["ada"], keys.Signer(BOB, token.public, Path(), True),
                    rules={"[approval]": "[approval]\npresence = true"})  # fmt: skip
    case = waits(consent, proposers=())
    assert refused(lambda: written(consent, case, people["ada"])) == (
        "ada@example.org signed with ssh-ed25519, and the policy demands a hardware key that was touched",
        "ssh-keygen -t ed25519-sk",
    )
    request = consent.request(case, "approve", BOB).encode()
    assert consent.signed(case, "approve", BOB, token.sign(request)).present
    with pytest.raises(NotAuthorized, match="was touched"):
        consent.signed(case, "approve", BOB, token.sign(request, touched=False))
