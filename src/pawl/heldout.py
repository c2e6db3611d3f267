"""The holdout's answer in an excerpt, held against its question: asked in its turn, by the rules of that time, about
runs of the certificate. What was measured stays sealed; nobody can do that part again."""

from __future__ import annotations

from pawl.broker import threshold
from pawl.errors import NotAuthorized
from pawl.excerpt import Excerpt
from pawl.ledger import Entry
from pawl.records import Evaluation, Holdout, Opening, OpeningIntent, Run
from pawl.recount import Evidence, close, holds, policy_at, rules

GATE = "holdout"


def answered(part: Excerpt, case: Evidence) -> list[str]:
    """What the holdout said about a verdict that passed, a sentence; none where no gate asked for it.

    Raises NotAuthorized where its gate passed without a yes, IntegrityError where the answer does not follow."""
    if GATE not in {finding.gate for finding in case.verdict.record.findings}:
        return []
    claims = [
        entry for entry in part.all(Opening, before=case.verdict.id)
        if entry.record.certificate == case.certificate.id
    ]  # fmt: skip
    if not claims:
        return [_without(part, case)]
    said = claims[0]
    intent = part.get(said.record.intent, OpeningIntent, f"opening {said.id}")
    _follows(part, case, said, intent)
    if not said.record.better:
        raise NotAuthorized(f"the holdout said no (entry {said.id})", f"pawl why {case.verdict.id}")
    asked = intent.record
    where = f"opening {asked.number} of {asked.of} (entries {intent.id} and {said.id})"
    return [
        f"The holdout sha256:{asked.sealed[:12]}... was asked, {where}: the gain is above {asked.threshold:.3g} "
        "standard errors on it. That bit cannot be done again."
    ]


def _without(part: Excerpt, case: Evidence) -> str:
    """The one way to pass without an answer: never a holdout, and a policy that says that this may be."""
    gates = [gate for gate in rules(policy_at(part, case.verdict.id)).gate if gate.use == GATE]
    if part.all(Holdout, before=case.verdict.id) or any(gate.settings().get("required", True) for gate in gates):
        raise NotAuthorized(
            f"verdict {case.verdict.id} passed the gate 'holdout' without an answer", "pawl seal status"
        )
    return "The study had no holdout, and its policy lets that pass."


def _follows(part: Excerpt, case: Evidence, said: Entry[Opening], intent: Entry[OpeningIntent]) -> None:
    question, name = intent.record, f"intent {intent.id}"
    repeated = said.record.model_dump(exclude={"intent", "better"}) == question.model_dump()
    in_order = case.certificate.id < intent.id < said.id
    holds(repeated and in_order, f"opening {said.id} is no answer to {name}")
    sets = part.all(Holdout, before=intent.id)
    holds(bool(sets) and sets[-1].record.digest == question.sealed, f"{name} is not about the holdout in use")
    turn = sum(e.record.sealed == question.sealed for e in part.all(OpeningIntent, before=intent.id)) + 1
    in_turn = turn == question.number or (turn < question.number and not part.whole)
    holds(in_turn and question.number <= question.of, f"{name} was not in its turn")
    table = rules(policy_at(part, intent.id)).holdout
    bar = threshold(question.number, table.openings, table.mode, table.z, table.delta)
    by_rule = close(bar, question.threshold) and (question.of, question.mode) == (table.openings, table.mode)
    holds(by_rule, f"{name} is not by the rules of its time")
    pairs = case.certificate.record.pairs
    others = {part.get(pair.reference, Evaluation, "the certificate").record.run for pair in pairs}
    reference = part.get(question.reference, Run, name)
    certified = question.head == case.released.id and reference.id in others
    holds(certified, f"{name} is about other runs than the certificate's")
