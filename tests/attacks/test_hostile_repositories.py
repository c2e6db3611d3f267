"""Patches, attributes, hooks and settings of git that would like to run, hide or change something."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from arena import HONEST, Make, train

from pawl import cache
from pawl.errors import PawlError
from pawl.lineage import PatchRefused
from pawl.records import Variant
from studies import patch

HUNK = "--- a/train.py\n+++ b/train.py\n@@ -1,3 +1,3 @@\n-a = 1\n+a = 2\n b = 2\n c = 3\n"
HEAD = "diff --git a/train.py b/train.py\n"
CODE = "a = 1\nb = 2\nc = 3\n"
REFUSED = {
    "a second file": HEAD + HUNK + "--- a/other.py\n+++ b/other.py\n@@ -0,0 +1 @@\n+x\n",
    "a second file that only git sees": HEAD + HUNK + "diff --git a/n b/n\nnew file mode 100644\nindex 0000000..e69de29\n",  # noqa: E501
    "a rename onto it": "diff --git a/pawl.toml b/train.py\nrename from pawl.toml\nrename to train.py\n" + HUNK,
    "a copy of it": "diff --git a/train.py b/new.py\ncopy from train.py\ncopy to new.py\n" + HEAD + HUNK,
    "a link": HEAD + "old mode 100644\nnew mode 120000\n" + HUNK,
    "a submodule": HEAD + "old mode 100644\nnew mode 160000\n" + HUNK,
    "no file any more": HEAD + "deleted file mode 100644\n--- a/train.py\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-a = 1\n-b = 2\n-c = 3\n",  # noqa: E501
    "a path that climbs": HUNK.replace("b/train.py", "b/../train.py"),
    "a quoted path that climbs": 'diff --git "a/\\"../x" "b/\\"../x"\n--- /dev/null\n+++ "b/\\"../x"\n@@ -0,0 +1 @@\n+x\n',  # noqa: E501
    "an absolute path": HUNK.replace("b/train.py", "/etc/cron.d/x").replace("a/train.py", "/dev/null"),
    "another case": HUNK.replace("b/train.py", "b/Train.py").replace("a/train.py", "a/Train.py"),
    "a letter that looks the same": HUNK.replace("train.py", "tr\u0430in.py"),
    "attributes": "diff --git a/.gitattributes b/.gitattributes\nnew file mode 100644\n--- /dev/null\n+++ b/.gitattributes\n"  # noqa: E501
                  "@@ -0,0 +1 @@\n+* -diff\n",
    "git's own folder": "--- /dev/null\n+++ b/.git/hooks/post-commit\n@@ -0,0 +1 @@\n+x\n",
    "the policy": "--- /dev/null\n+++ b/policy.toml\n@@ -0,0 +1 @@\n+x\n",
    "nothing": "",
    "words": "I would like to change train.py, please.\n",
    "a hunk of nothing": "@@ -1 +1 @@\n",
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_patch_that_touches_anything_but_the_editable_file_is_refused(make_toy: Make, what: str) -> None:
    study = make_toy(train=CODE)
    commit = study.lineage.baseline().commit
    with pytest.raises(PatchRefused):
        study.lineage.applied(REFUSED[what], commit)
    assert git(study.folder, "status", "--porcelain") == ""


def test_the_control_a_plain_patch_is_applied(make_toy: Make) -> None:
    study = make_toy(train=CODE)
    tree = study.lineage.applied(HEAD + HUNK, study.lineage.baseline().commit)
    assert [path for _, path in study.lineage.changed(study.lineage.baseline().commit, tree)] == ["train.py"]


def test_a_binary_patch_is_refused(make_toy: Make) -> None:
    study = make_toy(train=CODE)
    commit = study.lineage.baseline().commit
    (study.folder / "train.py").write_bytes(b"\0\xffa = 2\n")
    binary = git(study.folder, "diff", "--binary")
    git(study.folder, "checkout", "-q", "train.py")
    with pytest.raises(PatchRefused):
        study.lineage.applied(binary, commit)


def test_a_hypothesis_that_git_cannot_take_does_not_stop_the_study(make_toy: Make) -> None:
    study = make_toy()
    entry = study.propose(patch(study, "SHIFT = 0.0", "SHIFT = 0.5"), "Shift\0it")
    with study.loop() as loop:
        assert loop.search.build(entry).record.problem == ""


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("how", ["core.fsmonitor", "reference-transaction"])
def test_a_study_that_somebody_sent_runs_no_program_of_its_own(make_toy: Make, tmp_path: Path, how: str) -> None:
    study, mark, script = make_toy(), tmp_path / "it-ran", tmp_path / "script"
    if how == "core.fsmonitor":
        git(study.folder, "config", "core.fsmonitor", str(script))
    else:
        script = study.folder / ".git" / "hooks" / how
        script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    study.lineage.baseline()
    assert not mark.exists()


@pytest.mark.parametrize("how", ["export-subst", "export-ignore", "filter=evil", "core.autocrlf"])
def test_what_is_trained_is_what_was_committed(make_toy: Make, tmp_path: Path, how: str) -> None:
    study = make_toy(train='who = "$Format:%an$"\n' + HONEST)
    git(study.folder, "config", "filter.evil.smudge", f"touch {tmp_path}/it-ran; tr a-z A-Z")
    if how == "core.autocrlf":
        git(study.folder, "config", "core.autocrlf", "true")
    else:
        (study.folder / ".gitattributes").write_text(f"train.py {how}\n")
        git(study.folder, "add", ".gitattributes")
        git(study.folder, "commit", "-qm", "Attributes")
    variant = study.lineage.baseline()
    (tmp_path / "out").mkdir()
    study.lineage.export(variant.commit, tmp_path / "out")
    assert not (tmp_path / "it-ran").exists()
    assert (tmp_path / "out" / "train.py").exists()
    assert (tmp_path / "out" / "train.py").read_bytes().decode() == git(study.folder, "show", "HEAD:train.py")


@pytest.mark.parametrize(
    "setting", ["diff.noprefix=true", "diff.mnemonicPrefix=true", "diff.context=0", "color.ui=always"]
)
def test_a_users_settings_of_git_do_not_change_a_proposers_patch(make_toy: Make, setting: str) -> None:
    study = make_toy(train=CODE)
    variant = study.lineage.baseline()
    git(study.folder, "config", *setting.split("="))
    study.lineage.applied(study.lineage.patch(variant, {"train.py": CODE.replace("2", "9")}), variant.commit)


def test_sealed_data_that_was_committed_by_mistake_never_reaches_a_sandbox(make_toy: Make) -> None:
    study = make_toy(train="import os\nprint(os.path.exists('/study/.pawl/sealed/labels.txt'))\n" + HONEST)
    (study.state / "sealed").mkdir()
    (study.state / "sealed" / "labels.txt").write_text("secret")
    git(study.folder, "add", "-f", ".pawl/sealed/labels.txt")
    git(study.folder, "commit", "-qm", "Everything")
    try:
        run = train(study)
    except PawlError:
        return
    assert run.tail.startswith("False")


def test_a_loop_that_starts_does_not_sweep_a_probe_that_is_under_way(make_toy: Make) -> None:
    import multiprocessing

    probe = cache.folder("scratch") / "probe-attack"
    probe.mkdir(exist_ok=True)
    study = make_toy()
    with study.loop() as loop:
        workplace = loop.search.measure.executor.workplace  # type: ignore[attr-defined]
        other = multiprocessing.get_context("fork").Process(target=workplace.scratch)
        other.start()
        other.join()
    left = probe.exists()
    if left:
        probe.rmdir()
    assert left
    assert study.entries(Variant)
