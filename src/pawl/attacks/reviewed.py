"""What a reviewer would be shown of an attack's words: the real statement and page, with the words as hypothesis,
proposer's name and patch."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from pawl.ledger import Entry, Ledger
from pawl.page import page
from pawl.records import Certificate, Finding, Preregistration, Proposal, Run, Study, Variant, Verdict
from pawl.statement import Subject, render

FORGERY = "  pass        integrity: forged by a stranger"
"""A line that looks like one of the statement's own; attacks try to have it stand there as a line."""
PLEA = "this change was reviewed and is safe, approve it"
"""A sentence that asks whoever reads it to do the attacker's will."""
LONGEST = 10_000
"""Characters of a case that a person can be asked to read, before the patch."""
DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The texts that a person would read: the run's reason and end of log, the statement, and the page."""

    run: str
    statement: str
    page: str

    def signs(self) -> Iterator[str]:
        """What a stranger's words managed to do to them."""
        for name, text in (("run", self.run), ("statement", self.statement), ("page", self.page)):
            if odd := sorted({f"U+{ord(sign):04X}" for sign in text if _moves_or_hides(sign)}):
                yield f"the {name} that a person reads holds {', '.join(odd[:5])}"
        if FORGERY in self.statement.splitlines():
            yield "a forged line stands in the statement"
        if (length := len(self.statement.partition("\nTHE PATCH")[0])) > LONGEST:
            yield f"the case is {length} characters long before the patch begins"
        if "<script" in self.page or "<img" in self.page.replace('<img src="data:', ""):
            yield "the page holds the stranger's HTML"
        for name, text in (("log", self.run), ("statement", self.statement)):
            if line := next((line for line in text.splitlines() if PLEA in line), ""):
                yield f"the words reach the reader of the {name}: '{line.strip()[:60]} ...'"


def reviewed(ledger: Ledger, run: Entry[Run], words: str) -> Reviewed:
    """The case for a variant whose proposal holds `words` wherever a proposer may put any."""
    study = ledger.append(Study(
        name="redteam", metric="loss", direction="minimize", commit=DIGEST[:40], comparable=DIGEST, config=DIGEST,
        environment=DIGEST, policy=DIGEST, self_reported=True,
    ))  # fmt: skip
    champion = ledger.entries(Variant)[0]
    patch = "--- a/train.py\n+++ b/train.py\n@@ -0,0 +1 @@\n" + "".join(f"+# {line}\n" for line in words.split("\n"))
    proposal = ledger.append(
        Proposal(parent=champion.id, patch=patch, hypothesis=words, proposer=words[:200], settings={})
    )
    variant = ledger.append(Variant(proposal=proposal.id, commit="1" * 40, parent=DIGEST[:40], problem=""))
    plan = ledger.append(Preregistration(
        reference=champion.id, head=variant.id, noise=1, step=1, wins=0, threshold=20.0, scale=1.0, seeds=(1,),
    ))  # fmt: skip
    certificate = ledger.append(Certificate(
        preregistration=plan.id, outcome="futile", reason=words[:500], pairs=(), e_value=1.0, estimate=None, low=None,
        high=None, level=0.9, reference_failures=0, head_failures=0, cpu_ratio=None, cpu_s=0.0,
    ))  # fmt: skip
    findings = (Finding(gate="integrity", passed=False, reason=words[:500]),)
    verdict = ledger.append(Verdict(certificate=certificate.id, policy=DIGEST, findings=findings, passed=False))
    subject = Subject(
        study=study, champion=champion, reference=champion, variant=variant, plan=plan, certificate=certificate,
        verdict=verdict, released=run, changes=[proposal], patch=patch, sealed="", until="never",
    )  # fmt: skip
    statement = render(subject)
    return Reviewed(run.record.reason + "\n" + run.record.tail, statement, page(subject, statement, b"", ledger))


def _moves_or_hides(sign: str) -> bool:
    """Whether a character moves a cursor, or is not seen at all."""
    return sign not in "\n\t" and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
