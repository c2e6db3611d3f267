"""Pawl's own sampler, as its proposer `space` uses it. Its incumbent is what it expects to be best of what was run.
`priors`: with what it found itself on the other tasks of the family, one search each (in `bench/rows/past.jsonl`)."""

from __future__ import annotations

from pawl.proposers import bayes
from pawl.proposers.axes import Axes
from pawl.proposers.spaces import Dimension, Space
from pawl.proposers.tried import Earlier, Known, Tried


class Search:
    def __init__(self, space: list, seed: int, variant: str, earlier: tuple = (), startup: int = 0) -> None:
        self.space = Space(tuple(
            Dimension(name, "int", 0, size - 1, step=1.0) if ordered
            else Dimension(name, "categorical", choices=tuple(range(size)))
            for name, ordered, size in space
        ))  # fmt: skip
        self.seed, self.tried, self.startup = seed, list[Tried](), startup
        self.earlier = [
            Earlier(self.space.names, tuple(self._params(point) for point, _ in runs), tuple(loss for _, loss in runs))
            for runs in earlier
        ]

    def ask(self) -> list[int]:
        known = Known(self.space, self.tried, self.startup, self.seed + len(self.tried), self.earlier)
        params = next(bayes.candidates(known))
        return [int(params[name]) for name in self.space.names]

    def tell(self, point: tuple[int, ...], loss: float, seed: int) -> tuple[int, ...]:
        number = len(self.tried) + 1
        self.tried.append(Tried(number, number, self._params(point), loss, "bayes"))
        belief = bayes.believed(Axes(self.space), Known(self.space, self.tried, 0, 0, self.earlier))
        best = self.tried[int(belief.expected.argmin())].params
        return tuple(int(best[name]) for name in self.space.names)

    def _params(self, point: list[int]) -> dict[str, int]:
        return dict(zip(self.space.names, point, strict=True))
