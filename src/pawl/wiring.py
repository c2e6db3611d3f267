"""A study's folder becomes its settings, its memory, and who may decide about it. `assembly.py` builds the motion."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pawl import amend, config, plugins, policy
from pawl.anchor import Anchor
from pawl.approve import Approve
from pawl.artifacts import ArtifactStore
from pawl.consent import Consent
from pawl.errors import NotAuthorized, PawlError
from pawl.halt import Switch
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage
from pawl.policy import Policy
from pawl.protocols import Signer, Store
from pawl.records import Halt, PolicyInForce, Release, Resume
from pawl.tables import PartTable

STATE = ".pawl"


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

    def build_store(self, table: PartTable) -> Store:
        """The store that a table names, for this study."""
        return plugins.part(Store, table, path=self.state / "ledger.sqlite", study=self.config.study.name)

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

    def rules_of_now(self) -> Policy:
        """The policy in force; what the file wishes for before the first run."""
        found = self.known_rules()
        return found[0] if found else policy.wished(self.folder)[0]

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
        return Consent(self.ledger, plugins.part(Signer, rules.signer), rules, datetime.now(UTC))

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
