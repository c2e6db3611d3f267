"""How often does the betting test err where nothing is better, and how many pairs does a real gain take? No training:
scores are drawn, and judged by the product's own arithmetic (`evidence`, `certify.decide`). Two minutes.

Unit: the sd of one run. Bets are scaled with the reference's noise, as the loop does it, whatever the head's is."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean, median

import common
import numpy as np
from many import Floats, check, evidence
from scipy.stats import binomtest

from pawl.certify import decide
from pawl.evidence import STAKE, Betting, SignFlip, paired_scale, threshold
from pawl.policy import CertificationTable

NULLS_DRAWN, POWER_DRAWN, DECIDED = 20_000, 4_000, 1_000
LEVELS, BARS = (20, 100, 500), (20, 38, 54)
HORIZON = 150
RULES = {"sign-flip": CertificationTable(), "clipped-mean": CertificationTable(test="clipped-mean", pairs=40)}


def runs(rng: np.random.Generator, shape: tuple[int, int], rho: float = 0.5) -> tuple[Floats, Floats]:
    """Scores of two equal variants, sd 1, on common seeds."""
    first, own = rng.standard_normal(shape), rng.standard_normal(shape)
    return first, rho * first + np.sqrt(1 - rho**2) * own


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    first, second = runs(rng, shape)
    return second - first


def t3(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return (rng.standard_t(3, shape) - rng.standard_t(3, shape)) / np.sqrt(3)


def log_normal(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    sd = np.sqrt((np.e - 1) * np.e)
    return (rng.lognormal(0, 1, shape) - rng.lognormal(0, 1, shape)) / sd


def failing(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """3 % of either arm's runs fail: the other arm wins by infinity; a pair in which both fail says nothing."""
    mine, theirs = rng.random(shape) < 0.03, rng.random(shape) < 0.03
    gains = np.where(mine, -np.inf, np.where(theirs, np.inf, normal(rng, shape)))
    return np.where(mine & theirs, np.nan, gains)


def diverged(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """3 % of either arm's runs score 30 sd worse."""
    mine, theirs = rng.random(shape) < 0.03, rng.random(shape) < 0.03
    return normal(rng, shape) - 30.0 * mine + 30.0 * theirs


def doubled(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """The head's sd is twice the reference's."""
    first, second = runs(rng, shape)
    return 2 * second - first


def lopsided(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Mean 0, usually a little better, in one pair of ten far worse: more gains than losses, so that no test on signs
    promises anything."""
    return np.where(rng.random(shape) < 0.9, 0.3, -2.7) + 0.05 * rng.standard_normal(shape)


NULLS: dict[str, tuple[Callable[[np.random.Generator, tuple[int, int]], Floats], float]] = {
    "normal": (normal, 0.5), "t3": (t3, 0.0), "log-normal": (log_normal, 0.0), "3 % fail": (failing, 0.5),
    "3 % diverge": (diverged, 0.5), "doubled sd": (doubled, 0.5),
    "lopsided (outside of sign-flip's null)": (lopsided, 0.5),
}  # fmt: skip
"""What is drawn, and the correlation by which the bets are scaled."""


def largest(test: Betting, gains: Floats) -> Floats:
    """The largest E that each sequence ever reaches."""
    check(test, gains)
    return np.asarray(evidence(test, gains).max(axis=1))


def share(count: int, of: int) -> dict[str, float]:
    """A share with its exact 95 % interval."""
    found = binomtest(count, of).proportion_ci(0.95, "exact")
    return {"share": round(count / of, 5), "low": round(found.low, 5), "high": round(found.high, 5)}


def null_figures(name: str) -> dict[str, object]:
    """P(sup E >= 1/a) at horizons 20 and 200 for each null: `within` says whether the share is at most a, or is not
    above it beyond chance."""
    rules, found = RULES[name], {}
    for null, (draw, rho) in NULLS.items():
        test = rules.betting(rules.test, paired_scale(1.0, rho))
        for horizon in (20, 200):
            values = largest(test, draw(np.random.default_rng([1, horizon]), (NULLS_DRAWN, horizon)))
            for level in LEVELS:
                rate = share(int((values >= level).sum()), NULLS_DRAWN)
                key = f"{null}, {horizon} pairs, 1/{level}"
                found[key] = rate | {"within": rate["low"] <= 1 / level, "not_above": rate["share"] <= 1 / level}
    return found


def reached(test: Betting, gains: Floats) -> dict[str, list[float | None]]:
    """Median and 80 % quantile of the pairs to each bar (None: more than the horizon)."""
    check(test, gains)
    return crossings(evidence(test, gains))


def crossings(e: Floats) -> dict[str, list[float | None]]:
    found = dict[str, list[float | None]]()
    for bar in BARS:
        won = e >= bar
        taken = np.where(won.any(axis=1), won.argmax(axis=1) + 1, HORIZON + 1)
        both = (float(np.quantile(taken, share, method="higher")) for share in (0.5, 0.8))
        found[f"E >= {bar}"] = [value if value <= HORIZON else None for value in both]
    return found


def decided(rules: CertificationTable, scale: float, gains: Floats, step: int = 1) -> dict[str, float]:
    """What the product's `decide` makes of it at an e-LOND step: the share certified, and the pairs it took."""
    test, bar, won, took = rules.betting(rules.test, scale), threshold(step, 0, rules.alpha), 0, []
    for row in gains.tolist():
        for count in range(1, rules.pairs + 1):
            said = decide(row[:count], test, bar, rules).outcome
            if said:
                won += said == "certified"
                took.append(count)
                break
    return {"certified": round(won / len(gains), 3), "pairs_median": median(took), "pairs_mean": round(fmean(took), 1)}


def power_figures() -> dict[str, object]:
    """Pairs to detect gains at correlations, both tests, beside a bettor on signs who knows the gain."""
    found: dict[str, object] = {}
    for gain in (0.5, 1.0, 2.0, 4.0):
        for rho in (0.0, 0.5, 0.8):
            first, second = runs(np.random.default_rng([2, int(10 * gain), int(10 * rho)]), (POWER_DRAWN, HORIZON), rho)
            gains, scale = gain + second - first, paired_scale(1.0, rho)
            row: dict[str, object] = {"knows the gain": reached(SignFlip(scale, (gain / scale,)), gains)}
            for name, rules in RULES.items():
                few = gains[:DECIDED, : rules.pairs]
                row[name] = reached(rules.betting(rules.test, scale), gains) | {"decide": decided(rules, scale, few)}
            found[f"{gain:g} sd, correlation {rho:g}"] = row
    return found


def learning(gains: Floats) -> Floats:
    """E of a bettor who bets the posterior mean of the gain, given the pairs so far (clipped at 3) and a normal prior
    around .7 with variance 1/2; in units of the scale. Predictable, so that it would be valid too."""
    seen = np.cumsum(np.clip(gains, -3, 3), axis=1) - np.clip(gains, -3, 3)
    size = np.maximum((1.4 + seen) / (2 + np.arange(gains.shape[1])), 0.15)
    return np.asarray(np.exp(np.cumsum(np.log1p(STAKE * np.tanh(size * gains)), axis=1)))


def other_bets() -> dict[str, object]:
    """Pairs to E >= 20 by other bets on signs, where the scale is right and where it is twice too large."""
    sets = ((0.5, 1.0, 2.0, 8.0), (0.5, 1.0, 2.0), (0.4, 0.8, 1.6, 8.0), (0.5, 1.5), (0.7, 2.0))
    found: dict[str, object] = {}
    for shift in (0.35, 0.5, 0.71, 1.0, 1.41, 2.0):
        gains = shift + np.random.default_rng([4, int(100 * shift)]).standard_normal((POWER_DRAWN, HORIZON))
        for scale in (1.0, 2.0):
            row = {str(lambdas): reached(SignFlip(scale, lambdas), gains)["E >= 20"] for lambdas in sets}
            row["learns from the pairs so far"] = crossings(learning(gains / scale))["E >= 20"]
            found[f"gain {shift:g} of the scale, measured {scale:g} times"] = row
    return found


def wrong_scale() -> dict[str, object]:
    """The same at 1 sd and correlation .5, where the noise was measured twice too large or too small."""
    first, second = runs(np.random.default_rng(3), (POWER_DRAWN, HORIZON), 0.5)
    return {
        f"{factor:g} times": reached(RULES["sign-flip"].betting("sign-flip", factor), 1.0 + second - first)
        for factor in (0.5, 1.0, 2.0)
    }


def main() -> None:
    before = common.machine()
    figures = {
        "null": {name: null_figures(name) for name in RULES}, "pairs": power_figures(),
        "scale measured as": wrong_scale(), "other bets": other_bets(),
        "sequences": {"null": NULLS_DRAWN, "pairs": POWER_DRAWN, "decide": DECIDED},
    }  # fmt: skip
    common.write(
        "power",
        figures,
        before,
        "Simulated scores through the product's own evidence and certify.decide. Pairs are [median, 80 % quantile], "
        "null where beyond 150. sign-flip decides within 20 pairs, clipped-mean within 40; the threshold of decide is "
        "the first of e-LOND. The lopsided null is outside of what sign-flip promises: its mean is 0, its median not.",
    )


if __name__ == "__main__":
    main()
