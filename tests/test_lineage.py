"""Variants are commits under refs/pawl/; the user's branches, index and files are left alone, and no patch escapes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pawl.errors import ConfigError
from pawl.ledger import Entry
from pawl.lineage import Lineage, PatchRefused
from pawl.records import Proposal, Variant

TRAIN = "import math\n\nDEPTH = 2\nWIDTH = 64\n\n\ndef main():\n    print(DEPTH * WIDTH)\n"
DEEPER = TRAIN.replace("DEPTH = 2", "DEPTH = 3")
PATCH = """--- a/train.py
+++ b/train.py
@@ -1,5 +1,5 @@
 import math
 
-DEPTH = 2
+DEPTH = 3
 WIDTH = 64
 
"""
EDITABLE = ("train.py", "sub/model.py")
STATUS = ("--no-optional-locks", "status", "-s")


def git(folder: Path, *args: str, **options: str) -> str:
    identity = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **identity, **options}
    done = subprocess.run(["git", "-C", str(folder), *args], check=True, capture_output=True, env=environment)
    return done.stdout.decode(errors="surrogateescape").strip()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "study"
    (folder / "sub").mkdir(parents=True)
    (folder / "train.py").write_text(TRAIN)
    (folder / "sub" / "model.py").write_text("A = 1")
    (folder / "predict.py").write_text("print(1)\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Start")
    return folder


@pytest.fixture
def study(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "study", symlinks=True))


@pytest.fixture
def lineage(study: Path) -> Lineage:
    return Lineage(study, EDITABLE)


def commit_all(study: Path, message: str = "More") -> str:
    git(study, "add", "-A")
    git(study, "commit", "-q", "--allow-empty", "-m", message)
    return git(study, "rev-parse", "HEAD")


def proposal(patch: str = PATCH, hypothesis: str = "Deeper is better", id: int = 7) -> Entry[Proposal]:
    record = Proposal(parent=2, patch=patch, hypothesis=hypothesis, proposer="space", settings={})
    return Entry(id, "2030-01-01T00:00:00+00:00", "d" * 64, record)


def problem(lineage: Lineage, patch: str) -> str:
    """Why a patch is refused; the variant is then its parent's commit."""
    base = lineage.baseline()
    variant = lineage.build(proposal(patch), base)
    assert variant.problem
    assert variant == Variant(proposal=7, commit=base.commit, parent=base.commit, problem=variant.problem)
    with pytest.raises(subprocess.CalledProcessError):
        git(lineage.folder, "rev-parse", "--verify", "-q", "refs/pawl/variants/7")
    return variant.problem


# ------------------------------------------------------------------------------------------------- baseline


def test_the_baseline_is_the_head_commit(lineage: Lineage, study: Path) -> None:
    head = git(study, "rev-parse", "HEAD")
    assert lineage.baseline() == Variant(proposal=None, commit=head, parent=head, problem="")
    assert git(study, "rev-parse", "refs/pawl/baseline") == head


def test_files_that_are_not_editable_may_lie_about_uncommitted(lineage: Lineage, study: Path) -> None:
    (study / "notes.txt").write_text("mine")
    assert lineage.baseline().problem == ""


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a git repository") as caught:
        Lineage(tmp_path, EDITABLE).baseline()
    assert caught.value.hint.startswith("git init")


def test_a_folder_inside_another_repository_is_refused(study: Path) -> None:
    with pytest.raises(ConfigError, match=rf"is not the top of its repository \({re.escape(str(study))}\)"):
        Lineage(study / "sub", ("model.py",)).baseline()


def test_a_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(ConfigError, match="has no commit yet") as caught:
        Lineage(tmp_path, EDITABLE).baseline()
    assert caught.value.hint.startswith("git add")


@pytest.mark.parametrize("how", ["edited", "staged", "removed", "other-file"])
def test_changes_that_are_not_committed_are_refused_by_name(lineage: Lineage, study: Path, how: str) -> None:
    path = study / ("predict.py" if how == "other-file" else "train.py")
    path.unlink() if how == "removed" else path.write_text("changed\n")
    if how == "staged":
        git(study, "add", "-A")
    with pytest.raises(ConfigError, match=f"changes that are not committed .*{path.name}"):
        lineage.baseline()


def test_an_editable_file_that_is_not_committed_is_refused_by_name(study: Path) -> None:
    (study / "new.py").write_text("A = 1\n")
    with pytest.raises(ConfigError, match=r"new\.py is not committed"):
        Lineage(study, ("train.py", "new.py")).baseline()


def test_a_linked_path_to_the_repository_is_the_repository(study: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(study)
    assert Lineage(tmp_path / "link", EDITABLE).baseline().commit == git(study, "rev-parse", "HEAD")


def test_a_git_that_is_pointed_elsewhere_by_the_environment_is_not(
    lineage: Lineage, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert lineage.build(proposal(), lineage.baseline()).problem == ""


def test_without_git_the_error_says_what_to_install(lineage: Lineage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="git is not installed") as caught:
        lineage.baseline()
    assert caught.value.hint == "apt install git"


# ---------------------------------------------------------------------------------------------------- build


def test_a_proposal_becomes_a_commit_with_its_parent_its_trailers_and_a_ref(lineage: Lineage, study: Path) -> None:
    base = lineage.baseline()
    variant = lineage.build(proposal(hypothesis="Deeper\n is   better " + "x" * 100), base)
    assert (variant.proposal, variant.parent, variant.problem) == (7, base.commit, "")
    assert git(study, "rev-parse", "refs/pawl/variants/7") == variant.commit
    assert git(study, "rev-parse", f"{variant.commit}^@") == base.commit
    assert git(study, "show", f"{variant.commit}:train.py") + "\n" == DEEPER
    subject, _, trailers = git(study, "log", "-1", "--format=%B", variant.commit).partition("\n\n")
    assert subject == ("Deeper is better " + "x" * 100)[:72]
    assert trailers.split("\n") == ["Pawl-Proposal: 7", "Pawl-Proposer: space"]
    assert git(study, "log", "-1", "--format=%an <%ae> %cn", variant.commit) == "Pawl <pawl@localhost> Pawl"


def test_a_hypothesis_of_nothing_still_makes_a_subject(lineage: Lineage, study: Path) -> None:
    variant = lineage.build(proposal(hypothesis=" \n "), lineage.baseline())
    assert git(study, "log", "-1", "--format=%s", variant.commit) == "Try a change"


@pytest.mark.parametrize("hypothesis", ["deeper\0", "\x1b[2Jdeeper", "deeper\u202e"])
def test_a_hostile_hypothesis_makes_a_harmless_subject(lineage: Lineage, study: Path, hypothesis: str) -> None:
    variant = lineage.build(proposal(hypothesis=hypothesis), lineage.baseline())
    assert git(study, "log", "-1", "--format=%s", variant.commit).isprintable()


def test_variants_build_on_variants(lineage: Lineage, study: Path) -> None:
    base = lineage.baseline()
    first = lineage.build(proposal(), base)
    second = lineage.build(
        proposal(PATCH.replace("DEPTH = 3", "DEPTH = 4").replace("DEPTH = 2", "DEPTH = 3"), id=9), first
    )
    assert git(study, "rev-list", second.commit).split() == [second.commit, first.commit, base.commit]
    assert lineage.read(second)["train.py"] == TRAIN.replace("DEPTH = 2", "DEPTH = 4")
    assert lineage.read(base)["train.py"] == TRAIN


def test_a_patch_of_two_editable_files_is_applied_whole(lineage: Lineage) -> None:
    both = PATCH + "--- a/sub/model.py\n+++ b/sub/model.py\n@@ -1 +1 @@\n-A = 1\n\\ No newline at end of file\n+A = 2\n"
    variant = lineage.build(proposal(both), lineage.baseline())
    assert variant.problem == ""
    assert lineage.read(variant) == {"train.py": DEEPER, "sub/model.py": "A = 2\n"}
    assert lineage.changed(variant.parent, variant.commit) == (("100644", "sub/model.py"), ("100644", "train.py"))


def test_a_look_at_the_study_does_not_rewrite_the_users_index(lineage: Lineage, study: Path) -> None:
    os.utime(study / "train.py", (1.0, 1.0))  # git would write down the new time, had it leave to
    before = (study / ".git" / "index").read_bytes()
    lineage.baseline()
    assert (study / ".git" / "index").read_bytes() == before


def test_the_users_branch_index_and_files_are_untouched(lineage: Lineage, study: Path) -> None:
    def state() -> list[object]:
        files = {path: path.read_bytes() for path in study.rglob("*") if path.is_file() and ".git" not in path.parts}
        index = (study / ".git" / "index").read_bytes()
        return [
            files,
            index,
            *(git(study, *args) for args in (("branch", "-v"), STATUS, ("stash", "list"), ("tag",))),
        ]

    base = lineage.baseline()
    (study / "train.py").write_text("the user goes on\n")
    git(study, "add", "train.py")
    (study / "predict.py").write_text("and on\n")
    before = state()
    variant = lineage.build(proposal(), base)
    lineage.build(proposal("garbage", id=8), base)
    lineage.patch(variant, {"train.py": TRAIN})
    lineage.release(variant.commit)
    assert variant.problem == ""
    assert state() == before
    refs = git(study, "for-each-ref", "--format=%(refname)").split()
    assert refs == ["refs/heads/main", "refs/pawl/baseline", "refs/pawl/champion", "refs/pawl/variants/7"]


@pytest.mark.parametrize("hook", ["reference-transaction", "post-index-change"])
def test_no_hook_runs(lineage: Lineage, study: Path, tmp_path: Path, hook: str) -> None:
    path = study / ".git" / "hooks" / hook
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    path.chmod(0o755)
    lineage.build(proposal(), lineage.baseline())
    assert not (tmp_path / "ran").exists()


def test_a_commit_needs_no_identity_and_no_signing_key(
    lineage: Lineage, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nowhere")
    git(study, "config", "commit.gpgSign", "true")
    git(study, "config", "user.useConfigOnly", "true")
    assert lineage.build(proposal(), lineage.baseline()).problem == ""


# -------------------------------------------------------------------------------------------- refused patches


def diff(path: str, *lines: str, old: str | None = None) -> str:
    return f"diff --git a/{old or path} b/{path}\n" + "".join(f"{line}\n" for line in lines)


REFUSED = {
    "empty": ("", "changes nothing"),
    "blank": ("\n\n", "changes nothing"),
    "prose": ("Set DEPTH to 3.\n", "changes nothing"),
    "a-hunk-without-a-file": ("@@ -1 +1 @@\n-a\n+b\n", "not a unified diff"),
    "a-hunk-that-ends-early": (
        "--- a/train.py\n+++ b/train.py\n@@ -1,5 +1,5 @@\n import math\n",
        "not a unified diff|does not apply",
    ),
    "does-not-apply": (PATCH.replace("DEPTH = 2", "DEPTH = 9"), "does not apply"),
    "no-change": (PATCH.replace("DEPTH = 3", "DEPTH = 2"), "changes nothing"),
    "other-file": (
        PATCH.replace("train.py", "predict.py"),
        r"touches predict\.py, which is not editable \(train\.py, sub/model\.py\)",
    ),
    "also-another-file": (
        PATCH + "--- a/predict.py\n+++ b/predict.py\n@@ -1 +1 @@\n-print(1)\n+print(2)\n",
        r"touches predict\.py",
    ),
    "new-file": (
        diff("evil.py", "new file mode 100644", "--- /dev/null", "+++ b/evil.py", "@@ -0,0 +1 @@", "+x"),
        r"touches evil\.py",
    ),
    "parent-folder": (PATCH.replace("train.py", "../train.py"), r"touches \.\./train\.py"),
    "git-folder": (
        PATCH.replace("a/train.py", "/dev/null").replace("train.py", ".git/hooks/pre-commit"),
        "touches .git",
    ),
    "absolute": (
        PATCH.replace("a/train.py", "/etc/passwd").replace("b/train.py", "/etc/passwd"),
        "touches /etc/passwd",
    ),
    "deleted": (
        diff("train.py", "deleted file mode 100644", "--- a/train.py", "+++ /dev/null", "@@ -1,8 +0,0 @@")
        + "".join(f"-{line}\n" for line in TRAIN.splitlines()),
        r"train\.py something other than the regular file it was \(000000\)",
    ),
    "renamed": (
        diff("evil.py", "similarity index 100%", "rename from train.py", "rename to evil.py", old="train.py"),
        ".",
    ),
    "renamed-onto-editable": (
        diff("train.py", "similarity index 100%", "rename from predict.py", "rename to train.py", old="predict.py"),
        ".",
    ),
    "copied": (diff("evil.py", "similarity index 100%", "copy from train.py", "copy to evil.py", old="train.py"), "."),
    "binary": (diff("train.py", "index 111..222 100644", "GIT binary patch", "literal 3", "Kcmb=Hxxxx", ""), "."),
    "binary-differs": (diff("train.py", "Binary files a/train.py and b/train.py differ"), "."),
    "a-link": (
        diff("train.py", "deleted file mode 100644", "--- a/train.py", "+++ /dev/null", "@@ -1,8 +0,0 @@")
        + "".join(f"-{line}\n" for line in TRAIN.splitlines())
        + diff("train.py", "new file mode 120000", "--- /dev/null", "+++ b/train.py", "@@ -0,0 +1 @@", "+/etc/passwd")
        + "\\ No newline at end of file\n",
        r"regular file it was \(100644->120000\)|does not apply",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_patch_that_may_not_or_can_not_be_applied_is_a_variant_with_a_problem(lineage: Lineage, name: str) -> None:
    patch, said = REFUSED[name]
    assert re.search(said, problem(lineage, patch))


@pytest.mark.parametrize("rest", [PATCH, ""], ids=["and-content", "alone"])
def test_a_patch_that_changes_the_mode_is_refused(lineage: Lineage, rest: str) -> None:
    said = problem(lineage, diff("train.py", "old mode 100644", "new mode 100755") + rest)
    assert "train.py something other than the regular file it was (100644->100755)" in said


@given(st.text(alphabet="+-@ \n\\ab/.0123456789,dtrainpy", max_size=80) | st.text(max_size=40))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_refused_or_touches_editable_files_only(lineage: Lineage, text: str) -> None:
    base = lineage.baseline().commit
    for patch in (text, PATCH + text):
        try:
            tree = lineage.applied(patch, base)
        except PatchRefused:
            continue
        assert {path for _, path in lineage.changed(base, tree)} <= set(EDITABLE)


# ------------------------------------------------------------------------------------------------ round trip


SOURCES = {
    "plain": (TRAIN, DEEPER),
    "no-newline-at-the-end": ("A = 1", "A = 2"),
    "newline-added": ("A = 1", "A = 1\n"),
    "newline-taken-away": ("A = 1\n", "A = 1"),
    "unicode": ("größe = '中文 🙂'\nA = 1\n", "größe = '中文 ✓'\nA = 2\n"),
    "emptied": ("A = 1\n", ""),
    "filled": ("", "A = 1\n"),
    "looks-like-a-diff": ("-- a\n++ b\n@@ -1 +1 @@\n", "-- a\n++ c\n@@ -1 +1 @@\n+++ d\n"),
    "form-feed-and-tab": ("A = 1\n\x0c\n\tB\n", "A = 2\n\x0c\n\tB\n"),
    "trailing-spaces": ("A = 1  \n\n\n", "A = 2  \n\n \n"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_patch_turns_the_files_into_what_was_asked_for(lineage: Lineage, study: Path, name: str) -> None:
    before, after = SOURCES[name]
    (study / "train.py").write_text(before)
    commit_all(study)
    base = lineage.baseline()
    assert lineage.read(base)["train.py"] == before
    variant = lineage.build(proposal(lineage.patch(base, {"train.py": after})), base)
    assert variant.problem == ""
    assert lineage.read(variant) == {"train.py": after, "sub/model.py": "A = 1"}


def test_nothing_changed_is_an_empty_patch(lineage: Lineage) -> None:
    base = lineage.baseline()
    assert lineage.patch(base, lineage.read(base)) == lineage.patch(base, {}) == ""


@pytest.mark.parametrize(
    "name",
    [
        "with space.py", "a-b+c.py", "deep/er/model.py",
        "modèle.py",
    ],
)  # fmt: skip
def test_a_file_may_be_called_what_people_call_files(study: Path, name: str) -> None:
    (study / name).parent.mkdir(parents=True, exist_ok=True)
    (study / name).write_text("A = 1\n")
    commit_all(study)
    lineage = Lineage(study, (name,))
    base = lineage.baseline()
    variant = lineage.build(proposal(lineage.patch(base, {name: "A = 2\n"})), base)
    assert variant.problem == ""
    assert lineage.read(variant) == {name: "A = 2\n"}


def test_a_file_with_windows_line_ends_keeps_them(lineage: Lineage, study: Path) -> None:
    (study / "train.py").write_bytes(b"A = 1\r\nB = 2\r\nC = 3\r\n")
    commit_all(study)
    base = lineage.baseline()
    after = {"train.py": lineage.read(base)["train.py"].replace("A = 1", "A = 9")}
    variant = lineage.build(proposal(lineage.patch(base, after)), base)
    done = subprocess.run(
        ["git", "-C", str(study), "show", f"{variant.commit}:train.py"], capture_output=True, check=True
    )
    assert done.stdout == b"A = 9\r\nB = 2\r\nC = 3\r\n"


def test_a_patch_of_an_executable_file_leaves_its_mode(lineage: Lineage, study: Path) -> None:
    (study / "train.py").chmod(0o755)
    commit_all(study)
    patch = lineage.patch(lineage.baseline(), {"train.py": DEEPER})
    assert "+DEPTH = 3" in patch
    assert "mode" not in patch


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("color.ui", "always"), ("diff.external", "/bin/false"), ("diff.renames", "copies"), ("core.pager", "false"),
        ("apply.whitespace", "error"), ("core.autocrlf", "true"), ("diff.algorithm", "patience"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.noprefix", "true"), ("diff.context", "0"),
    ],
)  # fmt: skip
def test_the_users_git_configuration_changes_nothing(lineage: Lineage, study: Path, key: str, value: str) -> None:
    base = lineage.baseline()
    expected = lineage.patch(base, {"train.py": DEEPER})
    git(study, "config", key, value)
    patch = lineage.patch(base, {"train.py": DEEPER})
    assert lineage.build(proposal(patch), base).problem == ""
    assert patch == expected


# ----------------------------------------------------------------------------------- diff, export, release


def test_changes_between_commits_are_told_with_their_modes(lineage: Lineage, study: Path) -> None:
    before = git(study, "rev-parse", "HEAD")
    (study / "train.py").write_text(DEEPER)
    (study / "predict.py").unlink()
    (study / "größe\n.txt").write_text("x")
    (study / "link").symlink_to("train.py")
    after = commit_all(study)
    expected = {("100644", "train.py"), ("000000", "predict.py"), ("100644", "größe\n.txt"), ("120000", "link")}
    assert set(lineage.changed(before, after)) == expected
    assert lineage.changed(before, before) == ()


def test_a_diff_between_commits_is_a_patch_that_applies(lineage: Lineage) -> None:
    base = lineage.baseline()
    variant = lineage.build(proposal(), base)
    text = lineage.diff(base.commit, variant.commit)
    assert "-DEPTH = 2\n+DEPTH = 3\n" in text
    assert lineage.applied(text, base.commit) == git(lineage.folder, "rev-parse", f"{variant.commit}^{{tree}}")
    assert lineage.diff(base.commit, base.commit) == ""


def test_a_commit_is_exported_to_the_letter_and_readable(lineage: Lineage, study: Path, tmp_path: Path) -> None:
    (study / "data.bin").write_bytes(bytes(range(256)))
    (study / "empty").write_text("")
    commit = commit_all(study)
    (tmp_path / "out").mkdir()
    lineage.export(commit, tmp_path / "out")
    found = {str(path.relative_to(tmp_path / "out")): path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found.keys() == {"data.bin", "empty", "train.py", "predict.py", "sub/model.py"}
    assert found["data.bin"].read_bytes() == bytes(range(256))
    assert found["sub/model.py"].read_text() == "A = 1"
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in found.values())


@pytest.mark.parametrize("target", ["/etc/passwd", "train.py", "../../x", "."])
def test_a_commit_with_a_link_in_it_is_not_exported(lineage: Lineage, study: Path, tmp_path: Path, target: str) -> None:
    (study / "sub" / "link").symlink_to(target)
    commit = commit_all(study)
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match=f"sub/link in commit {commit[:10]} is a link"):
        lineage.export(commit, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("how", ["export-ignore", "export-subst", "eol", "autocrlf"])
def test_what_is_exported_is_the_commits_own_bytes(lineage: Lineage, study: Path, tmp_path: Path, how: str) -> None:
    (study / "train.py").write_text("A = '$Format:%H$'\n")
    if how == "autocrlf":
        commit = commit_all(study)
        git(study, "config", "core.autocrlf", "true")
    else:
        (study / ".gitattributes").write_text(f"train.py text {'eol=crlf' if how == 'eol' else how}\n")
        commit = commit_all(study)
    (tmp_path / "out").mkdir()
    lineage.export(commit, tmp_path / "out")
    assert (tmp_path / "out" / "train.py").read_bytes() == b"A = '$Format:%H$'\n"


def test_a_commit_that_is_not_there_is_an_error_with_its_name(lineage: Lineage, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="0000000000"):
        lineage.export("0" * 40, tmp_path / "out")


def test_reading_a_commit_that_is_not_there_is_an_error(lineage: Lineage) -> None:
    with pytest.raises(ConfigError, match="git show failed"):
        lineage.read(Variant(proposal=None, commit="0" * 40, parent="", problem=""))


def test_a_release_moves_the_champion(lineage: Lineage, study: Path) -> None:
    variant = lineage.build(proposal(), lineage.baseline())
    lineage.release(variant.commit)
    assert git(study, "rev-parse", "refs/pawl/champion") == variant.commit
    assert git(study, "rev-parse", "HEAD") == variant.parent
