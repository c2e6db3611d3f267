"""What people can do with a study. The doors (CLI, Python) come in here.

import pawl

study = pawl.open("my-study")
for dossier in study.run(budget="5m"):
    print(dossier.record.statement)
study.frame("runs")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pawl import (
    answers,
    bills,
    calibration,
    charts,
    config,
    forecast,
    frames,
    history,
    initialise,
    keys,
    move,
    notebook,
    plugins,
    recap,
    seals,
)
from pawl.bills import Bill
from pawl.errors import ConfigError, Halted, Interrupted, NotAuthorized, did_you_mean
from pawl.labs.lab import Lab
from pawl.ledger import Entry
from pawl.loop import Budget, Loop
from pawl.proposing import Proposing
from pawl.protocols import Sandbox
from pawl.rates import Calibration
from pawl.records import (
    Ablation,
    Certificate,
    Completion,
    Dossier,
    Forecast,
    Holdout,
    Proposal,
    Record,
    Release,
    Run,
    Variant,
    Verdict,
)
from pawl.tables import PartTable, seconds

if TYPE_CHECKING:
    import pandas

R = TypeVar("R", bound=Record)


def open(folder: str | Path = ".") -> OpenStudy:
    """The study in a folder. Raises ConfigError, with the command that mends it, if there is none."""
    return OpenStudy(Path(folder).resolve())


def adopt(folder: str | Path = ".") -> OpenStudy:
    """The study in a folder, whose ledger is trusted as it is from here on. Raises IntegrityError if it is broken."""
    return OpenStudy(Path(folder).resolve(), adopt=True)


class OpenStudy(Proposing):
    """One study: its settings, its ledger, and what can be done with it. Reading needs no sandbox and no policy."""

    # -- reading ------------------------------------------------------------------------------------------------

    def entries(self, kind: type[R]) -> list[Entry[R]]:
        """All ledger entries of a record kind, oldest first."""
        return self.ledger.entries(kind)

    def dossiers(self) -> list[Entry[Dossier]]:
        """The dossiers that wait for a person, oldest first."""
        return history.read(self.ledger).standing

    def forecast(self) -> Forecast | None:
        """What a certificate of the head would likely take; None where there is no head to certify, or no policy that
        can be relied on."""
        state, rules = history.read(self.ledger), None
        with suppress(NotAuthorized):
            rules = self.known_rules()
        if rules is None or state.head == state.reference:
            return None
        return forecast.ahead(self.ledger, rules[0].certification, self.config.workers)

    def ladder(self) -> float:
        """The step, in sds of one run, of the policy's Ladder between scores and those who propose; 0: none."""
        return self.rules_of_now().screening.ladder

    def frame(self, what: str = "runs") -> pandas.DataFrame:
        """`runs`, `screenings`, `pairs` or `certificates` as a pandas data frame (needs pawl-ai[frames])."""
        return frames.frame(self.ledger, what)

    def diff(self, id: int) -> str:
        """The patch behind a proposal, variant, certificate, verdict or dossier: against its parent or reference. Of an
        ablation: the smaller patch."""
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
        if isinstance(record, Ablation):
            claims, tested = answers.plan_of(self.ledger, record)
            return self.lineage.diff(
                *(self.ledger.get(id, Variant).record.commit for id in (tested.reference, claims.smaller))
            )
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

    def calibration(self) -> Calibration:
        """How often null candidates got through each step, beside what the policy promises."""
        return calibration.measured(self.ledger, self.rules_of_now())

    def spending(self) -> list[Bill]:
        """What each proposer spent on language models, beside its limits."""
        return bills.read(self.ledger, self.config.proposer)

    def write_chart(self) -> Path:
        """The chart of every run as `.pawl/chart.png`."""
        path = self.state / "chart.png"
        path.write_bytes(charts.png(self.ledger))
        return path

    def notebook(self) -> dict[str, str]:
        """The sections of the notebook as they are now, by name. Raises ConfigError where nothing ran yet."""
        return recap.sections(self.ledger, self.ladder())

    def write_notebook(self) -> Path:
        """These sections in `notebook.md`; what people wrote there stays. Raises ConfigError, PawlError."""
        return notebook.write(self.folder, self.notebook())

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
        self.mend()
        named = {artifact.digest for run in self.entries(Run) for artifact in run.record.artifacts}
        named |= {artifact.digest for dossier in self.entries(Dossier) for artifact in dossier.record.attachments}
        named |= {digest for done in self.entries(Completion) for digest in (done.record.prompt, done.record.answer)}
        for digest in named - {""}:
            self.artifacts.get(digest)
        self.known_rules()
        for release in self.entries(Release):
            self.must_be_released(release)
            self.artifacts.laid_out(history.released_run(self.ledger, release).artifacts, self._place(release))
        note = self.anchor.keep(self.ledger)
        return {
            "entries": entries, "artifacts": len(named - {""}), "head": note.root.hex(), "origin": note.origin,
            "key": str(self.anchor.key().public), "checkpoint": str(note),
        }  # fmt: skip

    # -- trying -------------------------------------------------------------------------------------------------

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
    def loop(self, unsafe: bool = False, wait: bool = False) -> Iterator[Loop]:
        """The loop, ready to run, with its lease; a halt or a lost lease stops it. Builds the environment if need be.

        Raises Halted if the study is halted, or was while the loop ran."""
        with self.lease(wait) as held, self.kept():
            self.mend()
            loop = self.build_loop(unsafe)
            with self.switch.watched(self.ledger, loop.stop, held) as halted:
                try:
                    yield loop
                except Interrupted:
                    if halted():
                        raise Halted(halted(), "pawl resume   (needs a signature)") from None
                    raise
                finally:
                    self.note(loop.policy.screening.ladder)

    def lease(self, wait: bool = False) -> AbstractContextManager[Callable[[], bool]]:
        """The right to run the loop, which one process on one machine has: a second one is refused (ConfigError), or
        waits for the first one's end. The loop's appends need it."""
        return self.store.hold("loop", wait)

    # -- sealed sets --------------------------------------------------------------------------------------------

    def openings(self) -> list[seals.Life]:
        """Every holdout that the study ever had, with its openings. Those that are left are by the policy in force."""
        return seals.lives(self.ledger, self.rules_of_now().holdout.openings)

    def asks_holdout(self) -> bool:
        """Whether the policy in force has the gate that asks the holdout."""
        return any(gate.use == "holdout" for gate in self.rules_of_now().gate)

    def refresh_holdout(self, file: Path, reason: str, by: str) -> Entry[Holdout]:
        """Exchange the holdout for a fresh set. Raises ConfigError while a loop runs, or for one that is not fresh."""
        if not reason.strip():
            raise ConfigError("a refresh needs a reason", "pawl seal refresh --holdout FILE --reason '...'")
        with self.lease(), self.kept():
            return self.sealing().refresh(file, reason, by)

    # -- keeping ------------------------------------------------------------------------------------------------

    def move(self, to: str, schema: str = "pawl", said: move.Said = lambda done, of: None) -> move.Moved:
        """Move the ledger to `sqlite` or to a schema of the database at a PostgreSQL URL, and name it in pawl.toml.

        The study must be opened again afterwards. Raises ConfigError while a loop runs or where another history is,
        IntegrityError if either store is not what was written."""
        table = move.table(to, schema)
        old, new = (move.movable(store) for store in (self.store, self.build_store(table)))
        if new == old:
            entries, root = move.standing(old)
            return move.Moved(entries, root, root, old.place, new.place, True, "")
        path, known = self.folder / config.FILE, self.config.store
        found = move.move(old, new, said, lambda: move.switch(path, known, table))
        return move.Moved(*found[:3], old.place, new.place, found[3], move.block(table))

    def unseal(self) -> None:
        """Accept entries again after a move that will never be finished. Raises ConfigError while a loop runs."""
        with self.lease():
            move.movable(self.store).seal("")


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
    return plugins.part(Sandbox, PartTable(use="bubblewrap"))


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
