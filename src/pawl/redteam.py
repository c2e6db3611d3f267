"""Every attack that we know, run in a sandbox on this machine as a study's training would be, and judged from outside.

An attack is stopped if nothing that was planted on the host was read, changed, reached or signalled, nothing odd was
seen of its processes, what it wrote was refused where it must be, and it claims no success itself. An attack that
could not be tried was not stopped: silence is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pawl import hostile
from pawl.artifacts import ArtifactStore
from pawl.attacks.bench import LIMITS, bench, must_isolate
from pawl.attacks.canaries import Canaries, plant
from pawl.attacks.catalogue import Attack, attacks, chosen
from pawl.attacks.reviewed import reviewed
from pawl.attacks.witness import Witness, witness
from pawl.protocols import Sandbox
from pawl.records import Run

__all__ = ["Attack", "Attempt", "attacks", "attempt", "run"]

MOST_SIGNS = 3
LONGEST = 160
"""Characters of one piece of evidence."""
SLACK = 2
"""Processes above the limit that may be seen: limits count a user's, and one may end while another starts."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attack. `evidence` is what was seen, in words; `signs` are those of a success seen from
    outside, `claims` what the attack says that it managed; `would_stop` is empty unless it is known to be open."""

    name: str
    kind: str
    tries: str
    stopped: bool
    stopped_by: str
    evidence: str
    would_stop: str
    signs: tuple[str, ...]
    claims: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether a wall that should have held did not."""
        return not self.stopped and not self.would_stop


def run(sandbox: Sandbox, names: Sequence[str] = ()) -> Iterator[Attempt]:
    """Every attack, or the named ones, one after another. Raises ConfigError for a name that is none, SandboxError
    unless the sandbox says that it isolates: nothing hostile is started without one."""
    found = chosen(names)
    must_isolate(sandbox)
    for attack in found:
        yield attempt(sandbox, attack)


def attempt(sandbox: Sandbox, attack: Attack, confined: bool = True) -> Attempt:
    """One attack in a sandbox. `confined`: it looks everywhere in there; else, for controls, among the canaries."""
    with plant() as canaries, bench(sandbox) as place, _watch(attack, canaries) as seen:
        roots = ("/",) if confined else (str(canaries.folder),)
        runs = place.run(attack, canaries, roots)
        log = "\n".join(place.artifacts.get(run.log).decode(errors="replace") for run in runs)
        files = (place.artifacts.get(file.digest) for run in runs for file in run.artifacts if run.outcome == "ok")
        signs = list(canaries.signs(b"\n".join((log.encode(), *files))))
        signs += [*seen.signs(), *_ended(attack, runs), *_heard_of_each_other(log), *_too_many(seen)]
        signs += _taken(attack, runs, place.artifacts)
        if attack.kind == "words":
            ledger = place.ledger()
            signs += reviewed(ledger, ledger.append(runs[0]), log).signs()
    return _judged(attack, runs, log.splitlines(), signs)


def _watch(attack: Attack, canaries: Canaries) -> AbstractContextManager[Witness]:
    return witness(canaries.mark, canaries.victim.pid, 1 if attack.runs == "1" else 2)


def _ended(attack: Attack, runs: Sequence[Run]) -> Iterator[str]:
    """A run that should have ended badly, and was taken for a good one."""
    for run in runs:
        if attack.ends and run.outcome not in attack.ends:
            yield f"its run ended as '{run.outcome}', not as {' or '.join(attack.ends)} {run.reason}".strip()


def _taken(attack: Attack, runs: Sequence[Run], artifacts: ArtifactStore) -> Iterator[str]:
    """Files of a run that was refused, and that would have been taken had they come alone."""
    for file in (file for run in runs if attack.ends == ("invalid",) for file in run.artifacts):
        try:
            hostile.check(file.name, artifacts.get(file.digest), LIMITS.disk)
        except hostile.Refused:
            continue
        yield f"{hostile.one_line(file.name)} would have been taken, had it come alone"


def _heard_of_each_other(log: str) -> Iterator[str]:
    """Words that one run sent and the other one received: both print them, and they are drawn at random."""
    words = [line.split() for line in log.splitlines()]
    sent, received = ({w[1] for w in words if len(w) == 2 and w[0] == verb} for verb in ("sent", "received"))
    for word in sent & received:
        yield f"one run received '{word}', which the other one had sent"


def _too_many(seen: Witness) -> Iterator[str]:
    if seen.most > LIMITS.processes + SLACK:
        yield f"{seen.most} of its processes lived at once, of {LIMITS.processes}"


def _judged(attack: Attack, runs: Sequence[Run], said: Sequence[str], signs: Sequence[str]) -> Attempt:
    """The verdict. A claim of success counts against the sandbox; a claim of failure counts for nothing."""
    claims = [f"it says: {line}" for line in said if line.startswith("managed ")]
    refusals = [line.removeprefix("refused ") for line in said if line.startswith("refused ")]
    tries = [line for line in said if line.startswith("tried ")]
    ends = [f"run: {run.outcome} {run.reason}".strip() for run in runs if run.outcome != "ok"]
    broken = any(run.outcome == "crashed" and "crashed" not in attack.ends for run in runs)
    stopped = not (signs or claims or broken) and bool(refusals or tries)
    evidence = [*signs, *claims] or [*([*refusals, *ends] or tries), "canaries untouched"]
    if not (stopped or signs or claims):
        evidence = ["it could not be tried", *ends]
    return Attempt(
        name=attack.name, kind=attack.kind, tries=attack.tries, stopped=stopped,
        stopped_by=attack.stopped_by, evidence=_short(evidence), would_stop=attack.would_stop,
        signs=tuple(signs), claims=tuple(claims),
    )  # fmt: skip


def _short(evidence: Sequence[str]) -> str:
    """The first pieces and the last one, each on one line without control characters."""
    pieces = list(dict.fromkeys(hostile.one_line(text)[:LONGEST] for text in evidence))
    kept = pieces if len(pieces) <= MOST_SIGNS + 1 else [*pieces[:MOST_SIGNS], pieces[-1]]
    return "; ".join(kept)
