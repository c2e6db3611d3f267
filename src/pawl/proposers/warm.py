"""The first tries of a study that knows earlier ones: their best configurations, one study after the other.

Starting from what did best on other tasks is Feurer, Springenberg and Hutter, "Initializing Bayesian hyperparameter
optimization via meta-learning" (2015); here the more similar study comes first, and one that turns out not to be
similar has no further say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pawl.past import Constant, Past, PastTrial, Range
from pawl.proposers.spaces import Space
from pawl.proposers.tried import Earlier
from pawl.similarity import UNTOLD, similarity


@dataclass(frozen=True, slots=True)
class Hint:
    """A configuration to try, whole, the study that it comes from, and how similar that is so far."""

    parameters: dict[str, Constant]
    past: Past
    similarity: float


def following(
    earlier: Sequence[Past], own: Sequence[PastTrial], space: Mapping[str, Range], rest: Mapping[str, Constant],
    tried: Sequence[object], used: Mapping[str, int], fits: Callable[[dict[str, Constant]], bool] = bool,
) -> Hint | None:  # fmt: skip
    """The next configuration of an earlier study that is worth a try here; None where no study has a say, or all is
    tried. `own` are this study's trials, `rest` values for constants that an earlier study did not have, `used` how
    many configurations came from each study, by name; `fits` says whether constants belong together. All values are
    ones that `space` holds if those of `rest` are."""
    says = {past.name: similarity(past, own, space) for past in earlier}
    for past in sorted(earlier, key=lambda one: (used.get(one.name, 0), -says[one.name])):
        for trial in best(past.within(space)) if says[past.name] > 0 else ():
            found = {key: _typed(trial.parameters.get(key, value), space[key]) for key, value in rest.items()}
            if found not in tried and fits(found):
                return Hint(found, past, says[past.name])
    return None


def best(trials: Sequence[PastTrial]) -> Iterator[PastTrial]:
    """Those that were better than their study's first champion, the largest gain first: as it is expected to be, where
    gains vary as much as runs do, so that one run's luck counts half. What failed its certificate was luck."""
    better = [trial for trial in trials if trial.better and trial.gain > 0 and trial.certified is not False]
    yield from sorted(better, key=lambda trial: -trial.gain * trial.runs / (trial.runs + 1))


def remembered(pasts: Sequence[Past], space: Space, ranges: Mapping[str, Range]) -> list[Earlier]:
    """What these studies found, as far as it is about constants that this space always has, and within its ranges."""
    always = {dimension.name: ranges[dimension.name] for dimension in space if not dimension.when}
    found = []
    for past in pasts:
        trials = past.within(always)
        names = tuple(name for name in always if trials and name in trials[0].parameters)
        typed = [{name: _typed(one.parameters[name], always[name]) for name in names} for one in trials]
        losses = tuple(-one.gain if one.better else -UNTOLD for one in trials)
        if len(set(losses)) > 1:
            found.append(Earlier(names, tuple(typed), losses))
    return found


def _typed(value: Constant, known: Range) -> Constant:
    """A number as the constant's type has it: 1 for a float is 1.0."""
    return float(value) if known.type == "float" else value
