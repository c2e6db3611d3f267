"""The only wiring: a study's folder becomes ledger, parts and motion."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, cast

from pydantic import JsonValue

from pawl import (
    amend,
    cache,
    calibration,
    charts,
    config,
    controls,
    environment,
    exposure,
    hardware,
    notebook,
    page,
    plugins,
    policy,
    recap,
    results,
    unlearning,
)  # fmt: skip
from pawl.anchor import Anchor
from pawl.approve import Approve
from pawl.artifacts import ArtifactStore
from pawl.broker import Broker, SealedFile, contents
from pawl.certify import Certify
from pawl.config import ProposerTable, SuiteTable
from pawl.consent import Consent
from pawl.envelope import sha256
from pawl.errors import ConfigError, NotAuthorized, PawlError
from pawl.fidelity import Fidelity, Rung
from pawl.halt import Switch
from pawl.judge import Judge
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage
from pawl.loop import Loop
from pawl.measure import Measure
from pawl.opening import Open
from pawl.policy import Policy
from pawl.protocols import Brief, Evaluator, Examiner, Executor, Gate, Limits, Mount, Proposer, Sandbox, Signer, Store
from pawl.records import Artifact, Certificate, Halt, PolicyInForce, Release, Resume, Study, Variant
from pawl.refresh import Refresh
from pawl.rungs import Halving, Learned
from pawl.search import Search
from pawl.statement import Subject
from pawl.tables import PartTable
from pawl.workplace import Workplace

STATE = ".pawl"
BETWEEN_CHECKPOINTS = 5.0
"""Seconds of the loop that a checkpoint may lag behind; every command ends with one."""
P = TypeVar("P")


class Wiring:
    """What a study is made of. Opening it needs no sandbox and no policy; each motion asks for what it needs."""

    def __init__(self, folder: Path, adopt: bool = False) -> None:
        self.folder = folder
        self.config, self.config_digest = config.load(folder)
        self.lineage = Lineage(folder, self.config.train.editable)
        self.state = folder / STATE
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.artifacts = ArtifactStore(self.state / "artifacts")
        self.store = self.build_store(self.config.store)
        self.ledger = Ledger(self.store)
        self.anchor = Anchor(folder, self.state)
        if adopt:
            self.anchor.adopt(self.ledger)
        else:
            self.anchor.check(self.ledger)
        self.switch = Switch(self.state, self._resumed)
        self._kept = 0.0
        self.suites: dict[str, Evaluator] = {}

    def build_store(self, table: PartTable) -> Store:
        """The store that a table names, for this study."""
        return self._part(Store, table, path=self.state / "ledger.sqlite", study=self.config.study.name)

    def decisions(self) -> Approve:
        """What people may do. Raises NotAuthorized for a policy that cannot be relied on."""
        return self._decisions(*self.rules())

    def amendments(self) -> Approve:
        """What people may do about the policy itself, under the one in force, which may have expired."""
        found = self.known_rules()
        if found is None:
            raise NotAuthorized(
                "no policy is in force yet: edit policy.toml, it counts from the first run on", "pawl run"
            )
        return self._decisions(found[0], found[1].digest)

    def known_rules(self) -> tuple[Policy, PolicyInForce] | None:
        """The policy in force and its record; None before the first run. Raises NotAuthorized if it was not signed."""
        return amend.in_force(self.ledger, self.consent)

    def rules(self) -> tuple[Policy, str]:
        """The policy in force, enforced for today, and its digest. A study's first policy is as the file has it.

        Raises NotAuthorized if the file says something else: nobody approved that."""
        found, (rules, digest) = self.known_rules(), policy.load(self.folder)
        if found and digest != found[1].digest:
            raise NotAuthorized(
                f"{policy.FILE} is not the policy in force: it was changed, and nobody approved the change",
                f"pawl policy propose   (or take it back: pawl policy show > {policy.FILE})",
            )
        return rules, digest

    def must_be_released(self, release: Entry[Release]) -> None:
        """Raises NotAuthorized unless enough people signed a release then, and the policy of now still names one."""
        amend.released(self.ledger, self.consent, release)
        self.decisions().verify(release)

    def consent(self, rules: Policy) -> Consent:
        """Whose signatures count under a policy, as of now."""
        return Consent(self.ledger, self._part(Signer, rules.signer), rules, datetime.now(UTC))

    def _resumed(self, entry: Entry[Resume]) -> bool:
        """Whether a resume was signed by a person of the policy of its time; of the file where nothing ever ran."""
        try:
            found = amend.before(self.ledger, self.consent, entry.id)
            rules = found[0] if found else policy.load(self.folder)[0]
            halt = self.ledger.get(entry.record.halt, Halt)
            self.consent(rules).resumed(halt, entry.record, before=entry.id)
        except PawlError:
            return False
        return True

    def _decisions(self, rules: Policy, digest: str) -> Approve:
        return Approve(self.ledger, self.lineage, self.artifacts, self.consent(rules), digest)

    def _part(self, protocol: type[P], table: PartTable, /, **wiring: object) -> P:
        """The part that a table names. The protocol's name is the kind's: `Gate` is found among `pawl.gates`."""
        return cast(P, plugins.build(protocol.__name__.lower(), table.use, table.settings(), **wiring))

    def build_loop(self, unsafe: bool) -> Loop:
        config.must_exist(self.folder, self.config)
        opened = len(self.ledger.all())
        self.switch.check(self.ledger)
        rules, digest = self.rules()
        if self.ledger.last(Variant) is None:
            self.ledger.append(self.lineage.baseline())
        if self.ledger.last(PolicyInForce) is None:
            text = policy.wished(self.folder)[2]
            self.ledger.append(PolicyInForce(digest=digest, text=text, change=None, approvals=(), threshold=0))
        release = self.ledger.last(Release)
        if release:
            self.must_be_released(release)
        stop, place = threading.Event(), self._workplace()
        self._opened(place, digest)
        table = PartTable(use="unsafe", accepted=True) if unsafe else self.config.sandbox
        sandbox = self._part(Sandbox, table)
        wiring = {"sandbox": sandbox, "artifacts": self.artifacts, "workplace": place, "stop": stop}
        train = {"command": self.config.train.command, "budget": self.config.train.amount}
        executor = self._part(Executor, self.config.executor, **wiring, **train)
        broker = self._broker(rules)
        self.suites = {table.name: self._suite(table, wiring) for table in self.config.suite}
        measure = Measure(self.ledger, executor, self._evaluator(wiring, broker))
        metric, sign, workers = self.config.study.metric, self.config.sign, self.config.workers
        running = {"workplace": place, "stop": stop, "walls": partial(self._agents, table)}
        proposers = self._proposers(rules, self.config.proposers, running)
        fidelity = self._fidelity(measure, {**wiring, **train})
        first = [table.called for table in self.config.proposers if table.use == config.WAVES]
        search = Search(self.ledger, proposers, self.lineage, measure, rules, metric, sign, fidelity, first)
        certify = Certify(self.ledger, measure, rules, metric, sign, workers)
        judge = replace(self.build_judge(), prepare=self._controls(rules, wiring, train, broker))
        return Loop(
            self.ledger, search, certify, judge, rules, workers, stop,
            changed=lambda: self._unchanged(digest), after=partial(self._after, rules.screening.ladder), opened=opened,
            opening=Open(self.ledger, measure.evaluator, broker, rules.holdout),
        )  # fmt: skip

    def _broker(self, rules: Policy) -> Broker | None:
        """Who serves the sealed sets, from here on only as they are now; None where the metric is self-reported. The
        holdout is pinned down even if no gate asks for it yet, and handed on only if one does."""
        table = self.config.evaluate
        if table.self_reported:
            return None
        validation = self.state / table.validation
        holdout = self.sealing().in_use() if table.holdout else None
        asked = any(gate.use == "holdout" for gate in rules.gate)
        return Broker(SealedFile(validation, sha256(contents(validation))), holdout if asked else None)

    def sealing(self) -> Refresh:
        """The holdout that pawl.toml names. Raises ConfigError if it names none."""
        table = self.config.evaluate
        if not table.holdout:
            raise ConfigError(f"{config.FILE} names no holdout", f'add holdout = "sealed/holdout.npz" to {config.FILE}')
        return Refresh(self.ledger, self.state / table.holdout, self.state / table.validation)

    def _controls(
        self, rules: Policy, wiring: Mapping[str, object], train: Mapping[str, object], broker: Broker | None
    ) -> Callable[[Entry[Certificate]], None]:
        """What makes the controls that gates ask for; nothing where the metric is self-reported, as nothing can."""
        kinds = controls.wanted(self._gates(rules))
        if broker is None or not kinds:
            return lambda certificate: None
        table, place = self.config.evaluate, cast(Workplace, wiring["workplace"])
        sealed = {"command": table.predict, "scorer": table.scorer, "broker": broker}
        examiner = self._part(
            Examiner, PartTable(use="sealed"), **wiring, **sealed, scorers=(self.state / table.validation).parent,
            metric=self.config.study.metric, sign=self.config.sign,
        )  # fmt: skip

        def executor(budget: str) -> Executor:
            apart = replace(place, data=unlearning.scrambled(place.data))
            return self._part(
                Executor, self.config.executor, **{**wiring, **train, "workplace": apart, "budget": budget}
            )

        whole = self.config.train.amount
        budgets = {unlearning.CUT: unlearning.cut(whole), 1.0: whole}
        ways = [controls.Unlearning(share, partial(executor, budget)) for share, budget in budgets.items()]
        stop = cast(threading.Event, wiring["stop"])
        return controls.Controls(self.ledger, examiner, kinds, ways, self.config.workers, stop).settle

    def _fidelity(self, measure: Measure, wiring: Mapping[str, object]) -> Fidelity | None:
        """Cheap looks before whole runs, if pawl.toml asks for them."""
        table, whole = self.config.fidelity, self.config.train.amount
        told = {share: {**wiring, "budget": unlearning.cut(whole, share)} for share in table.rungs}
        rungs = [Rung(share, self._part(Executor, self.config.executor, **words)) for share, words in told.items()]
        rule = Learned() if table.rule == "learned" else Halving(table.keep)
        metric, sign = self.config.study.metric, self.config.sign
        return Fidelity(measure, rungs, rule, metric, sign, table.resume) if rungs else None

    def _evaluator(self, wiring: dict[str, object], broker: Broker | None) -> Evaluator:
        table, metric = self.config.evaluate, self.config.study.metric
        if table.self_reported:
            settings = PartTable(use="self-reported")
            return self._part(Evaluator, settings, summary=table.summary, metric=metric)
        scorers = (self.state / table.validation).parent
        sealed = {"command": table.predict, "scorer": table.scorer, "scorers": scorers, "broker": broker}
        return self._part(Evaluator, PartTable(use="sealed"), **wiring, **sealed, metric=metric, sign=self.config.sign)

    def _suite(self, table: SuiteTable, wiring: dict[str, object]) -> Evaluator:
        """The evaluator of an extra suite, with [evaluate]'s settings where it has none of its own."""
        if table.summary:
            return self._part(
                Evaluator, PartTable(use="self-reported"), summary=table.summary, metric=table.metric
            )  # fmt: skip
        own, validation = self.config.evaluate, self.state / table.validation
        sealed = {
            "command": table.predict or own.predict, "scorer": table.scorer or own.scorer,
            "scorers": validation.parent, "broker": Broker(SealedFile(validation, sha256(contents(validation))), None),
            "metric": table.metric, "sign": 1 if table.direction == "maximize" else -1,
        }  # fmt: skip
        return self._part(Evaluator, PartTable(use="sealed"), **wiring, **sealed)

    def _agents(self, inner: PartTable, allow: Sequence[Mapping[str, JsonValue]]) -> Sandbox:
        """The study's sandbox with one way out, for an agent: what passes is written down. Raises PartError where the
        study's own is none that holds."""
        rules: list[JsonValue] = [dict(rule) for rule in allow]
        table = PartTable.model_validate({"use": "agent", "allow": rules})
        return self._part(Sandbox, table, inner=self._part(Sandbox, inner), record=self.ledger.append)

    def _proposers(
        self, rules: Policy, tables: Sequence[ProposerTable], running: Mapping[str, object] = MappingProxyType({})
    ) -> Mapping[str, Proposer]:
        """Those of these tables, by the name that proposals carry. `running` is what those need that run programs of
        their own."""
        space = {key: table.model_dump() for key, table in self.config.space.items()}
        study, train = self.config.study, self.config.train
        brief = Brief(
            study.name, study.metric, study.direction, train.command, train.editable, train.budget, self.folder
        )
        wiring = {
            "sources": self.lineage, "space": space, "ladder": rules.screening.ladder, "brief": brief,
            "artifacts": self.artifacts, "workers": self.config.workers, **running,
        }  # fmt: skip
        return {table.called: self._part(Proposer, table, name=table.called, **wiring) for table in tables}

    def build_judge(self) -> Judge:
        rules, digest = self.rules()
        metric, sign = self.config.study.metric, self.config.sign
        looked = self._exposed if any(table.use == "exposed" for table in rules.gate) else lambda: None
        return Judge(
            self.ledger, self.lineage, self.artifacts, self._gates(rules), rules, digest, self._picture,
            calibrated=lambda: calibration.measured(self.ledger, rules), metric=metric, sign=sign, exposed=looked,
        )  # fmt: skip

    def _gates(self, rules: Policy) -> list[Gate]:
        return [self._part(Gate, table) for table in rules.gate]

    def _exposed(self) -> tuple[str, ...]:
        """Where sealed rows lie in what a sandbox shows of this study."""
        table, place = self.config.evaluate, self._workplace()
        names = [name for name in (table.validation, table.holdout) if name]
        shown = {mount.target: mount.source for mount in place.environment.mounts}
        shown |= {name: self.folder / name for name in self.config.train.data}
        sealed = {name: contents(self.state / name) for name in names}
        return exposure.look(shown, sealed, place.environment.masks) if sealed else ()

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
            train.gpu,
        )  # fmt: skip

    def _opened(self, place: Workplace, policy_digest: str) -> None:
        """Write down under which settings the study is opened, if they differ from the last time."""
        table, train = self.config.evaluate, self.config.train
        scorer = str(Path(table.validation).parent / table.scorer) if table.scorer.endswith(".py") else ""
        names = [name for name in (table.validation, scorer) if name]  # a fresh holdout leaves runs comparable
        sealed = [sha256((self.state / name).read_bytes()) for name in names]
        compared = [
            self.config.study.model_dump(), train.model_dump(), table.model_dump(exclude={"holdout"}), sealed,
            [mount.source.name for mount in place.data], place.environment.digest,
        ]  # fmt: skip
        record = Study(
            name=self.config.study.name, metric=self.config.study.metric, direction=self.config.study.direction,
            commit=self.ledger.entries(Variant)[0].record.commit,
            comparable=sha256(json.dumps(compared, sort_keys=True).encode()), environment=place.environment.digest,
            config=self.config_digest, policy=policy_digest, self_reported=table.self_reported,
            hardware=hardware.described(train.gpu),
        )  # fmt: skip
        last = self.ledger.last(Study)
        if last is None or last.record != record:
            self.ledger.append(record)

    def _unchanged(self, policy_digest: str) -> None:
        if (self.folder / config.FILE).read_bytes() and config.load(self.folder)[1] != self.config_digest:
            raise ConfigError(f"{config.FILE} changed while the loop ran; all finished work is kept", "pawl run")
        if policy.wished(self.folder)[1] != policy_digest:
            raise ConfigError(f"{policy.FILE} changed while the loop ran; all finished work is kept", "pawl run")

    def note(self, ladder: float) -> None:
        """Write the loop's sections of the notebook anew, if the study keeps one and anything ran."""
        if self.config.notebook and self.ledger.last(Study):
            notebook.write(self.folder, recap.sections(self.ledger, ladder))

    def _after(self, ladder: float) -> None:
        if time.monotonic() - self._kept > BETWEEN_CHECKPOINTS:
            self.anchor.keep(self.ledger)
            self.note(ladder)
            self._kept = time.monotonic()
        if self.config.evaluate.results:
            text = results.table(self.ledger, self.config.evaluate.summary)
            results.write(self.folder / self.config.evaluate.results, text)
