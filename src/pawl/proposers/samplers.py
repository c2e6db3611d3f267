"""The samplers that the proposer `space` may use, by name. Each is told all that is known, and gives candidates in the
order in which it would try them; it keeps no state of its own, so that the same ledger gives the same candidates.

Optuna's samplers (Akiba et al. 2019) get a study that is built from the ledger each time (docs/decisions/0005).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from random import Random
from types import MappingProxyType

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from pawl.errors import ConfigError, did_you_mean
from pawl.proposers import bayes, cma_es, likely
from pawl.proposers.constants import Constant
from pawl.proposers.spaces import Dimension, Params, Space
from pawl.proposers.tried import Known, Tried

POOL, LARGE_POOL = 8, 64
"""Candidates from which one is drawn by the user's density: of a sampler's, and where they cost nothing."""
optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@dataclass(frozen=True, slots=True)
class Sampler:
    """A way to search. `modules` are what it imports beyond Pawl's own dependencies, which `extra` installs;
    `numbers_only`: it knows neither categorical constants nor conditions."""

    candidates: Callable[[Known], Iterator[Params]]
    modules: tuple[str, ...] = ()
    extra: str = ""
    numbers_only: bool = False


def tpe(known: Known) -> Iterator[Params]:
    """The tree-structured Parzen estimator (Bergstra et al. 2011), over all constants together; constants that are
    active under the same conditions are a group of their own."""
    if _starting(known):
        return likely.drawn(known.space, Random(known.seed))
    study = _study(known, optuna.samplers.TPESampler(
        n_startup_trials=known.startup, multivariate=True, group=known.space.conditional, constant_liar=True,
        seed=known.seed,
    ))  # fmt: skip
    if not likely.believed(known.space):
        return _asked(study, known.space)
    asked = _asked(study, known.space, forget=True)
    return likely.chosen(asked, known.space, known.finished, POOL, Random(known.seed))


def gp(known: Known) -> Iterator[Params]:
    """A Gaussian process with noise, and expected improvement of its logarithm; conditional constants at random."""
    if _starting(known):
        return likely.drawn(known.space, Random(known.seed))
    return _asked(_study(known, optuna.samplers.GPSampler(
        n_startup_trials=known.startup, deterministic_objective=False, seed=known.seed, warn_independent_sampling=False,
    )), known.space)  # fmt: skip


def random(known: Known) -> Iterator[Params]:
    """Uniformly; by the user's density, as long as that weighs."""
    chance = Random(known.seed)
    if _starting(known):
        return likely.drawn(known.space, chance)
    uniform = iter(lambda: known.space.sample(chance), None)
    if not likely.believed(known.space):
        return uniform
    return likely.chosen(uniform, known.space, known.finished, LARGE_POOL, chance)


SAMPLERS: Mapping[str, Sampler] = MappingProxyType({
    "bayes": Sampler(bayes.candidates),
    "tpe": Sampler(tpe),
    "gp": Sampler(gp, modules=("torch",), extra="gp"),
    "cma-es": Sampler(cma_es.candidates, modules=("cmaes",), extra="cma-es", numbers_only=True),
    "random": Sampler(random),
})  # fmt: skip


def usable(name: str, space: Space) -> Sampler:
    """The sampler of this name. Raises ConfigError where it is unknown, not installed, or not for this space."""
    if name not in SAMPLERS:
        raise ConfigError(f"there is no sampler '{name}'.{did_you_mean(name, SAMPLERS)}", "correct [[proposer]]")
    sampler = SAMPLERS[name]
    missing = [module for module in sampler.modules if find_spec(module) is None]
    if missing:
        raise ConfigError(f"the sampler '{name}' needs {missing[0]}", f"pip install 'pawl-ai[{sampler.extra}]'")
    for dimension in space:
        if sampler.numbers_only and (dimension.kind == "categorical" or dimension.when):
            what = "is categorical" if dimension.kind == "categorical" else "depends on others (when)"
            raise ConfigError(
                f"the sampler '{name}' searches numbers that are always there, and {dimension.name} {what}",
                'take it out of [space], or write sampler = "tpe"',
            )
    return sampler


def _starting(known: Known) -> bool:
    """Whether candidates still come from what the user believes alone."""
    return known.finished < known.startup and likely.believed(known.space)


def _study(known: Known, sampler: BaseSampler) -> optuna.Study:
    study = optuna.create_study(sampler=sampler, direction="minimize")
    study.add_trials(trials(known.space, known.tried))
    return study


def _asked(study: optuna.Study, space: Space, forget: bool = False) -> Iterator[Params]:
    """What the study would try, again and again. What was not taken counts as running, so that the next one is another;
    `forget`: it was only looked at, and counts for nothing."""
    while True:
        trial = study.ask()
        params = space.build(lambda dimension: _suggested(trial, dimension))  # noqa: B023
        if forget:
            study.tell(trial, state=TrialState.FAIL)
        yield params


def trials(space: Space, tried: Sequence[Tried]) -> list[FrozenTrial]:
    """What was tried, as Optuna's trials: finished, failed, or still running; the value is the loss."""
    distributions = {dimension.name: _distribution(dimension) for dimension in space}
    found = []
    for one in tried:
        state = TrialState.FAIL if one.loss is None else TrialState.COMPLETE
        state = state if one.ended else TrialState.RUNNING
        found.append(optuna.create_trial(
            state=state, value=one.loss if state == TrialState.COMPLETE else None,
            params={d.name: _inner(d, one.params[d.name]) for d in space if d.name in one.params},
            distributions={name: distributions[name] for name in one.params},
        ))  # fmt: skip
    return found


def _numbered(dimension: Dimension) -> bool:
    """Whether Optuna is told a value's number: it takes 1 and True for the same, and steps of decimals for others."""
    return dimension.kind == "categorical" or (dimension.kind == "float" and dimension.step > 0)


def _distribution(dimension: Dimension) -> BaseDistribution:
    if dimension.kind == "categorical":
        return CategoricalDistribution(range(dimension.count))
    if _numbered(dimension):
        return IntDistribution(0, dimension.count - 1)
    if dimension.kind == "int":
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log, step=int(dimension.step))
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _inner(dimension: Dimension, value: Constant) -> Constant:
    return int(dimension.unit(value) * dimension.count) if _numbered(dimension) else value


def _suggested(trial: Trial, dimension: Dimension) -> Constant:
    match _distribution(dimension):
        case CategoricalDistribution(choices=choices):
            return dimension.value((int(trial.suggest_categorical(dimension.name, choices)) + 0.5) / dimension.count)  # type: ignore[arg-type]
        case IntDistribution(low=low, high=high, step=step, log=log):
            whole = trial.suggest_int(dimension.name, low, high, step=step, log=log)
            return dimension.value((whole + 0.5) / dimension.count) if _numbered(dimension) else whole
        case FloatDistribution(low=low, high=high, log=log):
            return dimension.readable(trial.suggest_float(dimension.name, low, high, log=log))
    raise AssertionError(dimension)
