"""What people can do with a study. The doors (CLI, Python) come in here.

import pawl

study = pawl.open("my-study")
for dossier in study.run(budget="5m"):
    print(dossier.record.statement)
study.frame("runs")
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar, cast

from pawl import charts, frames, history, initialise, keys, plugins
from pawl.approve import Word
from pawl.errors import ConfigError, PawlError, did_you_mean
from pawl.labs.lab import Lab
from pawl.ledger import Entry
from pawl.lineage import PatchRefused
from pawl.loop import Budget, Loop
from pawl.protocols import Sandbox
from pawl.records import (
    Certificate,
    Dossier,
    Proposal,
    Record,
    Rejection,
    Release,
    Run,
    Variant,
    Verdict,
)
from pawl.tables import seconds
from pawl.wiring import Wiring

if TYPE_CHECKING:
    import pandas

R = TypeVar("R", bound=Record)


def open(folder: str | Path = ".") -> OpenStudy:
    """The study in a folder. Raises ConfigError, with the command that mends it, if there is none."""
    return OpenStudy(Path(folder).resolve())


class OpenStudy(Wiring):
    """One study: its settings, its ledger, and what can be done with it. Reading needs no sandbox and no policy."""

    # -- reading ------------------------------------------------------------------------------------------------

    def entries(self, kind: type[R]) -> list[Entry[R]]:
        """All ledger entries of a record kind, oldest first."""
        return self.ledger.entries(kind)

    def dossiers(self) -> list[Entry[Dossier]]:
        """The dossiers that wait for a person, oldest first."""
        return history.read(self.ledger).standing

    def frame(self, what: str = "runs") -> pandas.DataFrame:
        """`runs`, `screenings`, `pairs` or `certificates` as a pandas data frame (needs pawl-ai[frames])."""
        return frames.frame(self.ledger, what)

    def diff(self, id: int) -> str:
        """The patch behind a proposal, variant, certificate, verdict or dossier: against its parent or reference."""
        record = self.ledger.any(id).record
        if isinstance(record, Proposal):
            return record.patch
        if isinstance(record, Variant):
            return self.lineage.diff(record.parent, record.commit)
        if isinstance(record, Verdict):
            return self.diff(record.certificate)
        if isinstance(record, Dossier):
            return self.artifacts.get(record.attachments[0].digest).decode()
        if isinstance(record, Certificate):
            plan = history.plan_of(self.ledger, record)
            arms = [self.ledger.get(arm, Variant).record.commit for arm in (plan.reference, plan.head)]
            return self.lineage.diff(*arms)
        raise ConfigError(f"entry {id} is a {type(record).__name__.lower()}: it has no patch", f"pawl show {id}")

    def attachment(self, dossier: Entry[Dossier], name: str) -> bytes:
        """A dossier's `patch.diff`, `chart.png` or `dossier.html`."""
        for artifact in dossier.record.attachments:
            if artifact.name == name:
                return self.artifacts.get(artifact.digest)
        raise ConfigError(f"dossier {dossier.id} has no {name}", f"pawl show {dossier.id}")

    def chart(self, width: int = 100, height: int = 20, colour: bool = False) -> str:
        """Every run in order, drawn with characters."""
        return charts.terminal(self.ledger, width, height, colour)

    def write_chart(self) -> Path:
        """The chart of every run as `.pawl/chart.png`."""
        path = self.state / "chart.png"
        path.write_bytes(charts.png(self.ledger))
        return path

    def write_page(self, dossier: Entry[Dossier]) -> Path:
        """A dossier's page as `.pawl/dossiers/N.html`."""
        path = self.state / "dossiers" / f"{dossier.id}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.attachment(dossier, "dossier.html"))
        return path

    def verify(self) -> dict[str, object]:
        """Read every entry, artifact and release again, and ask git for every variant. Raises IntegrityError at the
        first that is not what was written, NotAuthorized at a release that nobody vouches for."""
        entries = self.ledger.verify()
        self.lineage.verify(self._references())
        self._mend()
        named = {artifact.digest for run in self.entries(Run) for artifact in run.record.artifacts}
        named |= {artifact.digest for dossier in self.entries(Dossier) for artifact in dossier.record.attachments}
        for digest in named:
            self.artifacts.get(digest)
        for release in self.entries(Release):
            self.decisions().verify(release)
        last = self.ledger.all()[-1].digest if entries else "none"
        return {"entries": entries, "artifacts": len(named), "head": last}

    # -- trying -------------------------------------------------------------------------------------------------

    def propose(self, patch: str, hypothesis: str, by: str = "human") -> Entry[Proposal]:
        """Put a person's patch in the queue; the next turn tries it. Raises ConfigError if it does not fit."""
        if not hypothesis.strip():
            raise ConfigError("a proposal needs a hypothesis", "pawl propose --patch FILE --hypothesis '...'")
        if self.ledger.last(Variant) is None:
            self.ledger.append(self.lineage.baseline())
        standing, problem = history.read(self.ledger), ""
        for parent in dict.fromkeys((standing.head, standing.reference, standing.champion)):
            try:
                self.lineage.applied(patch, self.ledger.get(parent, Variant).record.commit)
            except PatchRefused as refusal:
                problem = problem or str(refusal)
                continue
            return self.ledger.append(
                Proposal(parent=parent, patch=patch, hypothesis=hypothesis, proposer=by, settings={})
            )
        raise ConfigError(problem, f"git diff   (a patch on {', '.join(self.lineage.editable)} only)")

    def run(
        self,
        budget: str | float | None = None,
        runs: int | None = None,
        until_certified: bool = False,
        unsafe: bool = False,
    ) -> list[Entry[Dossier]]:
        """Search, certify and judge within a budget ("5m" or seconds; training runs); the dossiers it made."""
        with self.loop(unsafe) as loop:
            return loop.run(Budget(None if budget is None else budget_seconds(budget), runs, until_certified))

    @contextmanager
    def loop(self, unsafe: bool = False) -> Iterator[Loop]:
        """The loop, ready to run, with the study locked against a second one. Builds the environment if need be."""
        with self._locked("loop.lock"):
            self._mend()
            yield self.build_loop(unsafe)

    # -- deciding -----------------------------------------------------------------------------------------------

    def decide(self, id: int, word: Word, key: Path, approver: str, remark: str = "") -> Entry[Record]:
        """Sign a decision on a dossier with a key, write it down, and release it if that was the last one needed.

        Returns the Rejection, the Release, or the Approval where more people have to sign."""
        people, dossier = self.decisions(), self.ledger.get(id, Dossier)
        armored = people.signer.sign(people.request(dossier, word, approver, remark).encode(), key)
        return self.record_decision(id, word, armored, approver, remark)

    def record_decision(self, id: int, word: Word, armored: str, approver: str, remark: str = "") -> Entry[Record]:
        """As `decide`, for a signature that was made elsewhere."""
        self._mend()
        with self._locked("decision.lock", wait=True):  # a yes and a no at once must not both count
            people, dossier = self.decisions(), self.ledger.get(id, Dossier)
            if word == "reject":
                rejection: Entry[Rejection] = people.reject(dossier, approver, armored, remark)
                return rejection
            approval = people.approve(dossier, approver, armored, remark)
            release = people.release(dossier)
        self._mend()
        return release or approval

    def judge_again(self, id: int) -> Entry[Verdict]:
        """Ask all gates again about a dossier's certificate, under the policy of now."""
        verdict = self.ledger.get(self.ledger.get(id, Dossier).record.verdict, Verdict)
        return self.build_judge().settle(self.ledger.get(verdict.record.certificate, Certificate))

    def _mend(self) -> None:
        """Do what follows from the ledger and was not done, or was lost, when a process was killed or the power cut:
        git's references, and the champion's files for whoever serves them."""
        self.lineage.unlock()
        if not self.lineage.behind(self._references()) and self._published():
            return
        with self._locked("decision.lock", wait=True):  # and so that no older champion replaces a newer one
            self.lineage.restore(self.lineage.behind(self._references()))
            release = self.ledger.last(Release)
            if release and not self._published():
                self.artifacts.lay_out(history.released_run(self.ledger, release).artifacts, self._place(release))

    def _references(self) -> dict[str, str]:
        """The commits under refs/pawl/, by name, as the ledger has them."""
        variants = [entry.record for entry in self.entries(Variant) if not entry.record.problem]
        named = {f"variants/{v.proposal}" if v.proposal else "baseline": v.commit for v in variants}
        champion = history.read(self.ledger).champion
        return named | ({"champion": self.ledger.get(champion, Variant).record.commit} if champion else {})

    def _published(self) -> bool:
        release = self.ledger.last(Release)
        return release is None or self._place(release).is_dir()

    def _place(self, release: Entry[Release]) -> Path:
        return self.state / "releases" / str(release.id)

    @contextmanager
    def _locked(self, name: str, wait: bool = False) -> Iterator[None]:
        with self._lock(name) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise ConfigError(f"another loop runs on {self.folder}", "pawl status   (or wait for it)") from None
            yield

    def _lock(self, name: str) -> IO[str]:
        try:
            return (self.state / name).open("w")
        except OSError as error:
            raise PawlError(
                f"{self.state / name} cannot be written: {error.strerror}",
                "free some disk space or make the disk writable, then type the command again: nothing is lost",
            ) from error


def budget_seconds(budget: str | float) -> float:
    """A budget such as "5m" in seconds. Raises ConfigError."""
    try:
        found = seconds(budget)
    except ValueError as error:
        raise ConfigError(f"--budget: {error}", "pawl run --budget 5m") from error
    if not isinstance(found, int | float) or not found > 0:
        raise ConfigError(f"--budget: {budget!r} is not a positive duration", "pawl run --budget 5m")
    return float(found)


def sandbox() -> Sandbox:
    """The default sandbox, for the doctor."""
    return cast(Sandbox, plugins.build("sandbox", "bubblewrap", {}))


def labs() -> list[Lab]:
    """The studies that ship, and those of installed plugins."""
    return [point.load() for _, point in sorted(plugins.known("lab").items())]


def new_lab(name: str, folder: Path) -> keys.Signer:
    """A fresh copy of a shipped study with its data, committed in a repository of its own. Raises ConfigError."""
    found = {lab.name: lab for lab in labs()}
    if name not in found:
        raise ConfigError(f"there is no lab '{name}'.{did_you_mean(name, found)}", "pawl lab list")
    signer = initialise.new_lab(found[name].folder, folder)
    found[name].prepare(folder)
    initialise.commit(folder, f"Start from Pawl's lab {name}")
    return signer


__all__ = ["Budget", "OpenStudy", "labs", "new_lab", "open"]
