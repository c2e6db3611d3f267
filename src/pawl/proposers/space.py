"""Searches declared constants with Optuna's tree-structured Parzen estimator (Bergstra et al. 2011).

It keeps no state of its own: each proposal rebuilds the study from the ledger, so that a resumed loop, or another
machine, proposes what this one would have.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from pydantic import JsonValue

from pawl import history, priors
from pawl.errors import ConfigError
from pawl.ladder import seen
from pawl.ledger import Entry, Ledger
from pawl.past import Range
from pawl.proposers import warm
from pawl.proposers.constants import Constant, current, exchange
from pawl.proposers.warm import Hint
from pawl.protocols import Past, Sources
from pawl.records import Proposal, Screening, Variant

NAME = "space"
TRIES = 20
optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@dataclass(frozen=True)
class SpaceProposer:
    """`space` maps "FILE:CONSTANT" to its range as in pawl.toml; the first `startup` proposals are random. `ladder` is
    the policy's: the step, in sds of one run, below which it sees no progress. Where there are `earlier` studies, its
    first proposals, at most `warm` of them, are what did best there."""

    sources: Sources
    space: Mapping[str, Mapping[str, JsonValue]]
    ladder: float
    startup: int = 8
    seed: int = 0
    warm: int = 4
    earlier: Sequence[Past] = ()

    def __post_init__(self) -> None:
        if not self.space:
            raise ConfigError("the proposer 'space' has nothing to change", "add a [space] table to pawl.toml")

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal:
        files = self.sources.read(head.record)
        before = self._constants(files)
        distributions = {key: _distribution(key, table) for key, table in self.space.items()}
        study = self._study(ledger, distributions)
        seen = [trial.params for trial in study.get_trials(deepcopy=False)]
        for _ in range(TRIES):
            params = study.ask(distributions).params
            after = {key: _rounded(value, distributions[key]) for key, value in params.items()}
            if after != before and after not in seen:
                break
        finished = sum(trial.state == TrialState.COMPLETE for trial in study.get_trials(deepcopy=False))
        why = f"looks promising after {finished} runs" if finished > self.startup else "explores at random first"
        settings: dict[str, JsonValue] = {"sampler": "tpe"}
        hint = self._hint(ledger, before, after)
        if hint:
            after, why = hint.parameters, f"did best in the earlier study {hint.past.name}"
            settings = {"sampler": "earlier", "earlier": priors.source(hint.past, hint.similarity)}
        changes = [
            f"{key.partition(':')[2]} {before[key]} -> {after[key]}" for key in after if after[key] != before[key]
        ]
        return Proposal(
            parent=head.id, patch=self.sources.patch(head.record, self._changed(files, after)),
            hypothesis=f"{', '.join(changes) or 'no change'} ({why})", proposer=NAME,
            settings={"parameters": dict(after), **settings},
        )  # fmt: skip

    def _hint(self, ledger: Ledger, before: Mapping[str, Constant], asked: Mapping[str, Constant]) -> Hint | None:
        """What an earlier study suggests to try now, if one still has a say. Constants that it did not have stay as in
        the head; as they were `asked` for, where the head has them out of their range."""
        made = [entry.record.settings for entry in ledger.entries(Proposal)]
        taken = Counter(map(priors.source_digest, made))
        used = {past.name: taken[past.digest] for past in self.earlier}
        if not used or sum(used.values()) >= self.warm:
            return None
        space = {key: Range.of(table) for key, table in self.space.items()}
        own = priors.told(ledger, self.ladder, lambda it: priors.literals(self.sources.read(it.record), self.space))
        rest = {key: before[key] if space[key].holds(before[key]) else asked[key] for key in space}
        tried = [before, *(one.get("parameters") for one in made)]
        return warm.following(self.earlier, own, space, rest, tried, used)

    def _constants(self, files: Mapping[str, str]) -> dict[str, Constant]:
        values: dict[str, Constant] = {}
        for path, names in self._by_file().items():
            values |= {f"{path}:{name}": value for name, value in current(files[path], names, path).items()}
        return values

    def _changed(self, files: Mapping[str, str], after: Mapping[str, Constant]) -> dict[str, str]:
        return {
            path: exchange(files[path], {name: after[f"{path}:{name}"] for name in names}, path)
            for path, names in self._by_file().items()
        }

    def _by_file(self) -> dict[str, list[str]]:
        files: dict[str, list[str]] = {}
        for key in self.space:
            path, _, name = key.partition(":")
            files.setdefault(path, []).append(name)
        return files

    def _study(self, ledger: Ledger, distributions: dict[str, BaseDistribution]) -> optuna.Study:
        """What the ledger remembers of this space, as an Optuna study."""
        known = len(ledger.entries(Proposal))
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=self.startup, multivariate=True, constant_liar=True, seed=self.seed + known
        )
        study = optuna.create_study(sampler=sampler, direction=history.study(ledger).record.direction)
        study.add_trials(trials(ledger, distributions, self.ladder))
        return study


def trials(ledger: Ledger, distributions: Mapping[str, BaseDistribution], step: float) -> list[FrozenTrial]:
    """The ledger's comparable `space` proposals as trials: finished, failed, or still running. Their scores are those
    that the Ladder lets through.

    One that broke a guard counts as the worst seen, so that the sampler stays away from it."""
    standing, scores = history.read(ledger), seen(ledger, step)
    screened = {entry.record.proposal: entry.record for entry in ledger.entries(Screening)}
    found: list[tuple[dict[str, Constant], str, float | None]] = []
    for proposal in ledger.entries(Proposal):
        parameters = proposal.record.settings.get("parameters")
        if (
            proposal.id < standing.since
            or not isinstance(parameters, dict)
            or parameters.keys() != distributions.keys()
        ):
            continue
        screening = screened.get(proposal.id)
        known = scores[proposal.id].score if proposal.id in scores else None
        guard = screening.broken_guard if screening else ""
        found.append((parameters, "running" if screening is None else guard, known))  # type: ignore[arg-type]
    measured = [value for _, _, value in found if value is not None]
    worst = (min if history.study(ledger).record.direction == "maximize" else max)(measured, default=0.0)
    return [
        _trial(params, worst if state and value else value, state == "running", distributions)
        for params, state, value in found
    ]


def _trial(
    params: dict[str, Constant], value: float | None, running: bool, distributions: Mapping[str, BaseDistribution]
) -> FrozenTrial:
    state = TrialState.RUNNING if running else TrialState.FAIL if value is None else TrialState.COMPLETE
    kept = value if state == TrialState.COMPLETE else None
    return optuna.create_trial(state=state, params=params, distributions=dict(distributions), value=kept)


def _distribution(key: str, table: Mapping[str, JsonValue]) -> BaseDistribution:
    low, high, log, step = (table.get(name) for name in ("low", "high", "log", "step"))
    if table["type"] == "categorical":
        return CategoricalDistribution(table["choices"])  # type: ignore[arg-type]
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise ConfigError(f"[space] {key} needs low and high", "correct pawl.toml")
    if table["type"] == "int":
        return IntDistribution(
            int(low), int(high), log=bool(log), step=int(step) if isinstance(step, int | float) else 1
        )
    return FloatDistribution(low, high, log=bool(log), step=step if isinstance(step, int | float) else None)


def _rounded(value: Constant, distribution: BaseDistribution) -> Constant:
    """Four significant digits are enough for a person to read, and stay inside the range."""
    if isinstance(distribution, FloatDistribution):
        return min(max(float(f"{value:.4g}"), distribution.low), distribution.high)
    return value
