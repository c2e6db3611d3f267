"""What must hold of a study after an accident, whatever the accident was."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from recording import Promise

from pawl import app, history
from pawl.records import (
    Approval,
    Certificate,
    Dossier,
    Evaluation,
    Release,
    Run,
    Screening,
    Variant,
    Verdict,
)


def survives(folder: Path, promised: Sequence[Promise], written: Sequence[str]) -> app.OpenStudy:
    """Open a study again and see that nothing is lost and nothing was slipped in. `written` are the digests of all
    entries that were ever to be written. The next command here is `pawl ledger verify`."""
    study = app.open(folder)
    digests = [entry.digest for entry in study.ledger.all()]
    assert digests == list(written[: len(digests)]), "an entry that nobody wrote"
    for promise in promised:
        assert digests[promise.id - 1 : promise.id] == [promise.digest], f"acknowledged entry {promise.id} is gone"
    reference_is_authorised(study)
    if digests:
        study.verify()  # every entry, artifact and release; and what was left half done is finished
        commits_are_whole(study)
        releases_are_authorised(study)
        champion_is_there(study)
    return study


def nothing_was_repeated(study: app.OpenStudy) -> None:
    """Each step stands once for what it answers."""
    for kind, key in (
        (Run, lambda record: (record.variant, record.seed)),
        (Evaluation, lambda record: record.run),
        (Variant, lambda record: record.proposal),
        (Screening, lambda record: record.proposal),
        (Certificate, lambda record: record.preregistration),
        (Verdict, lambda record: record.certificate),
        (Dossier, lambda record: record.verdict),
    ):
        counts = Counter(key(entry.record) for entry in study.entries(kind))
        assert all(count == 1 for count in counts.values()), (kind, counts.most_common(2))


def reference(study: app.OpenStudy) -> str:
    """Where refs/pawl/champion points, or nothing."""
    done = subprocess.run(
        ["git", "-C", str(study.folder), "rev-parse", "--verify", "-q", "refs/pawl/champion"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip()


def reference_is_authorised(study: app.OpenStudy) -> None:
    """The champion's reference is the baseline's commit, a released one, or missing; never anything else."""
    allowed = {"", git(study, "rev-parse", "HEAD").strip()}
    allowed |= {entry.record.commit for entry in study.entries(Release)}
    assert reference(study) in allowed, "the champion's reference points at what nobody released"


def commits_are_whole(study: app.OpenStudy) -> None:
    """Every commit that the ledger names, with all its files, is in git as it was written."""
    commits = sorted({entry.record.commit for entry in study.entries(Variant)})
    git(study, "fsck", "--full", "--strict", "--no-dangling", *commits)


def releases_are_authorised(study: app.OpenStudy) -> None:
    """Each release stands on as many people's verified signatures over its dossier as its policy wanted."""
    people = study.decisions()
    for release in study.entries(Release):
        dossier = study.ledger.get(release.record.dossier, Dossier)
        signed = {}
        for id in release.record.approvals:
            approval = study.ledger.get(id, Approval).record
            assert approval.dossier == dossier.id
            assert id < release.id
            signed[people.consent.holds(dossier, approval).key] = approval
        assert len(signed) >= people.consent.policy.approval.threshold == release.record.threshold


def champion_is_there(study: app.OpenStudy) -> None:
    """Git's reference and the published files are those of the ledger's champion."""
    champion = study.ledger.get(history.read(study.ledger).champion, Variant)
    assert reference(study) == champion.record.commit, "the champion's reference is behind the ledger"
    release = study.ledger.last(Release)
    if release:
        for artifact in history.released_run(study.ledger, release).artifacts:
            path = study.state / "releases" / str(release.id) / artifact.name
            assert path.read_bytes() == study.artifacts.get(artifact.digest), f"{path} is not what was released"
            json.loads(path.read_text())


def git(study: app.OpenStudy, *args: str) -> str:
    """What git says; it must not complain."""
    done = subprocess.run(["git", "-C", str(study.folder), *args], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {args[0]}: {done.stdout}{done.stderr}"
    return done.stdout
