"""Searches programs of a declared grammar by regularised evolution (Real, Aggarwal, Huang and Le, "Regularized
evolution for image classifier architecture search", 2019): tournaments among the last of its own measured proposals and
the head, of which the oldest are forgotten, however good; mutations, and crosses of two winners.

It differs from the paper in this: it starts from the head and not from a random population, since a turn here costs a
training run; two parents are crossed now and then; and the head wins each tournament that it is drawn into, since
racing found it better than what it was before. All chance is drawn from the number of proposals in the ledger, and all
memory is read from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from pawl import attempts, history
from pawl.attempts import Attempt
from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.proposers.evolution import anything, crossed, mutated
from pawl.proposers.grammar import Genotype, inside
from pawl.proposers.programs import Program, Programs, Unrecognised, load
from pawl.proposers.template import Value
from pawl.protocols import Brief, Sources
from pawl.records import Proposal, Screening, Variant

TRIES = 400
"""Candidates that are thought of before there is nothing to put forward; the last quarter are random ones."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the population. `id` is its proposal's, None for the head; the lowest `rank` wins a tournament."""

    id: int | None
    genotype: Genotype
    rank: tuple[int, float]

    def __str__(self) -> str:
        return "the head" if self.id is None else f"proposal {self.id}"


@dataclass(frozen=True)
class ArchitectureProposer:
    """`grammar` is the folder of the grammar, in the study. The last `population` measured proposals and the head are
    parents; a tournament is among `tournament` of them, and with probability `cross` there are two parents. A candidate
    is put forward if the grammar estimates its cost at no more than `costlier` times that of the variant which
    certificates are against; 1.25 is where the policy's own guard on CPU is. `seed` is the search's, `ladder` the
    policy's."""

    sources: Sources
    brief: Brief
    ladder: float
    name: str
    grammar: str = "grammar"
    population: int = 20
    tournament: int = 5
    cross: float = 0.25
    costlier: float = 1.25
    seed: int = 0
    programs: Programs = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        inside(self.grammar)
        if min(self.population, self.tournament) < 1 or not 0 <= self.cross <= 1 or self.costlier <= 0:
            raise ValueError("population and tournament are at least 1, cross from 0 to 1, costlier above 0")
        folder = self.brief.folder / self.grammar
        if not folder.is_dir():
            raise ConfigError(
                f"the proposer {self.name!r} has no grammar: {folder} is not a folder",
                "write one (docs/how-to/search-architectures.md), or take the proposer out of pawl.toml",
            )
        object.__setattr__(self, "programs", load(folder, self.brief.editable))

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal | None:
        """A patch to another program of the grammar; None where the head is no program of it, or none is new."""
        files = self.sources.read(head.record)
        try:
            program = self.programs.read(files)
        except Unrecognised:
            return None
        tried = self._tried(ledger)
        members = self._population(ledger, program, tried)
        known = [program.genotype, *(_genotype(attempt) for attempt in tried)]
        limit = self.costlier * self._cost(self._reference(ledger, program))
        chance = Random(f"pawl-architecture/{self.name}/{self.seed}/{len(ledger.entries(Proposal))}")
        for genotype, parents in self._candidates(members, chance):
            valid = genotype not in known and self.programs.grammar.valid(genotype)
            if valid and self._cost(Program(genotype, program.kept)) <= limit:
                return self._proposal(head, files, program, genotype, parents)
        return None

    def _tried(self, ledger: Ledger) -> list[Attempt]:
        """Its own comparable proposals, oldest first."""
        done = attempts.read(ledger, self.ladder)
        return [attempt for attempt in done if attempt.proposal.proposer == self.name and _genotype(attempt)]

    def _population(self, ledger: Ledger, program: Program, tried: list[Attempt]) -> list[Member]:
        """The head and the last measured proposals that this grammar still allows. One that broke a guard is no
        parent: its children would break it too."""
        sign = -1 if history.study(ledger).record.direction == "maximize" else 1
        found: list[Member] = []
        for attempt in tried:
            screening = ledger.find(Screening, proposal=attempt.id)
            genotype = _genotype(attempt)
            if attempt.score is None or (screening and screening.record.broken_guard) or genotype == program.genotype:
                continue
            if self.programs.grammar.valid(genotype):
                found.append(Member(attempt.id, genotype, (1, sign * attempt.score)))
        return [Member(None, program.genotype, (0, 0.0)), *found[-self.population :]]

    def _candidates(self, members: list[Member], chance: Random) -> Iterator[tuple[Genotype, tuple[Member, ...]]]:
        """What could be tried next, with its parents: none for a random one."""
        grammar = self.programs.grammar
        for number in range(TRIES):
            if number >= TRIES * 3 // 4:
                yield anything(grammar, chance), ()
                continue
            one, other = self._winner(members, chance), self._winner(members, chance)
            crossing = one is not other and chance.random() < self.cross
            genotype = crossed(grammar, one.genotype, other.genotype, chance) if crossing else one.genotype
            for _ in range(chance.randint(0 if crossing else 1, 2)):
                genotype = mutated(grammar, genotype, chance)
            yield genotype, (one, other) if crossing else (one,)

    def _winner(self, members: list[Member], chance: Random) -> Member:
        return min(chance.sample(members, min(self.tournament, len(members))), key=lambda member: member.rank)

    def _reference(self, ledger: Ledger, program: Program) -> Program:
        """What certificates are against, and the CPU guard; the head where that is no program of the grammar."""
        reference = ledger.get(history.read(ledger).reference, Variant)
        try:
            return self.programs.read(self.sources.read(reference.record))
        except Unrecognised:
            return program

    def _cost(self, program: Program) -> float:
        return self.programs.grammar.cost(program.genotype, program.constants)

    def _proposal(
        self, head: Entry[Variant], files: Mapping[str, str], program: Program, genotype: Genotype,
        parents: tuple[Member, ...],
    ) -> Proposal:  # fmt: skip
        after = self.programs.render(genotype, program.kept)
        by = " crossed with ".join(str(parent) for parent in parents)
        how = f"evolved from {by}" if by else "drawn at random"
        return Proposal(
            parent=head.id, patch=self.sources.patch(head.record, {**files, **after}),
            hypothesis=f"{_changes(program.genotype, genotype)} ({how})",
            proposer=self.name,
            settings={
                "genotype": dict(genotype), "grammar": self.programs.grammar.digest,
                "parents": [parent.id or head.id for parent in parents],
                "cost": round(self._cost(Program(genotype, program.kept)) / self._cost(program), 3),
            },
        )  # fmt: skip


def _genotype(attempt: Attempt) -> Genotype:
    """What a proposal was rendered from; empty where it does not say."""
    found = attempt.proposal.settings.get("genotype")
    return {name: value for name, value in found.items() if isinstance(value, Value)} if isinstance(found, dict) else {}


def _changes(before: Genotype, after: Genotype) -> str:
    """What differs, in words. What is there only for what was, goes without saying."""
    changed = [
        f"{name} {before[name]} -> {value}" if name in before else f"{name} {value}"
        for name, value in after.items()
        if before.get(name) != value
    ]
    return ", ".join(changed)
