"""Nothing but the right people's signatures over the right bytes, in time, releases anything."""

from __future__ import annotations

import base64
import re
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledgers import small_ledger
from pawl import app, consent, initialise, keys, merkle, policy
from pawl.approve import Approve, Case
from pawl.artifacts import ArtifactStore
from pawl.consent import Consent, Word
from pawl.errors import ConfigError, IntegrityError, NotAuthorized, PawlError
from pawl.ledger import Entry, Ledger, Row
from pawl.lineage import Lineage
from pawl.records import (
    Approval,
    Dossier,
    PolicyChange,
    PolicyInForce,
    Record,
    Rejection,
    Release,
    Revocation,
    Run,
    Signature,
    Variant,
    Verdict,
)
from pawl.signers.ssh import SshSigner
from pawl.tables import parse
from test_ledger import ListStore

People = dict[str, keys.Signer]
NAMESPACE = "pawl-decision@v1"


def dossier(study: app.OpenStudy) -> Entry[Dossier]:
    return study.entries(Dossier)[-1]


def signed(message: str, signer: keys.Signer, folder: Path, namespace: str = NAMESPACE) -> str:
    """An SSH signature over any text, for any purpose."""
    file = folder / "message"
    file.write_text(message)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(signer.key), "-n", namespace, str(file)]
    subprocess.run(command, check=True, capture_output=True)
    signature = Path(f"{file}.sig")
    text = signature.read_text()
    signature.unlink()
    return text


def request(study: app.OpenStudy, name: str, word: Word = "approve", remark: str = "") -> str:
    return study.decisions().request(dossier(study), word, name, remark)


GATES = [f'[[gate]]\nuse = "{name}"' for name in re.findall(r'use = "([\w-]+)"', initialise.POLICY)]
GATES[0] += "\nallow_self_reported = true"


def with_rules(study: app.OpenStudy, people: People, **changes: str) -> app.OpenStudy:
    """The study after approved changes of its policy, given as old text = new text in pairs."""
    path = study.folder / policy.FILE
    text = path.read_text()
    for before, after in zip(changes["before"].split("|"), changes["after"].split("|"), strict=True):
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)
    change = study.propose_policy("eve@example.org")
    for name in ("ada", "bob"):
        if not isinstance(study.decide(change.id, "approve", people[name].key, people[name].name).record, Approval):
            break
    return app.open(study.folder)


def nothing_was_released(study: app.OpenStudy) -> bool:
    """No release stands in the ledger, and git's champion is still the baseline (or was never named)."""
    command = ["git", "-C", str(study.folder), "rev-parse", "-q", "--verify", "refs/pawl/champion"]
    champion = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return not study.entries(Release) and champion in ("", study.entries(Variant)[0].record.commit)


# -- whose signature ------------------------------------------------------------------------------------------------


def test_the_control_a_right_signature_releases(waiting: app.OpenStudy, people: People) -> None:
    entry = waiting.decide(dossier(waiting).id, "approve", people["ada"].key, people["ada"].name)
    assert isinstance(entry.record, Release)
    assert not nothing_was_released(waiting)
    assert sorted(path.name for path in (waiting.state / "releases" / str(entry.id)).iterdir()) == ["model.json"]


def test_somebody_who_is_not_in_the_policy_cannot_sign(waiting: app.OpenStudy, people: People) -> None:
    with pytest.raises(NotAuthorized, match="not an approver"):
        waiting.decide(dossier(waiting).id, "approve", people["eve"].key, people["eve"].name)
    assert nothing_was_released(waiting)


@pytest.mark.parametrize("key", ["bob", "eve"])
def test_an_approvers_name_with_another_key_is_refused(waiting: app.OpenStudy, people: People, key: str) -> None:
    with pytest.raises(NotAuthorized, match="not ada@example.org's signature"):
        waiting.decide(dossier(waiting).id, "approve", people[key].key, people["ada"].name)
    assert nothing_was_released(waiting)


@pytest.mark.parametrize("armored", ["", "yes", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"])
def test_what_is_no_signature_is_refused(waiting: app.OpenStudy, people: People, armored: str) -> None:
    with pytest.raises(NotAuthorized):
        waiting.record_decision(dossier(waiting).id, "approve", armored, people["ada"].name)
    assert nothing_was_released(waiting)


# -- over which bytes -----------------------------------------------------------------------------------------------


def test_a_signature_over_one_byte_more_or_less_is_refused(
    waiting: app.OpenStudy, people: People, tmp_path: Path
) -> None:
    ada, exact = people["ada"], request(waiting, people["ada"].name)
    for text in (exact + "\n", exact[:-1], exact.replace("gain", "Gain", 1), exact.replace("\n", "\r\n")):
        assert text != exact
        with pytest.raises(NotAuthorized):
            waiting.record_decision(dossier(waiting).id, "approve", signed(text, ada, tmp_path), ada.name)
    assert nothing_was_released(waiting)


@pytest.mark.parametrize("what", ["statement", "word", "remark", "purpose", "file"])
def test_a_signature_for_something_else_is_refused(
    waiting: app.OpenStudy, people: People, tmp_path: Path, what: str
) -> None:
    ada, id = people["ada"], dossier(waiting).id
    text, remark, purpose = request(waiting, ada.name), "", NAMESPACE
    if what == "statement":
        text = dossier(waiting).record.statement
    elif what == "word":
        text = request(waiting, ada.name, "reject")
    elif what == "remark":
        remark = "only after the tests"
    else:
        purpose = {"purpose": "git", "file": "file"}[what]
    with pytest.raises(NotAuthorized):
        waiting.record_decision(id, "approve", signed(text, ada, tmp_path, purpose), ada.name, remark)
    assert nothing_was_released(waiting)


def test_a_signature_for_another_dossier_is_refused(waiting: app.OpenStudy, people: People, tmp_path: Path) -> None:
    ada, first = people["ada"], request(waiting, people["ada"].name)
    study = with_rules(waiting, people, before="redraw_after = 100", after="redraw_after = 101")
    with pytest.raises(NotAuthorized, match="not the one under which"):
        study.decide(dossier(study).id, "approve", ada.key, ada.name)
    study.judge_again(dossier(study).id)
    again = request(study, ada.name)
    assert again != first
    with pytest.raises(NotAuthorized):
        study.record_decision(dossier(study).id, "approve", signed(first, ada, tmp_path), ada.name)
    old = study.entries(Dossier)[0]
    with pytest.raises(NotAuthorized, match="no longer stands"):
        study.decide(old.id, "approve", ada.key, ada.name)
    assert nothing_was_released(study)


def test_an_entry_that_is_no_dossier_cannot_be_decided(waiting: app.OpenStudy, people: People) -> None:
    for id in (1, dossier(waiting).id - 1, waiting.entries(Run)[0].id, 10**6, 0, -1):
        with pytest.raises(ConfigError):
            waiting.decide(id, "approve", people["ada"].key, people["ada"].name)
    assert nothing_was_released(waiting)


def test_a_rejected_dossier_can_be_neither_approved_nor_rejected_again(waiting: app.OpenStudy, people: People) -> None:
    id = dossier(waiting).id
    with pytest.raises(NotAuthorized, match="needs a reason"):
        waiting.decide(id, "reject", people["ada"].key, people["ada"].name, "  ")
    waiting.decide(id, "reject", people["ada"].key, people["ada"].name, "no")
    for word in ("approve", "reject"):
        with pytest.raises(NotAuthorized, match="was settled"):
            waiting.decide(id, word, people["bob"].key, people["bob"].name, "well")  # type: ignore[arg-type]
    assert nothing_was_released(waiting)


# -- how many people ------------------------------------------------------------------------------------------------


@pytest.fixture
def two_needed(waiting: app.OpenStudy, people: People) -> app.OpenStudy:
    study = with_rules(waiting, people, before="threshold = 1", after="threshold = 2")
    study.judge_again(dossier(study).id)
    return study


def test_one_person_who_signs_twice_is_one_person(two_needed: app.OpenStudy, people: People, tmp_path: Path) -> None:
    ada, id = people["ada"], dossier(two_needed).id
    armored = signed(request(two_needed, ada.name), ada, tmp_path)
    assert isinstance(two_needed.record_decision(id, "approve", armored, ada.name).record, Approval)
    for remark in ("", "once more"):
        with pytest.raises(NotAuthorized, match="has signed"):
            two_needed.decide(id, "approve", ada.key, ada.name, remark)
    with pytest.raises(NotAuthorized):
        two_needed.record_decision(id, "approve", armored, people["bob"].name)
    assert nothing_was_released(two_needed)
    assert isinstance(two_needed.decide(id, "approve", people["bob"].key, people["bob"].name).record, Release)


@pytest.mark.parametrize(("before", "after", "said"), [
    ("name = \"bob@example.org\"\nkey = \"BOB", "name = \"bob@example.org\"\nkey = \"ADA", "one key to two"),
    ("threshold = 1", "threshold = 3", "3 signatures and names 2"),
    ("|".join(GATES), "|" * (len(GATES) - 1), "names no gates"),
    ("expires = 20", "expires = 19", "expired"),
])  # fmt: skip
def test_a_policy_that_cannot_be_relied_on_lets_nobody_sign(
    waiting: app.OpenStudy, people: People, before: str, after: str, said: str
) -> None:
    ada, bob = people["ada"].public, people["bob"].public
    changed = {"before": before.replace("BOB", bob), "after": after.replace("ADA", f"{ada} other words")}
    with pytest.raises(NotAuthorized, match=said):
        with_rules(waiting, people, **changed)
    with pytest.raises(NotAuthorized, match=said):
        waiting.decide(dossier(waiting).id, "approve", people["ada"].key, people["ada"].name)
    assert nothing_was_released(waiting)


def test_an_approver_who_was_struck_off_since_does_not_count(two_needed: app.OpenStudy, people: People) -> None:
    id = dossier(two_needed).id
    two_needed.decide(id, "approve", people["bob"].key, people["bob"].name)
    study = with_rules(two_needed, people, before=people["bob"].public, after=people["eve"].public)
    with pytest.raises(NotAuthorized):
        study.decide(id, "approve", people["ada"].key, people["ada"].name)
    assert nothing_was_released(study)


# -- bytes on disk --------------------------------------------------------------------------------------------------


@pytest.fixture
def rewrite() -> Callable[..., None]:
    """Changes the ledger's file as somebody could who has it in hand: triggers off, and the chain made anew or not."""

    def change(study: app.OpenStudy, id: int, edit: Callable[[bytes], bytes], mend: bool = False) -> None:
        with closing(sqlite3.connect(study.state / "ledger.sqlite")) as base:
            for verb in ("UPDATE", "DELETE"):
                base.execute(f"DROP TRIGGER never_{verb}")
            body = base.execute("SELECT body FROM entries WHERE id = ?", (id,)).fetchone()[0]
            assert edit(body) != body
            base.execute("UPDATE entries SET body = ? WHERE id = ?", (edit(body), id))
            tree = merkle.Tree()
            for row, body in base.execute("SELECT id, body FROM entries ORDER BY id").fetchall() if mend else ():
                root = tree.append(merkle.leaf_hash(body)).hex()
                base.execute("UPDATE entries SET digest = ? WHERE id = ?", (root, row))
            base.commit()

    return change


def better(body: bytes) -> bytes:
    return body.replace(b"better (median", b"Better (median")


@pytest.mark.parametrize("fresh", [True, False], ids=["a new process", "a process that read it before"])
def test_one_changed_byte_in_the_statement_voids_everything(
    waiting: app.OpenStudy, people: People, rewrite: Callable[..., None], fresh: bool
) -> None:
    id = dossier(waiting).id
    rewrite(waiting, id, better)
    if fresh:
        with pytest.raises(IntegrityError, match=f"entry {id} is not what was written"):
            app.open(waiting.folder)
        return
    with pytest.raises(IntegrityError):
        waiting.decide(id, "approve", people["ada"].key, people["ada"].name)
    with pytest.raises(IntegrityError):
        waiting.verify()


def test_with_the_chain_made_anew_the_old_signature_no_longer_fits(
    waiting: app.OpenStudy, people: People, tmp_path: Path, rewrite: Callable[..., None]
) -> None:
    ada, id = people["ada"], dossier(waiting).id
    armored = signed(request(waiting, ada.name), ada, tmp_path)
    rewrite(waiting, 1, lambda body: body.replace(b'"at":"2', b'"at":"1'), mend=True)  # not the dossier: its history
    with pytest.raises(IntegrityError, match="not those that a checkpoint was signed over"):
        app.open(waiting.folder)
    study = app.adopt(waiting.folder)
    with pytest.raises(IntegrityError, match="does not say what it is"):  # it names digests of another history
        study.record_decision(id, "approve", armored, ada.name)
    assert nothing_was_released(study)


def test_a_process_that_read_another_history_notices_that_it_was_made_anew(
    waiting: app.OpenStudy, rewrite: Callable[..., None]
) -> None:
    rewrite(waiting, dossier(waiting).id, better, mend=True)
    with pytest.raises(IntegrityError):
        waiting.ledger.verify()


def test_a_process_that_has_seen_more_notices_that_the_end_was_cut_off(waiting: app.OpenStudy) -> None:
    with closing(sqlite3.connect(waiting.state / "ledger.sqlite")) as base:
        waiting.ledger.all()
        base.execute("DROP TRIGGER never_DELETE")
        base.execute("DELETE FROM entries WHERE id = (SELECT max(id) FROM entries)")
        base.commit()
    with pytest.raises(IntegrityError):
        waiting.ledger.verify()
    with pytest.raises(IntegrityError, match="rolled back"):
        app.open(waiting.folder)  # a new process knows the checkpoint


@pytest.mark.parametrize("which", ["weights", "patch", "page"])
def test_artifacts_that_changed_on_disk_void_the_dossier(waiting: app.OpenStudy, people: People, which: str) -> None:
    record = dossier(waiting).record
    run = [entry.record for entry in waiting.entries(Run) if entry.record.variant == record.variant][-1]
    digest = {"weights": run.artifacts[0], "patch": record.attachments[0], "page": record.attachments[-1]}[which].digest
    path = waiting.state / "artifacts" / digest[:2] / digest[2:]
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match="not what was written"):
        waiting.decide(dossier(waiting).id, "approve", people["ada"].key, people["ada"].name)
    assert nothing_was_released(waiting)


# -- by those who can write to the ledger, and have no key ----------------------------------------------------------


def planted(study: app.OpenStudy, signer: keys.Signer, text: str, folder: Path) -> None:
    """An approval that nobody gave, with a signature that somebody did give, for another text."""
    armored = signed(text, signer, folder)
    seal = study.decisions().consent.signer.verify(text.encode(), armored, signer.name, signer.public)
    signature = Signature(
        approver=signer.name, key=seal.key, kind=seal.kind, present=seal.present, armored=armored
    )  # fmt: skip
    study.ledger.append(Approval(dossier=dossier(study).id, request=text, signature=signature, note=""))


@pytest.mark.parametrize("what", ["a signed no", "any signed text"])
def test_a_signature_for_another_text_does_not_count_when_it_is_planted_in_the_ledger(
    waiting: app.OpenStudy, people: People, tmp_path: Path, what: str
) -> None:
    ada = people["ada"]
    text = request(waiting, ada.name, "reject", "it is broken") if what == "a signed no" else "I like tea"
    planted(waiting, ada, text, tmp_path)
    with pytest.raises(NotAuthorized):
        waiting.decisions().release(dossier(waiting))
    assert nothing_was_released(waiting)


def test_a_release_that_nobody_signed_is_found_by_verify(waiting: app.OpenStudy) -> None:
    record = dossier(waiting).record
    commit = waiting.ledger.get(record.variant, Variant).record.commit
    waiting.ledger.append(
        Release(dossier=dossier(waiting).id, variant=record.variant, commit=commit, approvals=(), threshold=1)
    )
    with pytest.raises(PawlError):
        waiting.verify()


@pytest.mark.parametrize("how", ["alone", "with a name that nobody has", "of one's own proposal"])
def test_one_approver_who_writes_in_the_ledger_releases_nothing_alone(
    two_needed: app.OpenStudy, people: People, tmp_path: Path, how: str
) -> None:
    study, ada, bob = two_needed, people["ada"], people["bob"]
    if how == "of one's own proposal":
        own = dossier(study).record
        study.ledger.append(own.model_copy(update={"proposers": (ada.name,)}))
    case = dossier(study)
    planted(study, ada, consent.text(case, "approve", ada.name, ""), tmp_path)
    approvals = [study.entries(Approval)[-1]]
    if how == "with a name that nobody has":
        fake = approvals[0].record.signature.model_copy(update={"approver": "zed@example.org"})
        approvals.append(study.ledger.append(approvals[0].record.model_copy(update={"signature": fake})))
    elif how == "of one's own proposal":
        planted(study, bob, consent.text(case, "approve", bob.name, ""), tmp_path)
        approvals.append(study.entries(Approval)[-1])
        with pytest.raises(NotAuthorized, match="proposed a change"):
            study.decisions().release(case)
    variant = study.ledger.get(case.record.variant, Variant)
    study.ledger.append(
        Release(
            dossier=case.id, variant=variant.id, commit=variant.record.commit,
            approvals=tuple(one.id for one in approvals), threshold=len(approvals),
        )
    )  # fmt: skip
    study.anchor.keep(study.ledger)
    again = app.open(study.folder)
    again.mend()
    release = study.entries(Release)[-1]
    assert not (study.state / "releases" / str(release.id)).exists()
    command = ["git", "-C", str(study.folder), "rev-parse", "-q", "--verify", "refs/pawl/champion"]
    champion = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    assert champion != variant.record.commit
    for act in (again.verify, lambda: again.run(runs=5)):
        with pytest.raises(PawlError):
            act()


def test_files_that_were_exchanged_after_a_release_are_found(waiting: app.OpenStudy, people: People) -> None:
    release = waiting.decide(dossier(waiting).id, "approve", people["ada"].key, people["ada"].name)
    waiting.verify()
    file = waiting.state / "releases" / str(release.id) / "model.json"
    file.write_text("{}")
    with pytest.raises(IntegrityError, match="is not what was released"):
        waiting.verify()
    shutil.rmtree(file.parent)
    waiting.verify()
    (file.parent / "more").write_text("x")
    with pytest.raises(IntegrityError, match="is not what was released"):
        waiting.verify()


# -- at the same time -----------------------------------------------------------------------------------------------


def at_once(study: app.OpenStudy, kinds: tuple[type[Record], type[Record]], monkeypatch: pytest.MonkeyPatch,
            actions: list[Callable[[app.OpenStudy], object]]) -> None:  # fmt: skip
    """Two processes' worth of decisions, each stopped just before it writes until the other is there as well."""
    gate, done = threading.Barrier(2), []

    def work(action: Callable[[app.OpenStudy], object], kind: type[Record]) -> None:
        mine = app.open(study.folder)
        append = mine.ledger.append

        def late(record: Record) -> Entry[Record]:
            if isinstance(record, kind):
                try:
                    gate.wait(2)
                except threading.BrokenBarrierError:
                    pass  # the other was kept out, as it should
            return append(record)

        monkeypatch.setattr(mine.ledger, "append", late)
        try:
            done.append(action(mine))
        except NotAuthorized:
            pass

    threads = [threading.Thread(target=work, args=pair) for pair in zip(actions, kinds, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done


def test_two_people_who_approve_at_once_make_one_release(
    waiting: app.OpenStudy, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, (ada, bob) = dossier(waiting).id, (people["ada"], people["bob"])
    yes = [lambda s: s.decide(id, "approve", ada.key, ada.name), lambda s: s.decide(id, "approve", bob.key, bob.name)]
    at_once(waiting, (Release, Release), monkeypatch, yes)
    assert len(waiting.entries(Release)) == 1


def test_a_no_and_a_yes_at_once_do_not_both_count(
    waiting: app.OpenStudy, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, (ada, bob) = dossier(waiting).id, (people["ada"], people["bob"])
    both = [
        lambda s: s.decide(id, "approve", ada.key, ada.name), lambda s: s.decide(id, "reject", bob.key, bob.name, "no"),
    ]  # fmt: skip
    at_once(waiting, (Release, Rejection), monkeypatch, both)
    assert len(waiting.entries(Release)) + len(waiting.entries(Rejection)) == 1


# -- on paper: the rules by themselves, over a ledger that no loop made; git, signatures and artifacts are real ------

ADA, BOB = "ada@example.org", "bob@example.org"
RULES = "a0" * 32
"""The digest of the policy under which the small ledger's dossier was judged."""
Paper = Callable[..., Approve]
Changes = dict[type[Record], dict[str, Any]]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository whose one commit is the champion, and another commit for who comes next."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "train.py").write_text("")
    initialise.commit(folder, "Start")
    tree = ["git", "-C", str(folder), "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "Better"]
    return folder, subprocess.run(tree, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def told() -> list[Record]:
    """What the small ledger holds."""
    return [entry.record for entry in small_ledger(ListStore()).all()]


@pytest.fixture
def paper(tmp_path: Path, people: People, repository: tuple[Path, str], told: list[Record]) -> Paper:
    """`paper(changes, rules, digest)`: decisions over the small ledger, whose records of some kinds were changed."""
    folder, commit = repository

    def make(changes: Changes | None = None, rules: dict[str, str] | None = None, digest: str = RULES) -> Approve:
        text = initialise.policy_text([people["ada"], people["bob"]])
        for before, after in (rules or {}).items():
            assert before in text, before
            text = text.replace(before, after)
        store = ArtifactStore(tmp_path / "artifacts")
        weights, patch = store.put("weights.npz", b"weights"), store.put("patch.diff", b"patch")
        all_changes: Changes = {
            Run: {"artifacts": (weights,)}, Dossier: {"attachments": (patch,)}, Variant: {"commit": commit},
        }  # fmt: skip
        for kind, fields in (changes or {}).items():
            all_changes[kind] = all_changes.get(kind, {}) | fields
        subprocess.run(["git", "-C", str(folder), "update-ref", "refs/pawl/champion", "HEAD"], check=True)
        ledger = Ledger(ListStore())
        for record in told:
            ledger.append(record.model_copy(update=all_changes.get(type(record), {})))
        rules_now = parse(text.encode(), Path("policy.toml"), policy.Policy)
        consent = Consent(ledger, SshSigner(), rules_now, datetime(2030, 1, 1, tzinfo=UTC))
        return Approve(ledger, Lineage(folder, ("train.py",)), store, consent, digest)

    return make


def case_of(decisions: Approve) -> Entry[Dossier]:
    found = decisions.ledger.last(Dossier)
    assert found is not None
    return found


def new_rules(decisions: Approve, previous: str = RULES) -> Entry[PolicyChange]:
    return decisions.ledger.append(
        PolicyChange(
            previous=previous, digest="a1" * 32, text="NEW", statement="S\n", proposer="eve",
            until="2999-12-31T00:00:00Z",
        )
    )  # fmt: skip


def yes(decisions: Approve, case: Case, person: keys.Signer, note: str = "") -> Entry[Approval]:
    armored = SshSigner().sign(decisions.request(case, "approve", person.name, note).encode(), person.key)
    return decisions.approve(case, person.name, armored, note)


def no(decisions: Approve, case: Case, person: keys.Signer, reason: str) -> Entry[Rejection]:
    armored = SshSigner().sign(decisions.request(case, "reject", person.name, reason).encode(), person.key)
    return decisions.reject(case, person.name, armored, reason)


def champion(decisions: Approve) -> str:
    command = ["git", "-C", str(decisions.lineage.folder), "rev-parse", "refs/pawl/champion"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def refused(act: Callable[[], object]) -> tuple[str, str]:
    """What a refusal says, and what it tells to type."""
    with pytest.raises(NotAuthorized) as caught:
        act()
    return str(caught.value), caught.value.hint


def test_on_paper_a_yes_is_written_down_word_for_word_and_counts_once(paper: Paper, people: People) -> None:
    decisions = paper(rules={"threshold = 1": "threshold = 2"})
    case = case_of(decisions)
    request = decisions.request(case, "approve", ADA, "well done")
    assert "remark: well done\n" in request
    assert "remark: \n" in decisions.request(case, "approve", ADA)
    entry = yes(decisions, case, people["ada"], "well done")
    found = entry.record
    assert (found.dossier, found.request, found.note, found.signature.approver) == (case.id, request, "well done", ADA)
    assert decisions.approvals(case) == [entry]
    assert decisions.missing(case) == ["1 of 2 signature(s)"]
    for act in (lambda: yes(decisions, case, people["ada"]), lambda: decisions.approve(case, ADA, "")):
        assert refused(act) == (f"ada@example.org has signed entry {case.id} already (entry {entry.id})", "")
    armored = SshSigner().sign(decisions.request(case, "approve", BOB).encode(), people["bob"].key)
    assert decisions.approve(case, BOB, armored).record.note == ""
    assert decisions.missing(case) == []


def test_on_paper_a_no_is_written_down_word_for_word_and_settles_the_case(paper: Paper, people: People) -> None:
    decisions = paper()
    case = case_of(decisions)
    assert refused(lambda: decisions.reject(case, ADA, "", " \n")) == (
        "a rejection needs a reason", f"pawl reject {case.id} --reason '...'"
    )  # fmt: skip
    request = decisions.request(case, "reject", ADA, "too dear")
    with pytest.raises(NotAuthorized, match="not ada@example.org's signature"):
        decisions.reject(case, ADA, SshSigner().sign(request.encode(), people["ada"].key), "too slow")
    entry = no(decisions, case, people["ada"], "too dear")
    found = entry.record
    assert (found.dossier, found.request, found.reason, found.signature.approver) == (case.id, request, "too dear", ADA)
    settled = (f"entry {case.id} was settled by entry {entry.id}", f"pawl show {entry.id}")
    for act in (
        lambda: decisions.request(case, "approve", BOB), lambda: decisions.request(case, "reject", BOB),
        lambda: decisions.approve(case, BOB, ""), lambda: decisions.reject(case, BOB, "", "well"),
        lambda: decisions.release(case),
    ):  # fmt: skip
        assert refused(act) == settled


def test_on_paper_enough_signatures_move_the_champion_once(
    paper: Paper, people: People, repository: tuple[Path, str]
) -> None:
    decisions, (folder, commit) = paper(rules={"threshold = 1": "threshold = 2"}), repository
    case, before = case_of(decisions), champion(decisions)
    ids = [yes(decisions, case, people["ada"]).id]
    assert decisions.release(case) is None
    assert champion(decisions) == before != commit
    ids.append(yes(decisions, case, people["bob"]).id)
    release = decisions.release(case)
    assert release is not None
    assert release.record == Release(
        dossier=case.id, variant=case.record.variant, commit=commit, approvals=tuple(ids), threshold=2
    )
    assert champion(decisions) == commit
    decisions.verify(release)
    subprocess.run(["git", "-C", str(folder), "update-ref", "refs/pawl/champion", before], check=True)
    assert decisions.release(case) == release  # a crash came between the entry and the reference
    assert champion(decisions) == commit
    assert len(decisions.ledger.entries(Release)) == 1


def test_on_paper_a_policy_is_put_in_force_once_by_enough_signatures(paper: Paper, people: People) -> None:
    decisions = paper(rules={"threshold = 1": "threshold = 2"})
    change = new_rules(decisions)
    ids = [yes(decisions, change, people["ada"]).id]
    assert decisions.enact(change) is None
    assert not decisions.ledger.entries(PolicyInForce)
    ids.append(yes(decisions, change, people["bob"]).id)
    entry = decisions.enact(change)
    assert entry is not None
    assert entry.record == PolicyInForce(
        digest="a1" * 32, text="NEW", change=change.id, approvals=tuple(ids), threshold=2
    )
    assert decisions.enact(change) == entry
    assert len(decisions.ledger.entries(PolicyInForce)) == 1


def test_on_paper_what_was_released_or_put_in_force_does_not_stand_for_the_next(paper: Paper, people: People) -> None:
    decisions = paper()
    cases: list[Case] = [case_of(decisions), new_rules(decisions)]
    for case, act in zip(cases, (decisions.release, decisions.enact), strict=True):
        yes(decisions, case, people["ada"])
        first = act(case)  # type: ignore[arg-type]
        later = decisions.ledger.append(case.record)
        assert act(later) is None  # type: ignore[arg-type]
        yes(decisions, later, people["bob"])
        second = act(later)  # type: ignore[arg-type]
        assert None is not first != second is not None
        assert (act(case), act(later)) == (first, second)  # type: ignore[arg-type]


def test_on_paper_a_change_of_another_policy_can_be_rejected_and_not_approved(paper: Paper, people: People) -> None:
    decisions = paper()
    change = new_rules(decisions, previous="b0" * 32)
    said = (f"policy change {change.id} would replace a policy that is no longer in force", "pawl policy propose")
    for act in (
        lambda: decisions.request(change, "approve", ADA), lambda: decisions.approve(change, ADA, ""),
        lambda: decisions.enact(change),
    ):  # fmt: skip
        assert refused(act) == said
    assert no(decisions, change, people["ada"], "old").record.dossier == change.id


def refuses_a_yes(decisions: Approve, people: People, said: str, hint: str) -> None:
    """The dossier can be neither signed nor released; a no is taken, for it needs nothing of this."""
    case = case_of(decisions)
    for act in (
        lambda: decisions.request(case, "approve", ADA), lambda: decisions.approve(case, ADA, ""),
        lambda: decisions.release(case),
    ):  # fmt: skip
        assert refused(act) == (said.format(case.id), hint.format(case.id))
    assert not decisions.ledger.entries(Approval)
    assert no(decisions, case, people["ada"], "no").record.dossier == case.id


def test_on_paper_a_dossier_of_another_policy_is_not_signed(paper: Paper, people: People) -> None:
    said = "the policy in force is not the one under which dossier {} was judged"
    refuses_a_yes(paper(digest="a1" * 32), people, said, "pawl judge {}")


def test_on_paper_a_dossier_that_was_judged_again_no_longer_stands(paper: Paper, people: People) -> None:
    decisions = paper()
    old = case_of(decisions)
    fresh = decisions.ledger.append(old.record)
    said = (f"dossier {old.id} no longer stands: what it was certified against is gone", "pawl run")
    assert refused(lambda: decisions.request(old, "approve", ADA)) == said
    assert yes(decisions, fresh, people["ada"]).record.dossier == fresh.id


def test_on_paper_a_verdict_that_did_not_pass_is_not_signed(paper: Paper, people: People) -> None:
    decisions = paper()
    passed = decisions.ledger.last(Verdict)
    assert passed is not None
    failed = decisions.ledger.append(passed.record.model_copy(update={"passed": False}))
    decisions.ledger.append(case_of(decisions).record.model_copy(update={"verdict": failed.id}))
    refuses_a_yes(decisions, people, f"verdict {failed.id} did not pass", f"pawl why {failed.id}")


def test_on_paper_every_byte_that_a_dossier_names_must_still_be_there(paper: Paper) -> None:
    decisions = paper()
    store, case = decisions.artifacts, case_of(decisions)
    for content in (b"weights", b"patch"):
        path = store.folder / store.put("", content).digest[:2] / store.put("", content).digest[2:]
        path.unlink()
        with pytest.raises(IntegrityError, match="cannot be read"):
            decisions.request(case, "approve", ADA)
        store.put("", content)
    assert decisions.request(case, "approve", ADA)


def test_on_paper_runs_of_others_and_runs_after_the_certificate_are_not_asked_for(paper: Paper) -> None:
    decisions = paper()
    case, lost = case_of(decisions), decisions.artifacts.put("lost", b"lost")
    path = decisions.artifacts.folder / lost.digest[:2] / lost.digest[2:]
    path.unlink()
    own = [entry for entry in decisions.ledger.entries(Run) if entry.record.variant == case.record.variant]
    decisions.ledger.append(own[-1].record.model_copy(update={"artifacts": (lost,)}))
    assert decisions.request(case, "approve", ADA)


@pytest.mark.parametrize("of", ["the dossier's variant", "another variant"])
def test_on_paper_a_lost_artifact_matters_where_it_is_the_variants_own(paper: Paper, of: str) -> None:
    decisions = paper()
    case, lost = case_of(decisions), decisions.artifacts.put("lost", b"lost")
    (decisions.artifacts.folder / lost.digest[:2] / lost.digest[2:]).unlink()
    retold = Ledger(ListStore())
    for entry in decisions.ledger.all():
        own = isinstance(entry.record, Run) and entry.record.variant == case.record.variant
        mine = isinstance(entry.record, Run) and own == (of == "the dossier's variant")
        retold.append(entry.record.model_copy(update={"artifacts": (lost,)}) if mine else entry.record)
    again = Approve(retold, decisions.lineage, decisions.artifacts,
                    Consent(retold, SshSigner(), decisions.consent.policy, decisions.consent.now), RULES)  # fmt: skip
    if of == "another variant":
        assert again.request(case_of(again), "approve", ADA)
        return
    with pytest.raises(IntegrityError, match="cannot be read"):
        again.request(case_of(again), "approve", ADA)


def test_on_paper_a_tampered_ledger_lets_nobody_decide(paper: Paper) -> None:
    decisions = paper()
    case, store = case_of(decisions), decisions.ledger._store
    assert isinstance(store, ListStore)
    store.kept[0] = Row(1, b"{}", store.kept[0].digest)
    for word in ("approve", "reject"):
        with pytest.raises(IntegrityError, match="entry 1 is not what was written"):
            decisions.request(case, word, ADA)  # type: ignore[arg-type]


def released(decisions: Approve, people: People, **changes: Any) -> Entry[Release]:
    """A release with all that it needs, but for some changes, put straight into the ledger."""
    case = case_of(decisions)
    ids = tuple(yes(decisions, case, people[name]).id for name in ("ada", "bob"))
    release = Release(dossier=case.id, variant=case.record.variant, commit="", approvals=ids, threshold=2)
    return decisions.ledger.append(release.model_copy(update=changes))


def test_on_paper_a_release_is_vouched_for_by_enough_people_and_its_own_dossier(paper: Paper, people: People) -> None:
    decisions = paper()
    good = released(decisions, people)
    decisions.verify(good)
    one, two = good.record.approvals
    changes: list[dict[str, Any]] = [
        {"threshold": 3}, {"approvals": (one,)}, {"approvals": ()}, {"approvals": (), "threshold": 0},
        {"approvals": (one, one)}, {"variant": good.record.variant + 1},
    ]  # fmt: skip
    for change in changes:
        bad = decisions.ledger.append(good.record.model_copy(update=change))
        assert refused(lambda bad=bad: decisions.verify(bad)) == (
            f"release {bad.id} is not vouched for by anybody whom the policy names",
            f"pawl show {bad.id}   (a champion that people approve anew replaces it)",
        )
    for threshold in (0, 1):
        decisions.verify(
            decisions.ledger.append(good.record.model_copy(update={"approvals": (two,), "threshold": threshold}))
        )


def test_on_paper_a_release_stands_on_keys_that_were_revoked_after_it_and_not_before(
    paper: Paper, people: People
) -> None:
    decisions = paper()
    good = released(decisions, people)
    key = base64.b64encode(f"{people['ada'].public}\n".encode()).decode()
    decisions.ledger.append(Revocation(keys=key, reason="left", by="bob"))
    decisions.verify(good)
    late = decisions.ledger.append(good.record)
    assert "is revoked" in refused(lambda: decisions.verify(late))[0]


def test_on_paper_approvals_of_another_case_vouch_for_nothing(paper: Paper, people: People) -> None:
    decisions = paper()
    good = released(decisions, people)
    twin = decisions.ledger.append(case_of(decisions).record)
    bad = decisions.ledger.append(good.record.model_copy(update={"dossier": twin.id}))
    with pytest.raises(NotAuthorized, match="approval is not over entry"):
        decisions.verify(bad)


def test_on_paper_a_release_by_people_who_all_left_is_not_vouched_for(paper: Paper, people: People) -> None:
    decisions = paper()
    good = released(decisions, people)
    for name, ok in (("ada", True), ("bob", True), ("both", False)):
        text = initialise.policy_text(
            [people["eve"], *(people[n] for n in ("ada", "bob") if n != name and name != "both")]
        )
        consent = Consent(
            decisions.ledger, SshSigner(), parse(text.encode(), Path("p"), policy.Policy), decisions.consent.now
        )
        later = Approve(decisions.ledger, decisions.lineage, decisions.artifacts, consent, RULES)
        if ok:
            later.verify(good)
            continue
        assert "not vouched for by anybody" in refused(lambda later=later: later.verify(good))[0]
