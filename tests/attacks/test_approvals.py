"""Nothing but the right people's signatures over the right bytes, in time, releases anything."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pawl import app, keys, merkle, policy
from pawl.consent import Word
from pawl.errors import ConfigError, IntegrityError, NotAuthorized, PawlError
from pawl.ledger import Entry
from pawl.records import Approval, Dossier, Record, Rejection, Release, Run, Signature, Variant
from studies import toy

People = dict[str, keys.Signer]
NAMESPACE = "pawl-decision@v1"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, people: People) -> Path:
    """A toy study with a dossier that waits, made once."""
    folder = toy(tmp_path_factory.mktemp("waiting") / "toy", [people["ada"], people["bob"]])
    app.open(folder).run(runs=200, until_certified=True)
    return folder


@pytest.fixture
def waiting(original: Path, tmp_path: Path) -> app.OpenStudy:
    """A copy of it."""
    return app.adopt(shutil.copytree(original, tmp_path / "toy"))


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
    study = with_rules(waiting, people, before="redraw_after = 25", after="redraw_after = 26")
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
    ("[[gate]]\nuse = \"improvement\"\nallow_self_reported = true|[[gate]]\nuse = \"limits\"|"
     "[[gate]]\nuse = \"integrity\"|[[gate]]\nuse = \"crash-rate\"", "|||", "names no gates"),
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
    return body.replace(b"better on average", b"Better on average")


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
    with pytest.raises(NotAuthorized):
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
