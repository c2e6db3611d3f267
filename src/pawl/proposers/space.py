"""Searches declared constants, with one of several samplers.

It keeps no state of its own: each proposal is worked out from the ledger, so that a resumed loop, or another machine,
proposes what this one would have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from pydantic import JsonValue

from pawl import priors
from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.past import Range
from pawl.proposers import bayes, likely, samplers, tried, warm
from pawl.proposers.constants import Constant
from pawl.proposers.spaces import Params, Space
from pawl.proposers.tried import Known
from pawl.proposers.warm import Hint
from pawl.protocols import Past, Sources
from pawl.records import Proposal, Variant

NAME = "space"
RANDOM = "random"
TRIES = 20


@dataclass(frozen=True)
class SpaceProposer:
    """`space` maps "FILE:CONSTANT" to its range as in pawl.toml. `sampler` says how it is searched: `bayes`,
    `tpe`, `gp`, `cma-es` or `random`; the first `startup` proposals look around, near your guesses where there are any.
    `ladder` is the policy's: the step, in sds of one run, below which it sees no progress. Where there are `earlier`
    studies, its first proposals, at most `warm` of them, are what did best there."""

    sources: Sources
    space: Mapping[str, Mapping[str, JsonValue]]
    ladder: float
    sampler: str = "bayes"
    startup: int = 8
    seed: int = 0
    warm: int = 4
    earlier: Sequence[Past] = ()

    def __post_init__(self) -> None:
        if not self.space:
            raise ConfigError("the proposer 'space' has nothing to change", "add a [space] table to pawl.toml")
        for name, least in (("startup", 1), ("seed", 0), ("warm", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"the proposer 'space': {name} must be {least} or more", "correct [[proposer]]")
        samplers.usable(self.sampler, Space.of(self.space))

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal:
        space, files = Space.of(self.space), self.sources.read(head.record)
        before = space.current(files)
        ranges = {name: Range.of(self.space[name]) for name in space.names}
        known = Known(
            space, tried.read(ledger, space, self.ladder), self.startup, self.seed + len(ledger.entries(Proposal)),
            warm.remembered(self.earlier, space, ranges),
        )  # fmt: skip
        after, sampler = self._chosen(known, before)
        why, settings = _why(sampler, known), dict[str, JsonValue](sampler=sampler)
        if sampler == "bayes" and known.earlier and bayes.models(known):
            settings["priors"] = [past.digest for past in self.earlier]
        hint = self._hint(ledger, known, ranges, before, after)
        if hint:
            after, why = hint.parameters, f"did best in the earlier study {hint.past.name}"
            settings = {"sampler": "earlier", "earlier": priors.source(hint.past, hint.similarity)}
        changes = [
            f"{name.partition(':')[2]} {before[name]} -> {value}"
            for name, value in after.items() if before[name] != value
        ]  # fmt: skip
        return Proposal(
            parent=head.id, patch=self.sources.patch(head.record, space.changed(files, after)),
            hypothesis=f"{', '.join(changes) or 'no change'} ({why})", proposer=NAME,
            settings={"parameters": dict(after), **settings},
        )  # fmt: skip

    def _hint(
        self, ledger: Ledger, known: Known, ranges: Mapping[str, Range], before: Params, asked: Params
    ) -> Hint | None:
        """What an earlier study suggests to try now, if one still has a say. Constants that it did not have stay as in
        the head; as they were `asked` for, where the head has them out of their range. Only what the space's conditions
        allow together is put forward."""
        made = [entry.record.settings for entry in ledger.entries(Proposal)]
        taken = Counter(map(priors.source_digest, made))
        used = {past.name: taken[past.digest] for past in self.earlier}
        if not used or sum(used.values()) >= self.warm:
            return None
        active = {key: ranges[key] for key in asked}
        own = priors.told(ledger, self.ladder, lambda it: priors.literals(self.sources.read(it.record), self.space))
        rest = {key: before[key] if active[key].holds(before[key]) else asked[key] for key in active}
        tried = [before, *(one.get("parameters") for one in made)]
        return warm.following(self.earlier, own, active, rest, tried, used, known.space.fits)

    def _chosen(self, known: Known, before: Params) -> tuple[Params, str]:
        """The first candidate that is new, and who had it: the sampler or, if that only repeats itself, chance."""
        done = {_told(one.params) for one in known.tried}
        for name in (self.sampler, RANDOM):
            for params in islice(samplers.SAMPLERS[name].candidates(known), TRIES):
                if _told(params) not in done and not _told(params) <= _told(before):
                    return params, name
        return params, name


def _told(params: Params) -> frozenset[tuple[str, bool, Constant]]:
    """Values, of which True is not 1."""
    return frozenset((name, isinstance(value, bool), value) for name, value in params.items())


def _why(sampler: str, known: Known) -> str:
    begins = not bayes.models(known) if sampler == "bayes" else known.finished < known.startup
    if begins and likely.believed(known.space):
        return "near the best guesses first"
    if sampler == RANDOM:
        return "drawn at random"
    if begins:
        return "explores at random first"
    if known.finished == 0:
        return "looks promising after earlier studies"
    return f"looks promising after {known.finished} runs"
