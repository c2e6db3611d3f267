"""The only place where a study, parts and motion come together: the loop, and the judge."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from pydantic import JsonValue

from pawl import (
    cache,
    calibration,
    charts,
    config,
    environment,
    exposure,
    hardware,
    notebook,
    page,
    plugins,
    policy,
    priors,
    recap,
    results,
)  # fmt: skip
from pawl.broker import Broker, contents
from pawl.certify import Certify
from pawl.config import ProposerTable
from pawl.envelope import sha256
from pawl.errors import ConfigError
from pawl.harness import Harness, sealed_file
from pawl.judge import Judge
from pawl.lineage import Lineage
from pawl.loop import Loop
from pawl.opening import Open
from pawl.policy import Policy
from pawl.protocols import Brief, Evaluator, Gate, Limits, Mount, Proposer, Sandbox
from pawl.records import Artifact, PolicyInForce, Release, Study, Variant
from pawl.refresh import Refresh
from pawl.search import Search
from pawl.statement import Subject
from pawl.tables import PartTable
from pawl.wiring import Wiring
from pawl.workplace import Workplace

BETWEEN_CHECKPOINTS = 5.0
"""Seconds of the loop that a checkpoint may lag behind; every command ends with one."""


class Assembly(Wiring):
    """A study, and how its parts and its motion are built."""

    suites: Mapping[str, Evaluator] = MappingProxyType({})
    """The evaluators of the extra suites, once there is a loop."""
    _kept = 0.0

    def build_loop(self, unsafe: bool) -> Loop:
        """The loop, with its study open and written down. Raises ConfigError, PartError, NotAuthorized, Halted."""
        config.must_exist(self.folder, self.config)
        opened = len(self.ledger.all())
        self.switch.check(self.ledger)
        rules, digest = self.rules()
        self._founded(digest)
        stop, place = threading.Event(), self._workplace()
        self._opened(place, digest)
        table = PartTable(use="unsafe", accepted=True) if unsafe else self.config.sandbox
        sandbox, broker = plugins.part(Sandbox, table), self._broker(rules)
        harness = Harness(self.config, self.state, self.artifacts, sandbox, place, stop, broker)
        measure, self.suites = harness.measure(self.ledger), harness.suites()
        metric, sign, workers = self.config.study.metric, self.config.sign, self.config.workers
        lineage = self._importing(place, table)
        running = {"workplace": place, "stop": stop, "walls": partial(self._walls, table), "modules": lineage.modules}
        proposers = self.build_proposers(rules, self.config.proposers, running)
        fidelity = harness.fidelity(measure)
        first = [table.called for table in self.config.proposers if table.use == config.WAVES]
        search = Search(self.ledger, proposers, lineage, measure, rules, metric, sign, fidelity, first)
        certify = Certify(self.ledger, measure, rules, metric, sign, workers)
        judge = replace(self.build_judge(), prepare=harness.controls(self.ledger, self._gates(rules)))
        return Loop(
            self.ledger, search, certify, judge, rules, workers, stop,
            changed=lambda: self._unchanged(digest), after=partial(self._after, rules.screening.ladder), opened=opened,
            opening=Open(self.ledger, measure.evaluator, broker, rules.holdout),
        )  # fmt: skip

    def _importing(self, place: Workplace, sandbox: PartTable) -> Lineage:
        """The lineage, with what variants can import; without a sandbox they see whatever this machine has."""
        if sandbox.use == "unsafe":
            return self.lineage
        own = self.lineage.own_modules(self.ledger.entries(Variant)[0].record.commit)
        return replace(self.lineage, modules=place.environment.modules | own)

    def build_proposers(
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
            "artifacts": self.artifacts, "earlier": priors.load(self.folder), "stop": threading.Event(),
            "modules": frozenset[str](), "workers": self.config.workers, **running,
        }  # fmt: skip
        return {table.called: plugins.part(Proposer, table, name=table.called, **wiring) for table in tables}

    def build_judge(self) -> Judge:
        """Who asks all gates about a certificate, under the policy of now."""
        rules, digest = self.rules()
        metric, sign = self.config.study.metric, self.config.sign
        looked = self._exposed if any(table.use == "exposed" for table in rules.gate) else lambda: None
        return Judge(
            self.ledger, self.lineage, self.artifacts, self._gates(rules), rules, digest, self._picture,
            calibrated=lambda: calibration.measured(self.ledger, rules), metric=metric, sign=sign, exposed=looked,
        )  # fmt: skip

    def sealing(self) -> Refresh:
        """The holdout that pawl.toml names. Raises ConfigError if it names none."""
        table = self.config.evaluate
        if not table.holdout:
            raise ConfigError(f"{config.FILE} names no holdout", f'add holdout = "sealed/holdout.npz" to {config.FILE}')
        return Refresh(self.ledger, self.state / table.holdout, self.state / table.validation)

    def note(self, ladder: float) -> None:
        """Write the loop's sections of the notebook anew, if the study keeps one and anything ran."""
        if self.config.notebook and self.ledger.last(Study):
            notebook.write(self.folder, recap.sections(self.ledger, ladder))

    # -- what the parts are handed ------------------------------------------------------------------------------

    def _broker(self, rules: Policy) -> Broker | None:
        """Who serves the sealed sets, from here on only as they are now; None where the metric is self-reported. The
        holdout is pinned down even if no gate asks for it yet, and handed on only if one does."""
        table = self.config.evaluate
        if table.self_reported:
            return None
        validation = sealed_file(self.state / table.validation)
        holdout = self.sealing().in_use() if table.holdout else None
        asked = any(gate.use == "holdout" for gate in rules.gate)
        return Broker(validation, holdout if asked else None)

    def _walls(self, inner: PartTable, allow: Sequence[Mapping[str, JsonValue]]) -> Sandbox:
        """The study's sandbox with one way out, for an agent: what passes is written down. Raises PartError where the
        study's own is none that holds."""
        rules: list[JsonValue] = [dict(rule) for rule in allow]
        table = PartTable.model_validate({"use": "agent", "allow": rules})
        return plugins.part(Sandbox, table, inner=plugins.part(Sandbox, inner), record=self.ledger.append)

    def _workplace(self) -> Workplace:
        train, evaluate = self.config.train, self.config.evaluate
        staged = tuple(Mount(cache.stage(self.folder / name)[0], f"/study/{name}") for name in train.data)
        return Workplace(
            environment.build(self.folder, self.config.environment), staged, Limits(**train.limits.model_dump()),
            Limits(**evaluate.limits.model_dump()),
            lambda variant, folder: self.lineage.export(self.ledger.get(variant, Variant).record.commit, folder),
            train.gpu,
        )  # fmt: skip

    def _gates(self, rules: Policy) -> list[Gate]:
        return [plugins.part(Gate, table) for table in rules.gate]

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

    # -- around the loop ----------------------------------------------------------------------------------------

    def _founded(self, policy_digest: str) -> None:
        """Write down the first variant and the first policy, if nothing ever ran; what is released must be signed."""
        if self.ledger.last(Variant) is None:
            self.ledger.append(self.lineage.baseline())
        if self.ledger.last(PolicyInForce) is None:
            text = policy.wished(self.folder)[2]
            self.ledger.append(PolicyInForce(digest=policy_digest, text=text, change=None, approvals=(), threshold=0))
        release = self.ledger.last(Release)
        if release:
            self.must_be_released(release)

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

    def _after(self, ladder: float) -> None:
        if time.monotonic() - self._kept > BETWEEN_CHECKPOINTS:
            self.anchor.keep(self.ledger)
            self.note(ladder)
            self._kept = time.monotonic()
        if self.config.evaluate.results:
            text = results.table(self.ledger, self.config.evaluate.summary)
            results.write(self.folder / self.config.evaluate.results, text)
