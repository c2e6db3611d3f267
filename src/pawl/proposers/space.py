"""Searches declared constants, with one of several samplers.

It keeps no state of its own: each proposal is worked out from the ledger, so that a resumed loop, or another machine,
proposes what this one would have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from pydantic import JsonValue

from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.proposers import likely, samplers, tried
from pawl.proposers.constants import Constant
from pawl.proposers.spaces import Params, Space
from pawl.proposers.tried import Known
from pawl.protocols import Sources
from pawl.records import Proposal, Variant

NAME = "space"
RANDOM = "random"
TRIES = 20


@dataclass(frozen=True)
class SpaceProposer:
    """`space` maps "FILE:CONSTANT" to its range as in pawl.toml. `sampler` says how it is searched: `tpe`, `gp`,
    `cma-es` or `random`; the first `startup` proposals look around, near your guesses where there are any. `ladder` is
    the policy's: the step, in sds of one run, below which it sees no progress."""

    sources: Sources
    space: Mapping[str, Mapping[str, JsonValue]]
    ladder: float
    sampler: str = "tpe"
    startup: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.space:
            raise ConfigError("the proposer 'space' has nothing to change", "add a [space] table to pawl.toml")
        samplers.usable(self.sampler, Space.of(self.space))

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal:
        space, files = Space.of(self.space), self.sources.read(head.record)
        before = space.current(files)
        known = Known(
            space, tried.read(ledger, space, self.ladder), self.startup, self.seed + len(ledger.entries(Proposal))
        )
        after, sampler = self._chosen(known, before)
        changes = [
            f"{name.partition(':')[2]} {before[name]} -> {value}"
            for name, value in after.items() if before[name] != value
        ]  # fmt: skip
        return Proposal(
            parent=head.id, patch=self.sources.patch(head.record, space.changed(files, after)),
            hypothesis=f"{', '.join(changes) or 'no change'} ({_why(sampler, known)})", proposer=NAME,
            settings={"parameters": dict(after), "sampler": sampler},
        )  # fmt: skip

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
    if known.finished <= known.startup and likely.believed(known.space):
        return "near the best guesses first"
    if sampler == RANDOM:
        return "drawn at random"
    if known.finished <= known.startup:
        return "explores at random first"
    return f"looks promising after {known.finished} runs"
