"""Variants as git commits, under refs/pawl/ in the study's own repository.

Only plumbing: the user's branches, index and working tree are never touched, and no hook runs.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from pawl import durable, imports
from pawl.errors import ConfigError, IntegrityError
from pawl.hostile import one_line
from pawl.ledger import Entry
from pawl.records import Proposal, Reduced, Variant

IDENTITY = {
    "GIT_AUTHOR_NAME": "Pawl", "GIT_AUTHOR_EMAIL": "pawl@localhost",
    "GIT_COMMITTER_NAME": "Pawl", "GIT_COMMITTER_EMAIL": "pawl@localhost",
}  # fmt: skip
UNTOUCHED = {"GIT_OPTIONAL_LOCKS": "0"}
"""Or `git status` would write the user's index anew whenever it likes, and a power cut could tear it."""
PLAIN_DIFF = (
    "--text",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--no-color",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
NOT_VARIANTS = (":(exclude)pawl.toml", ":(exclude)policy.toml", ":(exclude)priors.json")
"""The operator's files: they may be edited freely, and say nothing about what a variant is."""
LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""A line as git counts them; Python's splitlines ends one at a form feed too."""
REGULAR = ("100644", "100755")
SAFE = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
    "-c", "core.fsync=loose-object,reference",
)  # fmt: skip
"""A repository may come from a stranger: none of its own programs is run. And what git writes for Pawl, it syncs: by
itself it does not, and a power cut would leave empty objects under good names."""
REFS = "refs/pawl/"
STALE_S = 60.0
"""Age at which a lock on one of Pawl's references is nobody's: git holds them for milliseconds."""


class PatchRefused(Exception):
    """A patch that may not, or can not, be applied; the text says why."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The variants of the study in `folder`; proposals may change the files in `editable`. `modules` are those that
    a variant can import besides what its parent does (none: not known, and nothing is said of imports)."""

    folder: Path
    editable: tuple[str, ...]
    modules: frozenset[str] = frozenset()

    def baseline(self) -> Variant:
        """The repository's HEAD as the first champion. Raises ConfigError unless it holds the study as it is."""
        top = self._try("rev-parse", "--show-toplevel")
        if top is None or Path(top.strip()).resolve() != self.folder.resolve():
            where = "is not a git repository" if top is None else f"is not the top of its repository ({top.strip()})"
            raise ConfigError(f"{self.folder} {where}", "git init && git add -A && git commit -m 'Start'")
        commit = self._try("rev-parse", "--verify", "HEAD^{commit}")
        if commit is None:
            raise ConfigError(f"{self.folder} has no commit yet", "git add -A && git commit -m 'Start'")
        dirty = self._git("status", "--porcelain", "--untracked-files=no", "--", ".", *NOT_VARIANTS).strip()
        untracked = [name for name in self.editable if self._try("cat-file", "-e", f"HEAD:{name}") is None]
        if dirty or untracked:
            what = dirty.splitlines()[0] if dirty else f"{untracked[0]} is not committed"
            raise ConfigError(
                f"{self.folder} has changes that are not committed ({what.strip()}): a variant is a commit",
                "git add -A && git commit -m 'Start'",
            )
        commit = commit.strip()
        self._keep(commit, "-n", "1")
        for name in ("baseline", "champion"):
            self._git("update-ref", f"refs/pawl/{name}", commit)
        return Variant(proposal=None, commit=commit, parent=commit, problem="")

    def build(self, proposal: Entry[Proposal], parent: Variant) -> Variant:
        """The proposal applied to its parent. A patch that is refused gives a variant with a problem, as does one whose
        imports cannot be satisfied: no run is spent on it."""
        record = proposal.record
        try:
            tree = self.applied(record.patch, parent.commit)
            self._must_find_imports(parent.commit, tree)
        except PatchRefused as refusal:
            return Variant(proposal=proposal.id, commit=parent.commit, parent=parent.commit, problem=str(refusal))
        subject = one_line(record.hypothesis)[:72] or "Try a change"
        message = f"{subject}\n\nPawl-Proposal: {proposal.id}\nPawl-Proposer: {one_line(record.proposer)}\n"
        commit = self._git("commit-tree", tree, "-p", parent.commit, stdin=message).strip()
        self._keep(commit, f"^{parent.commit}")
        self._git("update-ref", f"refs/pawl/variants/{proposal.id}", commit)
        return Variant(proposal=proposal.id, commit=commit, parent=parent.commit, problem="")

    def reduce(self, head: Variant, files: Mapping[str, str], plan: int, without: Sequence[int]) -> Reduced:
        """A certified head with these files instead of its own: without these changes of an ablation's plan."""
        fields: dict[str, Any] = {"proposal": None, "parent": head.commit, "plan": plan, "without": tuple(without)}
        try:
            tree = self.applied(self.patch(head, files), head.commit)
        except PatchRefused as refusal:
            return Reduced(commit=head.commit, problem=str(refusal), **fields)
        message = f"Without change(s) {', '.join(map(str, without))}\n\nPawl-Ablation: {plan}\n"
        commit = self._git("commit-tree", tree, "-p", head.commit, stdin=message).strip()
        self._keep(commit, f"^{head.commit}")
        self._git("update-ref", f"{REFS}ablations/{plan}/{commit}", commit)
        return Reduced(commit=commit, problem="", **fields)

    def applied(self, patch: str, commit: str) -> str:
        """The tree that a patch makes of a commit. Raises PatchRefused: other files, modes, binary, no fit."""
        self._check(patch)
        with tempfile.TemporaryDirectory(prefix="pawl-index-") as folder:
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            self._git("read-tree", commit, env=index)
            done = self._run("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch, env=index)
            if done.returncode:
                raise PatchRefused(
                    f"the patch does not apply: {done.stderr.decode(errors='replace').strip().splitlines()[0]}"
                )
            tree = self._git("write-tree", env=index).strip()
        changed = self.changed(commit, tree)
        if not changed:
            raise PatchRefused("the patch changes nothing")
        for mode, path in changed:
            shown = one_line(path)
            if path not in self.editable:
                raise PatchRefused(f"the patch touches {shown}, which is not editable ({', '.join(self.editable)})")
            if mode not in REGULAR:
                raise PatchRefused(f"the patch makes {shown} something other than the regular file it was ({mode})")
        return tree

    def _must_find_imports(self, before: str, after: str) -> None:
        """Raise PatchRefused if a tree imports what is not there, and the one before did not import either."""
        files = [{path: _file(self.folder, tree, path) for path in self.editable} for tree in (before, after)]
        lacking = imports.lacking(files[0], files[1], self.modules) if self.modules else ""
        if lacking:
            raise PatchRefused(f"{one_line(lacking)}, which is not installed in the study's environment")

    def own_modules(self, commit: str) -> frozenset[str]:
        """The modules that a commit's own files can be."""
        return imports.own(path for _, _, path in _listed(self.folder, commit))

    def _check(self, patch: str) -> None:
        if "\0" in patch or "GIT binary patch" in patch:
            raise PatchRefused("the patch makes a file binary, and nobody could review it")
        try:
            files = PatchSet(patch)
        except (UnidiffParseError, ValueError) as error:
            raise PatchRefused(f"the patch is not a unified diff: {error}") from error
        if not files:
            raise PatchRefused("the patch changes nothing")
        for file in files:
            if file.path not in self.editable:
                editable = ", ".join(self.editable)
                raise PatchRefused(f"the patch touches {one_line(file.path)}, which is not editable ({editable})")

    def read(self, variant: Variant) -> Mapping[str, str]:
        """The editable files of a variant, by path."""
        return {path: _file(self.folder, variant.commit, path) for path in self.editable}

    def patch(self, variant: Variant, changed: Mapping[str, str]) -> str:
        """The unified diff that turns a variant's files into `changed`."""
        before = self.read(variant)
        return "".join(_unified(path, before[path], text) for path, text in changed.items())

    def diff(self, before: str, after: str) -> str:
        """The unified diff between two commits or trees, whatever git's configuration or attributes say."""
        return self._git("diff-tree", "-r", "-p", "-U3", *PLAIN_DIFF, before, after)

    def changed(self, before: str, after: str) -> tuple[tuple[str, str], ...]:
        """The (mode, path) of every file that differs between two commits or trees; a mode that changed is
        `old->new`."""
        fields = self._git("diff-tree", "-r", "-z", "--no-renames", before, after).split("\0")
        return tuple((_mode(*meta.split()[:2]), path) for meta, path in zip(fields[0::2], fields[1::2], strict=False))

    def export(self, commit: str, folder: Path) -> None:
        """Write a commit's own bytes into an empty folder: no attribute, filter or setting changes them. Pawl's
        state is left out if somebody committed it. Raises ConfigError for links."""
        entries = _listed(self.folder, commit)
        for mode, _, path in entries:
            if mode not in REGULAR:
                raise ConfigError(f"{one_line(path)} in commit {commit[:10]} is a link", "commit regular files only")
        for _, blob, path in entries:
            if PurePosixPath(path).parts[0] != ".pawl":
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(_blob(self.folder, blob))

    def release(self, commit: str) -> None:
        """Point refs/pawl/champion at a released commit."""
        self._git("update-ref", "refs/pawl/champion", commit)

    def behind(self, commits: Mapping[str, str]) -> Mapping[str, str]:
        """Of these commits, by name, those at which refs/pawl/NAME does not point: a power cut or a kill may take a
        reference back."""
        there = self._git("for-each-ref", "--format=%(refname) %(objectname)", REFS).split() if commits else []
        known = dict(zip(there[0::2], there[1::2], strict=True))
        return {name: commit for name, commit in commits.items() if known.get(REFS + name) != commit}

    def restore(self, commits: Mapping[str, str]) -> None:
        """Point refs/pawl/NAME at each commit, by name. Raises IntegrityError if a commit is gone."""
        self.verify(commits)
        for name, commit in commits.items():
            self._git("update-ref", REFS + name, commit)

    def verify(self, commits: Mapping[str, str]) -> None:
        """Raises IntegrityError unless git has each of these commits, by name, and its tree."""
        asked = "".join(f"{commit}^{{tree}}\n" for commit in commits.values())
        found = self._git("cat-file", "--batch-check", stdin=asked).splitlines() if commits else []
        for (name, commit), line in zip(commits.items(), found, strict=True):
            if line.endswith(" missing"):
                raise IntegrityError(f"commit {commit[:10]} ({name}) is gone from {self.folder}", "git fsck")

    def unlock(self) -> None:
        """Remove the locks on Pawl's references that a power cut left behind; git itself never would."""
        if (self.folder / ".git").exists():
            for lock in (self._stored("refs") / "pawl").rglob("*.lock"):
                if time.time() - lock.stat().st_mtime > STALE_S:
                    lock.unlink(missing_ok=True)

    def _keep(self, *commits: str) -> None:
        """Make the objects of commits, in rev-list's words, survive a power cut."""
        names = self._git("rev-list", "--objects", "--no-object-names", *commits).split()
        objects = self._stored("objects")
        files = [objects / name[:2] / name[2:] for name in names]
        loose = [file for file in files if file.exists()]
        packed = [objects / "pack"] if len(loose) < len(files) else []
        durable.sync((*loose, *{file.parent for file in loose}, *packed, objects))

    def _stored(self, what: str) -> Path:
        """Where git keeps its objects or references."""
        usual = self.folder / ".git" / what
        return usual if usual.is_dir() else self.folder / self._git("rev-parse", "--git-path", what).strip()

    def _git(self, *args: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
        done = self._run(*args, stdin=stdin, env=env)
        if done.returncode:
            raise ConfigError(
                f"git {args[0]} failed in {self.folder}: {done.stderr.decode(errors='replace').strip()}", "git status"
            )
        return _text(done.stdout)

    def _try(self, *args: str) -> str | None:
        done = self._run(*args)
        return None if done.returncode else _text(done.stdout)

    def _run(
        self, *args: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        scrubbed = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        try:
            return subprocess.run(
                ["git", *SAFE, "-C", str(self.folder), *args], input=stdin.encode(),
                env={**scrubbed, **IDENTITY, **UNTOUCHED, **(env or {})}, capture_output=True, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise ConfigError("git is not installed", "apt install git") from error


def _mode(old: str, new: str) -> str:
    """A file's mode after a change, where it stayed the same kind of file or is new."""
    before = old.removeprefix(":")
    return new if "000000" in (before, new) or before == new else f"{before}->{new}"


@functools.lru_cache(maxsize=64)
def _listed(folder: Path, commit: str) -> tuple[tuple[str, str, str], ...]:
    """The (mode, blob, path) of every file in a commit."""
    found = Lineage(folder, ())._try("ls-tree", "-r", "-z", "--full-tree", commit)
    if found is None:
        raise ConfigError(f"commit {commit} is not in {folder}", "git fsck")
    lines = (line.split("\t", 1) for line in found.split("\0")[:-1])
    return tuple((meta.split()[0], meta.split()[2], path) for meta, path in lines)


@functools.lru_cache(maxsize=1024)
def _blob(folder: Path, digest: str) -> bytes:
    """A blob's bytes; most variants share most of theirs."""
    done = Lineage(folder, ())._run("cat-file", "blob", digest)
    if done.returncode:
        raise ConfigError(f"git has no object {digest} in {folder}", "git fsck")
    return done.stdout


@functools.lru_cache(maxsize=256)
def _file(folder: Path, commit: str, path: str) -> str:
    """A file in a commit; commits never change, so that asking once is enough."""
    return Lineage(folder, ())._git("show", f"{commit}:{path}")


def _unified(path: str, before: str, after: str) -> str:
    """A diff of one file that `git apply` takes, also where the last line does not end."""
    lines = difflib.unified_diff(LINE.findall(before), LINE.findall(after), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _text(output: bytes) -> str:
    try:
        return output.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"a file or message in the repository is not UTF-8: {error}", "convert it to UTF-8"
        ) from error
