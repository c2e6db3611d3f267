"""What agents can do with a study: each method answers one tool, in values that JSON can hold."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pawl import app, foreign, history, telling
from pawl.app import Budget, OpenStudy
from pawl.config import FILE
from pawl.errors import ConfigError, Interrupted
from pawl.inbox import called
from pawl.ledger import Entry
from pawl.loop import Loop
from pawl.mcp.view import Shown, View, words
from pawl.records import Certificate, Dossier, Noise, Proposal, Run, Screening, Variant

LONGEST_PATCH = 40_000
LONGEST_LOG = 1_000_000
MOST = 100
"""Entries or attempts in one answer."""
A_DAY = 86400.0
LOG = "log.tsv"


@dataclass
class Errand:
    """A budget of the loop that an agent was granted."""

    study: OpenStudy
    runs: int
    seconds: float | None
    stopped: threading.Event = field(default_factory=threading.Event)
    first: int = 0

    def __post_init__(self) -> None:
        self.first = len(self.study.ledger.all())

    def work(self, most: int) -> None:
        """Run the loop to the budget's end, or until it is stopped; at `most` runs even within a certificate, which the
        next loop carries on. Raises what the loop raises."""
        with self.study.loop() as loop:
            over = threading.Event()
            watcher = threading.Thread(target=self._watch, args=(loop, most, over), daemon=True)
            watcher.start()
            try:
                loop.run(Budget(self.seconds, self.runs))
            except Interrupted:
                if not self.stopped.is_set():
                    raise
            finally:
                over.set()
                watcher.join()

    def _watch(self, loop: Loop, most: int, over: threading.Event) -> None:
        while not over.wait(0.05):
            if self.done >= most:
                self.stopped.set()
            if self.stopped.is_set():
                loop.stop.set()
                return

    @property
    def done(self) -> int:
        """Training runs since it began."""
        return sum(entry.id > self.first for entry in self.study.entries(Run))


@dataclass
class Desk:
    """One server's work on the study in `folder`, for the agent that the operator calls `name`."""

    folder: Path
    name: str = ""
    used: int = 0
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _opened: tuple[bytes, OpenStudy] | None = None

    def __post_init__(self) -> None:
        called(self.name)

    @property
    def study(self) -> OpenStudy:
        """The study, opened anew where pawl.toml changed."""
        path = self.folder / FILE
        text = path.read_bytes() if path.is_file() else b""
        if self._opened is None or self._opened[0] != text:
            self._opened = (text, app.open(self.folder))
        return self._opened[1]

    @property
    def view(self) -> View:
        return View(self.study.ledger, self.study.ladder())

    @cached_property
    def proposer(self) -> str:
        """The name that proposals from here bear."""
        return called(self.name)

    # -- reading ------------------------------------------------------------------------------------------------

    def status(self) -> Shown:
        study, state, view = self.study, history.read(self.study.ledger), self.view
        table, train = study.config.study, study.config.train
        outcomes = [attempt.outcome for attempt in view.attempts.values()]
        counts = {word: outcomes.count(word) for word in ("waiting", "accepted", "refused", "crashed")}
        halt = study.switch.standing(study.ledger)
        return {
            "study": table.name, "metric": table.metric, "direction": table.direction,
            "metric_is_self_reported": study.config.evaluate.self_reported, "budget_of_a_run": train.budget,
            "editable": list(train.editable), "you_are": self.proposer, "champion": state.champion,
            "head": state.head, **counts,
            "certificates": {"won": state.wins, "of": state.steps},
            "dossiers_that_wait_for_a_person": [entry.id for entry in state.standing],
            "halted": words(halt.record.reason) if halt else None,
            "room_for_proposals": study.inbox_room(), "runs_you_may_start": self.left(),
        }  # fmt: skip

    def files(self) -> Shown:
        """The head's editable files, which a patch is made against."""
        study = self.study
        if study.ledger.last(Variant) is None:
            raise ConfigError("nothing has run in this study yet: there is no head", "run")
        head = history.head(study.ledger)
        return {"head": head.id, "files": dict(study.lineage.read(head.record))}

    def log(self, newest: int) -> list[Shown]:
        return self.view.log()[-_count(newest) :]

    def attempts(self, newest: int) -> list[Shown]:
        view = self.view
        return [{"id": id, **view.attempt(found)} for id, found in list(view.attempts.items())[-_count(newest) :]]

    def why(self, id: int) -> list[Shown]:
        return self.view.why(id)

    def show(self, id: int) -> Shown:
        study, view = self.study, self.view
        shown, record = view.show(id), study.ledger.any(id).record
        if isinstance(record, Proposal | Variant | Certificate | Dossier):
            return {**shown, "patch": words(study.diff(id), LONGEST_PATCH)}
        return {**shown, "tail": view.tail(id)} if isinstance(record, Run) else shown

    def noise(self) -> Shown:
        found = self.study.ledger.last(Noise)
        if found is None:
            raise ConfigError("the noise of this study was never measured", "run")
        return self.view.show(found.id)

    def forecast(self) -> Shown:
        ahead = self.study.forecast()
        if ahead is None:
            return {"next_certificate": None, "reason": "the head is the reference: there is nothing to certify"}
        hidden = {"gain", "gain_sd", "chance"} if self.study.ladder() else set[str]()
        return {"next_certificate": ahead.model_dump(exclude=hidden)}

    def judge_log(self, log: str, metric: str, direction: str, noise: float | None) -> Shown:
        """A finished log of any loop, given as its text: no path is taken, so that none leads anywhere."""
        if len(log) > LONGEST_LOG:
            raise ConfigError(f"the log has {len(log)} characters; at most {LONGEST_LOG} are taken", "judge_log")
        given = {"metric": metric, "direction": direction}
        with tempfile.TemporaryDirectory(prefix="pawl-log-") as folder:
            path = Path(folder) / LOG
            path.write_bytes(log.encode(errors="replace"))
            try:
                found = foreign.judge(str(path), {key: value for key, value in given.items() if value}, noise=noise)
            except ConfigError as error:
                raise ConfigError(str(error).replace(str(path), LOG), "judge_log") from error
        said = {name: text.replace(str(path), LOG) for name, text in telling.facts(found) if name}
        rows = [dict(zip(telling.COLUMNS, map(words, telling.row(step)), strict=True)) for step in found.steps[:MOST]]
        missing = [{"runs": runs, "of": words(what)} for runs, what in telling.missing(found)[:MOST]]
        facts = {name: words(text) for name, text in said.items()}
        return {"headline": telling.headline(found), "facts": facts, "steps": rows, "missing": missing}

    # -- trying -------------------------------------------------------------------------------------------------

    def propose(self, patch: str, hypothesis: str) -> Shown:
        entry: Entry[Proposal] = self.study.hand_in(patch, hypothesis, self.name)
        return {"id": entry.id, "parent": entry.record.parent, "proposer": entry.record.proposer, "outcome": "waiting"}

    def left(self) -> int:
        """Runs that agents may still start."""
        limits, had = self.study.config.inbox, len(self.study.entries(Run))
        return max(min(limits.runs - self.used, limits.total - had), 0)

    def errand(self, runs: int, seconds: float | None) -> Errand:
        """A budget for the loop. Raises ConfigError above the operator's limit."""
        self._may(runs)
        if seconds is not None and not 1 <= seconds <= A_DAY:
            raise ConfigError(f"{seconds} seconds are not between 1 and {A_DAY:g}", "run with fewer runs")
        return Errand(app.open(self.folder), runs, seconds)  # its store alone holds the loop's lease

    def _may(self, runs: int) -> int:
        """How many runs an agent who asks for `runs` may start at most. Raises ConfigError."""
        left = self.left()
        if not 1 <= runs <= left:
            raise ConfigError(f"{runs} runs were asked for, and from 1 to {left} may be", "raise [inbox] in pawl.toml")
        return left

    def run(self, errand: Errand) -> Shown:
        """Do an errand, and tell what came of it. Raises ConfigError while another one is under way."""
        if not self._busy.acquire(blocking=False):
            raise ConfigError("a run of yours is under way", "wait for it")
        began = time.monotonic()
        try:
            errand.work(self._may(errand.runs))
        finally:
            self.used += errand.done
            self._busy.release()
        view, first = self.view, errand.first
        ended = [entry.record.proposal for entry in self.study.entries(Screening) if entry.id > first]
        done = [{"id": id, **view.attempt(view.attempts[id])} for id in ended if id in view.attempts]
        made = [entry.id for entry in self.study.entries(Dossier) if entry.id > first]
        return {
            "runs": errand.done, "seconds": round(time.monotonic() - began, 1), "stopped": errand.stopped.is_set(),
            "runs_you_may_start": self.left(), "dossiers_that_wait_for_a_person": made, "screened": done[-MOST:],
        }  # fmt: skip


def _count(newest: int) -> int:
    if not 1 <= newest <= MOST:
        raise ConfigError(f"{newest} is not between 1 and {MOST}", "ask for fewer")
    return newest
