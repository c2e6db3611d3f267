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
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from pawl import (
    answers,
    bills,
    calibration,
    charts,
    config,
    forecast,
    frames,
    history,
    inbox,
    initialise,
    keys,
    move,
    notebook,
    plugins,
    policy,
    recap,
    seals,
)
from pawl.bills import Bill
from pawl.deciding import Deciding
from pawl.errors import ConfigError, Halted, Interrupted, NotAuthorized, did_you_mean
from pawl.labs.lab import Lab
from pawl.ledger import Entry
from pawl.lineage import PatchRefused
from pawl.loop import Budget, Loop
from pawl.names import reserved
from pawl.protocols import Adviser, Sandbox, Suggestion
from pawl.rates import Calibration
from pawl.records import (
    CALIBRATION,
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
from pawl.tables import seconds

if TYPE_CHECKING:
    import pandas

R = TypeVar("R", bound=Record)
ANALYST = config.ProposerTable(use="log-analyst")


def open(folder: str | Path = ".") -> OpenStudy:
    """The study in a folder. Raises ConfigError, with the command that mends it, if there is none."""
    return OpenStudy(Path(folder).resolve())


def adopt(folder: str | Path = ".") -> OpenStudy:
    """The study in a folder, whose ledger is trusted as it is from here on. Raises IntegrityError if it is broken."""
    return OpenStudy(Path(folder).resolve(), adopt=True)


class OpenStudy(Deciding):
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
        return self._rules_of_now().screening.ladder

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
        found = self.known_rules()
        return calibration.measured(self.ledger, found[0] if found else policy.wished(self.folder)[0])

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
        return recap.sections(self.ledger, self._rules_of_now().screening.ladder)

    def write_notebook(self) -> Path:
        """These sections in `notebook.md`; what people wrote there stays. Raises ConfigError, PawlError."""
        return notebook.write(self.folder, self.notebook())

    def suggestions(self) -> list[tuple[str, Suggestion]]:
        """What the ledger suggests for the head, and which proposer says so: those of pawl.toml that can, and in any
        case the one that reads logs. Raises ConfigError where nothing ran yet."""
        history.study(self.ledger)
        tables = [table for table in self.config.proposer if hasattr(plugins.load("proposer", table.use), "suggest")]
        tables += [] if any(table.use == ANALYST.use for table in tables) else [ANALYST]
        head, proposers = history.head(self.ledger), self._proposers(self._rules_of_now(), tables)
        advisers = cast(dict[str, Adviser], proposers)
        return [(name, one) for name, adviser in advisers.items() for one in adviser.suggest(head, self.ledger)]

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

    def propose(self, patch: str, hypothesis: str, by: str = "human", limited: bool = False) -> Entry[Proposal]:
        """Put a person's patch in the queue; the next turn tries it. `limited`: a script's, within the limits of
        [inbox]. Raises ConfigError if it does not fit, or if that name is a proposer's."""
        owners = {CALIBRATION: "null candidates", **{table.called: "a proposer" for table in self.config.proposers}}
        if by in owners or reserved(by):
            raise ConfigError(
                f"nobody is called '{by}': so is {owners.get(by, 'what agents hand in')}", "pawl propose --by NAME"
            )
        return self._within_limits(patch, hypothesis, by) if limited else self._queue(patch, hypothesis, by)

    def hand_in(self, patch: str, hypothesis: str, name: str = "") -> Entry[Proposal]:
        """As `propose`, for an agent that the operator calls `name`: in the inbox's name and within its limits."""
        return self._within_limits(patch, hypothesis, inbox.called(name))

    def inbox_room(self) -> int:
        """How many proposals agents and scripts may hand in now."""
        limits = self.config.inbox
        return inbox.room(self.ledger, limits.waiting, limits.hourly, datetime.now(UTC))

    def _within_limits(self, patch: str, hypothesis: str, by: str) -> Entry[Proposal]:
        inbox.check(patch, hypothesis)
        with self.store.hold("inbox", wait=True):  # or two at once would both find the last place free
            if not self.inbox_room():
                limits = self.config.inbox
                raise ConfigError(
                    f"the inbox is full: {limits.waiting} may wait, and {limits.hourly} may come in an hour",
                    "pawl run --runs 20   (or raise [inbox] waiting or hourly in pawl.toml)",
                )
            return self._queue(patch, hypothesis, by)

    def _queue(self, patch: str, hypothesis: str, by: str) -> Entry[Proposal]:
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
            with self.kept():
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
        return seals.lives(self.ledger, self._rules_of_now().holdout.openings)

    def asks_holdout(self) -> bool:
        """Whether the policy in force has the gate that asks the holdout."""
        return any(gate.use == "holdout" for gate in self._rules_of_now().gate)

    def _rules_of_now(self) -> policy.Policy:
        found = self.known_rules()
        return found[0] if found else policy.wished(self.folder)[0]

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
