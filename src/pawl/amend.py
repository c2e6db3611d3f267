"""The policy in force, and changes of it: cases in plain words, which the approvers of the policy in force decide.

What is in force is worked out from the ledger each time: a policy that was not signed under the one before it is not
in force, whoever wrote it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pawl.consent import Consent
from pawl.envelope import sha256
from pawl.errors import IntegrityError, NotAuthorized
from pawl.hostile import one_line, printable
from pawl.ledger import Entry, Ledger
from pawl.policy import FILE, Policy
from pawl.records import Approval, Dossier, PolicyChange, PolicyInForce, Release, Variant
from pawl.tables import parse

MEANING: dict[str, tuple[str, int]] = {
    "version": ("version of the policy", 0),
    "expires": ("day on which the policy expires", -1),
    "approval.threshold": ("people who must sign", 1),
    "approval.valid": ("seconds for which a dossier can be decided", -1),
    "approval.presence": ("a touched hardware key is demanded", 1),
    "noise.runs": ("A/A runs that measure the noise", 1),
    "screening.seeds": ("common seeds of a screening", 0),
    "screening.redraw_after": ("refusals after which the common seeds are drawn anew", 0),
    "certification.first": ("the expected gain, in noise, that starts a certificate", 0),
    "certification.growth": ("how much more than was certified before a certificate must promise", 0),
    "certification.bundle": ("provisional accepts that start a certificate in any case", 0),
    "certification.pairs": ("most fresh pairs of a certificate", 0),
    "certification.alpha": ("bound on the share of false certificates", -1),
    "certification.futility": ("e-value below which a certificate gives up", 0),
    "certification.lambdas": ("bets of the sign-flip test", 0),
    "certification.test": ("test behind a certificate", 0),
    "certification.stakes": ("bets of the clipped-mean test", 0),
    "certification.clip": ("where the clipped-mean test clips a gain", 0),
    "certification.level": ("level of the interval in dossiers", 0),
    "guards.cpu_seconds": ("most CPU beside the reference's", -1),
    "screening.ladder": ("step of the Ladder that proposers see scores through, in sds of one run; 0: none", 0),
    "holdout.z": ("standard errors that a gain on the holdout must exceed", 1),
    "holdout.openings": ("openings in the life of a holdout", -1),
    "holdout.mode": ("against whom the holdout's threshold holds", 0),
    "holdout.delta": ("chance of a false yes in a holdout's life, adversarial mode", -1),
    "calibration.share": ("share of turns that try null candidates", 1),
    "calibration.screen": ("most null candidates that screening may accept, as a share", -1),
    "signer.use": ("part that checks signatures", 0),
    "allow_unsafe": ("runs without a sandbox may lead to a release", -1),
    "isolation": ("walls that every run must have had", 1),
}
"""What a setting means to a person, and whether more of it is stricter (1), looser (-1), or neither (0)."""


def in_force(ledger: Ledger, consent: Callable[[Policy], Consent]) -> tuple[Policy, PolicyInForce] | None:
    """The policy in force and its record; None before the first run. Raises NotAuthorized as `chain` does."""
    found = chain(ledger, consent)
    return (found[-1][1], found[-1][0].record) if found else None


def before(ledger: Ledger, consent: Callable[[Policy], Consent], id: int) -> tuple[Policy, PolicyInForce] | None:
    """The policy that was in force when entry `id` was written, and its record; the first one for what came before
    it. None if there is none at all. Raises NotAuthorized as `chain` does."""
    found = chain(ledger, consent)
    then = [(policy, entry.record) for entry, policy in found if entry.id < id or entry is found[0][0]]
    return then[-1] if then else None


def chain(ledger: Ledger, consent: Callable[[Policy], Consent]) -> list[tuple[Entry[PolicyInForce], Policy]]:
    """Every policy that was ever in force, oldest first. Raises NotAuthorized if any link is missing from the first to
    the last: a change, its text, enough signatures under the policy before."""
    found: list[tuple[Entry[PolicyInForce], Policy]] = []
    for entry in ledger.entries(PolicyInForce):
        record = entry.record
        if found:
            _must_be_signed(ledger, consent(found[-1][1]), found[-1][0].record.digest, entry)
        elif record.change is not None:
            raise NotAuthorized(f"the first policy (entry {entry.id}) cannot be a change of another", "pawl log")
        if sha256(record.text.encode()) != record.digest:
            raise NotAuthorized(f"the policy in entry {entry.id} does not have its own digest", "pawl log")
        found.append((entry, parse(record.text.encode(), Path(FILE), Policy)))
    return found


def released(ledger: Ledger, consent: Callable[[Policy], Consent], release: Entry[Release]) -> None:
    """Raises NotAuthorized unless enough people of the policy of that time signed a release, whatever number of them
    the release itself says was enough."""
    record, found = release.record, before(ledger, consent, release.id)
    dossier = ledger.get(record.dossier, Dossier)
    variant = ledger.get(dossier.record.variant, Variant)
    said = (record.variant, record.commit, dossier.record.policy, record.threshold)
    meant = found and (variant.id, variant.record.commit, found[1].digest, found[0].approval.threshold)
    early = dossier.id < release.id and all(dossier.id < id < release.id for id in record.approvals)
    approvals = [ledger.get(id, Approval).record for id in record.approvals]
    short = ["a dossier of the policy of that time"]
    if found and said == meant and early:
        short = consent(found[0]).missing(dossier, approvals, before=release.id)
    if short:
        raise NotAuthorized(
            f"release {release.id} does not count: it lacks " + ", ".join(short),
            f"pawl show {release.id}   (somebody wrote it into the ledger without the signatures)",
        )


def _must_be_signed(ledger: Ledger, consent: Consent, previous: str, entry: Entry[PolicyInForce]) -> None:
    record = entry.record
    change = ledger.get(record.change, PolicyChange) if record.change else None
    approvals = [ledger.get(id, Approval).record for id in record.approvals]
    same = change and (change.record.previous, change.record.digest, change.record.text) == (
        previous, record.digest, record.text
    )  # fmt: skip
    shown = change and change.record.statement.endswith(_whole(record.text))  # what people signed has these very rules
    short = consent.missing(change, approvals, before=entry.id) if change and same and shown else ["an approved change"]
    if short:
        raise NotAuthorized(
            f"the policy in entry {entry.id} is not in force, and nothing is decided while it stands there: it lacks "
            + ", ".join(short), f"pawl show {entry.id}",
        )  # fmt: skip


def propose(old: Policy, previous: str, new: tuple[Policy, str, str], proposer: str, now: datetime) -> PolicyChange:
    """The case for `new` (policy, digest, text) in place of `old`, whose digest is `previous`.

    Raises NotAuthorized if nothing would change, or if nobody could rely on the new policy."""
    policy, digest, text = new
    if digest == previous:
        raise NotAuthorized("policy.toml is the policy in force: there is nothing to propose", "pawl policy show")
    policy.enforce(now.date())
    until = (now + timedelta(seconds=old.approval.valid)).isoformat(timespec="seconds")
    statement = _statement(list(changes(old, policy)), previous, digest, text, proposer, until)
    return PolicyChange(
        previous=previous, digest=digest, text=text, statement=statement, proposer=proposer, until=until
    )  # fmt: skip


def must_say_what_it_does(old: Policy, change: Entry[PolicyChange]) -> None:
    """Raises IntegrityError unless the words that people read are those of the rules that they would put in force:
    whoever can write in the ledger could show one policy and have another one signed."""
    said = change.record
    new = parse(said.text.encode(), Path(FILE), Policy)
    words = _statement(list(changes(old, new)), said.previous, said.digest, said.text, said.proposer, said.until)
    if said.statement != words or sha256(said.text.encode()) != said.digest:
        raise IntegrityError(
            f"policy change {change.id} does not say what it does; Pawl did not write it so",
            "pawl policy propose   (do not sign this one)",
        )


def changes(old: Policy, new: Policy) -> Iterator[str]:
    """Every difference that means something, a line each: `people who must sign: 2 -> 1 (LOOSER)`."""
    before, after = (policy.model_dump(mode="json", exclude={"approver", "gate", "guard"}) for policy in (old, new))
    yield from _settings(before, after, "")
    yield from _approvers(old, new)
    yield from _gates(old, new)
    yield from _guards(old, new)


def _statement(lines: list[str], previous: str, digest: str, text: str, proposer: str, until: str) -> str:
    shown = [f"  {one_line(line)}" for line in lines] or ["  none that means anything: comments and layout only"]
    return "\n".join([
        "PAWL POLICY CHANGE: may these rules replace those in force?", "",
        f"  proposed by   {one_line(proposer)}", f"  decide until  {until}",
        f"  in force      sha256:{previous}", f"  proposed      sha256:{digest}", "",
        "WHAT CHANGES", *shown, "", _whole(text),
    ])  # fmt: skip


def _whole(text: str) -> str:
    return "\n".join(["THE WHOLE NEW POLICY", "-" * 100, printable(text).rstrip("\n"), "-" * 100, ""])


def _settings(before: dict[str, Any], after: dict[str, Any], prefix: str) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        path, old, new = f"{prefix}{key}", before.get(key), after.get(key)
        if isinstance(old, dict) or isinstance(new, dict):
            yield from _settings(old or {}, new or {}, f"{path}.")
        elif old != new:
            meaning, sign = MEANING.get(path, (path, 1 if path.startswith("approval.roles.") else 0))
            yield f"{meaning}: {_word(old)} -> {_word(new)}{_direction(old, new, sign)} [{path}]"


def _direction(old: Any, new: Any, sign: int) -> str:
    if not sign:
        return ""
    if isinstance(new, list):
        more = len(new) > len(old)
    elif isinstance(new, str):
        more = new > old
    else:
        more = (new or 0) > (old or 0)
    return " (stricter)" if more == (sign > 0) else " (LOOSER)"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _approvers(old: Policy, new: Policy) -> Iterator[str]:
    before, after = ({(p.name, p.key): p.roles for p in policy.approver} for policy in (old, new))
    for name, key in sorted(before.keys() - after.keys()):
        yield f"approver removed: {name}, key {_short(key)}"
    for name, key in sorted(after.keys() - before.keys()):
        yield f"approver ADDED: {name}, key {_short(key)}, roles {', '.join(after[name, key]) or 'none'}"
    for both in sorted(before.keys() & after.keys()):
        if before[both] != after[both]:
            roles = [", ".join(side[both]) or "none" for side in (before, after)]
            yield f"roles of {both[0]}: {roles[0]} -> {roles[1]}"


def _gates(old: Policy, new: Policy) -> Iterator[str]:
    before, after = ({gate.use: gate.settings() for gate in policy.gate} for policy in (old, new))
    yield from (f"gate removed: {name} (LOOSER)" for name in sorted(before.keys() - after.keys()))
    yield from (f"gate added: {name} {after[name] or ''} (stricter)" for name in sorted(after.keys() - before.keys()))
    for name in sorted(before.keys() & after.keys()):
        for key in dict.fromkeys((*before[name], *after[name])):
            old_value, new_value = before[name].get(key), after[name].get(key)
            if old_value != new_value:
                yield f"gate {name}, {key}: {_word(old_value)} -> {_word(new_value)}"


def _guards(old: Policy, new: Policy) -> Iterator[str]:
    before, after = ([table.model_dump_json(exclude_none=True) for table in rules.guard] for rules in (old, new))
    yield from (f"guard metric removed: {table} (LOOSER)" for table in before if table not in after)
    yield from (f"guard metric added: {table} (stricter)" for table in after if table not in before)


def _short(key: str) -> str:
    return f"{key.split()[0]} ...{key.split()[1][-12:]}"
