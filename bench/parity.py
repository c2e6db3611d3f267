"""Are Pawl's e-LOND decisions those of `online-fdr` under Pawl's series? Needs `pip install online-fdr==1.0.0`."""

from __future__ import annotations

import random
from importlib.metadata import version

import common
from online_fdr.core.abstract.abstract_gamma_seq import AbstractGammaSequence
from online_fdr.e_values.sequential import ELond

from pawl.evidence import SignFlip, Stop, gamma, threshold

STREAMS, LENGTH = 10_000, 40
ALPHAS = (0.05, 0.1, 0.2)


class Ours(AbstractGammaSequence):  # type: ignore[misc]
    """Pawl's series, for the reference implementation."""

    def calc_gamma(self, j: int, *args: object, **kwargs: object) -> float:
        return gamma(j)


def drawn(draw: random.Random) -> float:
    """An e-value from nowhere, over nine orders of magnitude."""
    return float(10 ** draw.uniform(-4, 5))


def earned(draw: random.Random, bar: float) -> float:
    """The e-value of a simulated certificate at this threshold: a third of the heads are better, by 1 to 3 sd."""
    test, stop = SignFlip(1.0), Stop(bar, 0.15, 20)
    gain = draw.uniform(1, 3) if draw.random() < 1 / 3 else 0.0
    gains = [draw.gauss(gain, 1) for _ in range(stop.pairs)]
    return test.e_value(gains[: stop.end(test, gains)[0]])


def stream(number: int) -> tuple[int, int, float]:
    """Decisions that differ, certificates won, and the largest relative difference of a level, in one stream."""
    draw, alpha = random.Random(number), ALPHAS[number % len(ALPHAS)]
    reference, wins, differ, apart = ELond(alpha, Ours()), 0, 0, 0.0
    for step in range(1, LENGTH + 1):
        bar = threshold(step, wins, alpha)
        value = earned(draw, bar) if number % 2 else drawn(draw)
        differ += bool(reference.test_one(value)) != (value >= bar)
        apart = max(apart, abs(reference.current_level * bar - 1))
        wins += value >= bar
    return differ, wins, apart


def main() -> None:
    before, found = common.machine(), [stream(number) for number in range(STREAMS)]
    won = [wins for _, wins, _ in found]
    figures = {
        "streams": STREAMS, "decisions": STREAMS * LENGTH, "different": sum(differ for differ, _, _ in found),
        "won": sum(won), "won_in_a_stream": common.spread(won), "alphas": ALPHAS, "online_fdr": version("online-fdr"),
        "largest_relative_difference_of_a_level": max(apart for _, _, apart in found),
    }  # fmt: skip
    common.write(
        "parity", figures, before, "Every other stream has e-values of simulated certificates, the others any."
    )


if __name__ == "__main__":
    main()
