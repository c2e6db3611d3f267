"""The only wiring: a study's folder becomes ledger, parts and motion. The doors (CLI, Python) come in here.

import pawl

study = pawl.open("my-study")
for dossier in study.run(budget="5m"):
    print(dossier.record.statement)
study.frame("runs")
"""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from pawl import cache, charts, config, environment, frames, history, initialise, keys, page, plugins, policy, results
from pawl.approve import Approve, Word
from pawl.artifacts import ArtifactStore
from pawl.certify import Certify
from pawl.envelope import sha256
from pawl.errors import ConfigError, did_you_mean
from pawl.judge import Judge
from pawl.labs.lab import Lab
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage, PatchRefused
from pawl.loop import Budget, Loop
from pawl.measure import Measure
from pawl.protocols import Evaluator, Executor, Gate, Limits, Mount, Proposer, Sandbox, Signer, Store
from pawl.records import (
    Artifact,
    Certificate,
    Dossier,
    Proposal,
    Record,
    Rejection,
    Release,
    Run,
    Study,
    Variant,
    Verdict,
)
from pawl.search import Search
from pawl.statement import Subject
from pawl.tables import PartTable, seconds
from pawl.workplace import Workplace

if TYPE_CHECKING:
    import pandas

R = TypeVar("R", bound=Record)
STATE = ".pawl"


def open(folder: str | Path = ".") -> OpenStudy:
    """The study in a folder. Raises ConfigError, with the command that mends it, if there is none."""
    return OpenStudy(Path(folder).resolve())


class OpenStudy:
    """One study: its settings, its ledger, and what can be done with it. Reading needs no sandbox and no policy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config, self.config_digest = config.load(folder)
        self.lineage = Lineage(folder, self.config.train.editable)
        self.state = folder / STATE
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.artifacts = ArtifactStore(self.state / "artifacts")
        store = self._part("store", self.config.store, path=self.state / "ledger.sqlite")
        self.ledger = Ledger(cast(Store, store))

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
        """Read every entry and artifact again. Raises IntegrityError at the first that is not what was written."""
        entries = self.ledger.verify()
        named = {artifact.digest for run in self.entries(Run) for artifact in run.record.artifacts}
        named |= {artifact.digest for dossier in self.entries(Dossier) for artifact in dossier.record.attachments}
        for digest in named:
            self.artifacts.get(digest)
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
        with self._locked():
            yield self._loop(unsafe)

    # -- deciding -----------------------------------------------------------------------------------------------

    def decisions(self) -> Approve:
        """What people may do. Raises NotAuthorized for a policy that cannot be relied on."""
        rules, digest = policy.load(self.folder)
        signer = cast(Signer, self._part("signer", self.config.signer))
        return Approve(self.ledger, self.lineage, self.artifacts, signer, rules, digest)

    def decide(self, id: int, word: Word, key: Path, approver: str, remark: str = "") -> Entry[Record]:
        """Sign a decision on a dossier with a key, write it down, and release it if that was the last one needed.

        Returns the Rejection, the Release, or the Approval where more people have to sign."""
        people, dossier = self.decisions(), self.ledger.get(id, Dossier)
        armored = people.signer.sign(people.request(dossier, word, approver, remark).encode(), key)
        return self.record_decision(id, word, armored, approver, remark)

    def record_decision(self, id: int, word: Word, armored: str, approver: str, remark: str = "") -> Entry[Record]:
        """As `decide`, for a signature that was made elsewhere."""
        people, dossier = self.decisions(), self.ledger.get(id, Dossier)
        if word == "reject":
            rejection: Entry[Rejection] = people.reject(dossier, approver, armored, remark)
            return rejection
        approval = people.approve(dossier, approver, armored, remark)
        release = people.release(dossier)
        if release:
            self._publish(release)
        return release or approval

    def judge_again(self, id: int) -> Entry[Verdict]:
        """Ask all gates again about a dossier's certificate, under the policy of now."""
        verdict = self.ledger.get(self.ledger.get(id, Dossier).record.verdict, Verdict)
        return self._judge().settle(self.ledger.get(verdict.record.certificate, Certificate))

    # -- wiring -------------------------------------------------------------------------------------------------

    def _part(self, kind: str, table: PartTable, **wiring: object) -> object:
        return plugins.build(kind, table.use, table.settings(), **wiring)

    def _loop(self, unsafe: bool) -> Loop:
        config.must_exist(self.folder, self.config)
        rules, digest = policy.load(self.folder)
        if self.ledger.last(Variant) is None:
            self.ledger.append(self.lineage.baseline())
        stop, place = threading.Event(), self._workplace()
        self._opened(place, digest)
        table = PartTable(use="unsafe", accepted=True) if unsafe else self.config.sandbox
        sandbox = cast(Sandbox, self._part("sandbox", table))
        wiring = {"sandbox": sandbox, "artifacts": self.artifacts, "workplace": place, "stop": stop}
        train = {"command": self.config.train.command, "budget": self.config.train.amount}
        executor = cast(Executor, self._part("executor", self.config.executor, **wiring, **train))
        measure = Measure(self.ledger, executor, self._evaluator(wiring))
        metric, sign, workers = self.config.study.metric, self.config.sign, self.config.workers
        search = Search(self.ledger, self._proposers(), self.lineage, measure, rules, metric, sign)
        certify = Certify(self.ledger, measure, rules, metric, sign, workers)
        return Loop(
            self.ledger, search, certify, self._judge(), rules, workers, stop,
            changed=lambda: self._unchanged(digest), after=self._after,
        )  # fmt: skip

    def _evaluator(self, wiring: dict[str, object]) -> Evaluator:
        table, metric = self.config.evaluate, self.config.study.metric
        if table.self_reported:
            settings = PartTable(use="self-reported")
            return cast(Evaluator, self._part("evaluator", settings, summary=table.summary, metric=metric))
        sealed = {"command": table.predict, "scorer": table.scorer, "validation": self.state / table.validation}
        return cast(Evaluator, self._part("evaluator", PartTable(use="sealed"), **wiring, **sealed, metric=metric))

    def _proposers(self) -> Sequence[Proposer]:
        space = {key: table.model_dump() for key, table in self.config.space.items()}
        wiring = {"sources": self.lineage, "space": space}
        return [cast(Proposer, self._part("proposer", table, **wiring)) for table in self.config.proposer]

    def _judge(self) -> Judge:
        rules, digest = policy.load(self.folder)
        gates = [cast(Gate, self._part("gate", table)) for table in rules.gate]
        return Judge(self.ledger, self.lineage, self.artifacts, gates, rules, digest, self._picture)

    def _picture(self, subject: Subject, statement: str) -> Sequence[Artifact]:
        chart = charts.png(self.ledger)
        text = page.page(subject, statement, chart, self.ledger)
        return (self.artifacts.put("chart.png", chart), self.artifacts.put("dossier.html", text.encode()))

    def _workplace(self) -> Workplace:
        train, evaluate = self.config.train, self.config.evaluate
        staged = tuple(Mount(cache.stage(self.folder / name)[0], f"/study/{name}") for name in train.data)
        return Workplace(
            environment.build(self.folder, self.config.environment), staged, Limits(**train.limits.model_dump()),
            Limits(**evaluate.limits.model_dump()),
            lambda variant, folder: self.lineage.export(self.ledger.get(variant, Variant).record.commit, folder),
        )  # fmt: skip

    def _opened(self, place: Workplace, policy_digest: str) -> None:
        """Write down under which settings the study is opened, if they differ from the last time."""
        table, train = self.config.evaluate, self.config.train
        scorer = str(Path(table.validation).parent / table.scorer) if table.scorer.endswith(".py") else ""
        names = [name for name in (table.validation, table.holdout, scorer) if name]
        sealed = [sha256((self.state / name).read_bytes()) for name in names]
        compared = [
            self.config.study.model_dump(), train.model_dump(), table.model_dump(), sealed,
            [mount.source.name for mount in place.data], place.environment.digest,
        ]  # fmt: skip
        record = Study(
            name=self.config.study.name, metric=self.config.study.metric, direction=self.config.study.direction,
            commit=self.ledger.entries(Variant)[0].record.commit,
            comparable=sha256(json.dumps(compared, sort_keys=True).encode()), environment=place.environment.digest,
            config=self.config_digest, policy=policy_digest, self_reported=table.self_reported,
        )  # fmt: skip
        last = self.ledger.last(Study)
        if last is None or last.record != record:
            self.ledger.append(record)

    def _unchanged(self, policy_digest: str) -> None:
        if (self.folder / config.FILE).read_bytes() and config.load(self.folder)[1] != self.config_digest:
            raise ConfigError(f"{config.FILE} changed while the loop ran; all finished work is kept", "pawl run")
        if policy.load(self.folder)[1] != policy_digest:
            raise ConfigError(f"{policy.FILE} changed while the loop ran; all finished work is kept", "pawl run")

    def _after(self) -> None:
        if self.config.evaluate.results:
            text = results.table(self.ledger, self.config.evaluate.summary)
            results.write(self.folder / self.config.evaluate.results, text)

    def _publish(self, release: Entry[Release]) -> None:
        """Lay the released artifacts out as files, for whoever serves them."""
        folder = self.state / "releases" / str(release.id)
        for artifact in history.released_run(self.ledger, release).artifacts:
            path = folder / artifact.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.artifacts.get(artifact.digest))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.state / "loop.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(f"another loop runs on {self.folder}", "pawl status   (or wait for it)") from None
            yield


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
