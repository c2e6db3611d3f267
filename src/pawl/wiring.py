"""The only wiring: a study's folder becomes ledger, parts and motion."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

from pawl import amend, cache, charts, config, environment, exposure, page, plugins, policy, results
from pawl.anchor import Anchor
from pawl.approve import Approve
from pawl.artifacts import ArtifactStore
from pawl.certify import Certify
from pawl.consent import Consent
from pawl.envelope import sha256
from pawl.errors import ConfigError, NotAuthorized, PawlError
from pawl.halt import Switch
from pawl.judge import Judge
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage
from pawl.loop import Loop
from pawl.measure import Measure
from pawl.policy import Policy
from pawl.protocols import Evaluator, Executor, Gate, Limits, Mount, Proposer, Sandbox, Signer, Store
from pawl.records import Artifact, Halt, PolicyInForce, Release, Resume, Study, Variant
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

    def _part(self, protocol: type[P], table: PartTable, **wiring: object) -> P:
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
        measure = Measure(self.ledger, executor, self._evaluator(wiring))
        metric, sign, workers = self.config.study.metric, self.config.sign, self.config.workers
        search = Search(self.ledger, self._proposers(), self.lineage, measure, rules, metric, sign)
        certify = Certify(self.ledger, measure, rules, metric, sign, workers)
        return Loop(
            self.ledger, search, certify, self.build_judge(), rules, workers, stop,
            changed=lambda: self._unchanged(digest), after=self._after, opened=opened,
        )  # fmt: skip

    def _evaluator(self, wiring: dict[str, object]) -> Evaluator:
        table, metric = self.config.evaluate, self.config.study.metric
        if table.self_reported:
            settings = PartTable(use="self-reported")
            return self._part(Evaluator, settings, summary=table.summary, metric=metric)
        sealed = {"command": table.predict, "scorer": table.scorer, "validation": self.state / table.validation}
        return self._part(Evaluator, PartTable(use="sealed"), **wiring, **sealed, metric=metric)

    def _proposers(self) -> Sequence[Proposer]:
        space = {key: table.model_dump() for key, table in self.config.space.items()}
        wiring = {"sources": self.lineage, "space": space}
        return [self._part(Proposer, table, **wiring) for table in self.config.proposer]

    def build_judge(self) -> Judge:
        rules, digest = self.rules()
        gates = [self._part(Gate, table) for table in rules.gate]
        looked = self._exposed if any(table.use == "exposed" for table in rules.gate) else lambda: None
        return Judge(self.ledger, self.lineage, self.artifacts, gates, rules, digest, self._picture, looked)

    def _exposed(self) -> tuple[str, ...]:
        """Where sealed rows lie in what a sandbox shows of this study."""
        table, place = self.config.evaluate, self._workplace()
        names = [name for name in (table.validation, table.holdout) if name]
        shown = {mount.target: mount.source for mount in place.environment.mounts}
        shown |= {name: self.folder / name for name in self.config.train.data}
        sealed = {name: (self.state / name).read_bytes() for name in names}
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
        if policy.wished(self.folder)[1] != policy_digest:
            raise ConfigError(f"{policy.FILE} changed while the loop ran; all finished work is kept", "pawl run")

    def _after(self) -> None:
        if time.monotonic() - self._kept > BETWEEN_CHECKPOINTS:
            self.anchor.keep(self.ledger)
            self._kept = time.monotonic()
        if self.config.evaluate.results:
            text = results.table(self.ledger, self.config.evaluate.summary)
            results.write(self.folder / self.config.evaluate.results, text)
