"""Who proposes next: a bandit over proposers, by the gain that each brought for what it cost.

A proposer's gains are those of its accepted changes: whole once they are certified, at half while nobody knows, nothing
once a certificate failed. Its cost is the CPU of all runs that its ideas took, certificates' too, and CPU and money of
its requests to language models; the unit is one mean run. Gains per cost are compared by Thompson sampling (Thompson
1933; Chapelle and Li, "An empirical evaluation of Thompson sampling", 2011) from gamma posteriors: the rate of gain is
positive, and one clear success says more than many small ones. A success is measured by what successes are like in this
study: were they counted in sd, then where a study begins with gains of many sd the first to find one would be certain
to be the best, and nobody else ever had a turn. Chance comes from the ledger, so that a loop that was killed chooses
the same when it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from random import Random
from statistics import fmean

from pawl import attempts
from pawl.attempts import Attempt
from pawl.ledger import Entry, Ledger
from pawl.records import Completion, Noise, Proposal, Study

UNSURE = 0.5
"""What an accepted gain counts for while no certificate was decided."""
FIRST_GAIN, FIRST_COST = 0.5, 4.0
"""What each proposer is taken to have shown at first: half a success in four runs. Hopeful, so that each gets its
turns."""
MEMORY = 0.98
"""What each later turn of anybody leaves of an older one's weight: what was easy to gain is soon gained."""
REPEAT = 1.0
"""Runs that a turn counts for in which what had been run before was put forward again. It took none; but who repeats
what is known must not keep the turns of who tries something new."""
MONEY = 20.0
"""Runs that one unit of money is worth."""
FRUITLESS = 0.25
"""Runs that an answer counts for which cannot be used, besides what it took: or who has no ideas and costs no money
would be asked first at every other turn, for ever."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What a proposer brought so far: turns, gains in sd of one run, cost in runs; both fade with time."""

    turns: int = 0
    gain: float = 0.0
    cost: float = 0.0

    def rate(self, success: float) -> float:
        """The expected successes per run, where one is worth so many sd."""
        return (FIRST_GAIN + self.gain / success) / (FIRST_COST + self.cost)

    def faded(self) -> Credit:
        """This, one turn of anybody later."""
        return Credit(self.turns, MEMORY * self.gain, MEMORY * self.cost)

    def after(self, turns: int, gain: float, cost: float) -> Credit:
        """This, with what came since."""
        return Credit(self.turns + turns, self.gain + gain, self.cost + cost)


@dataclass(frozen=True, slots=True)
class Choice:
    """A proposer that may have the turn, and why."""

    name: str
    why: str


def credits(ledger: Ledger, names: Sequence[str], ladder: float) -> dict[str, Credit]:
    """What each of these proposers brought, over all comparable turns and requests in the order in which they came."""
    return _credits(ledger, attempts.read(ledger, ladder), names)


def _credits(ledger: Ledger, done: Sequence[Attempt], names: Sequence[str]) -> dict[str, Credit]:
    unit = _unit(ledger)
    each = fmean([run.record.usage.cpu_s for attempt in done for run in attempt.runs] or [1.0]) or 1.0
    found = dict.fromkeys(names, Credit())
    turns: list[tuple[int, str, Attempt | Completion]] = [
        (attempt.id, attempt.proposal.proposer, attempt) for attempt in done
    ]
    asked = [(entry.id, entry.record.proposer, entry.record) for entry in ledger.entries(Completion)]
    for _, name, what in sorted((one for one in [*turns, *asked] if one[1] in found), key=itemgetter(0)):
        if isinstance(what, Attempt):
            found = {other: credit.faded() for other, credit in found.items()}
            cost = what.cpu_s / each + REPEAT * what.repeats
            found[name] = found[name].after(1, _gained(what) / unit, cost)
        else:
            found[name] = found[name].after(0, 0.0, _cost(what, each))
    return found


def _cost(request: Completion, each: float) -> float:
    """What a request counts for, in runs of `each` CPU seconds."""
    taken = request.wall_s if request.cpu_s is None else request.cpu_s
    useless = FRUITLESS if request.prompt and request.outcome in ("invalid", "cut", "refused") else 0.0
    return taken / each + MONEY * request.money + useless


def _unit(ledger: Ledger) -> float:
    """The sd of one run; 1 where it is not known, or none."""
    noise = ledger.last(Noise)
    return noise.record.sd if noise and noise.record.sd else 1.0


def _success(ledger: Ledger, done: Sequence[Attempt]) -> float:
    """What an accepted change gains on the average, in sd of one run; 1 at least."""
    gains = [attempt.gain for attempt in done if attempt.outcome == "accepted" and attempt.gain]
    return max(fmean(gains or [0.0]) / _unit(ledger), 1.0)


def _gained(attempt: Attempt) -> float:
    """What an attempt counts for, in the metric's unit."""
    worth = {True: 1.0, False: 0.0, None: UNSURE}[attempt.certified]
    return worth * max(attempt.gain or 0.0, 0.0) if attempt.outcome == "accepted" else 0.0


def ranked(ledger: Ledger, names: Sequence[str], ladder: float, first: Sequence[str] = ()) -> list[Choice]:
    """All of them in the order in which they may have the next turn: who has nothing to put forward gives way. Those in
    `first` come first in any case."""
    if first:
        planned = [Choice(name, "what was planned comes first") for name in first]
        return planned + ranked(ledger, [name for name in names if name not in first], ladder)
    if len(names) == 1:
        return [Choice(names[0], "the only proposer")]
    done = attempts.read(ledger, ladder)
    known, success = _credits(ledger, done, names), _success(ledger, done)
    draw = _chance(ledger)
    rates = {name: _drawn(draw, credit, success) for name, credit in known.items()}
    return [Choice(name, _why(known, name, success)) for name in sorted(names, key=lambda name: -rates[name])]


def _chance(ledger: Ledger) -> Random:
    last: Entry[Proposal] | Entry[Study] | None = ledger.last(Proposal) or ledger.last(Study)
    return Random(f"pawl-portfolio/{last.digest if last else ''}/{len(ledger.entries(Proposal))}")


def _drawn(draw: Random, credit: Credit, success: float) -> float:
    """A rate that what is known allows."""
    return draw.gammavariate(FIRST_GAIN + credit.gain / success, 1 / (FIRST_COST + credit.cost))


def _why(known: Mapping[str, Credit], name: str, success: float) -> str:
    credit = known[name]
    best = max(known, key=lambda other: known[other].rate(success))
    if not credit.turns:
        return "it was not tried yet"
    said = f"{credit.gain:.1f} sd of gain for {credit.cost:.0f} runs lately"
    return f"the best so far: {said}" if name == best else f"it may yet be better than {best}: {said}"
