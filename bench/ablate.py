"""How often are a bundle's carriers found and its passengers dropped, and how often wrongly? Through the product's
decisions (pawl.passengers), with simulated training; beside leaving out one change after the other.

Effects in units of one run's sd; the margin is a quarter of the bundle's gain. 200 bundles a regime, about 2 minutes.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from arms import Arms
from common import machine, spread, write

from pawl.ablate import LOOKS
from pawl.claims import Claim, Rules, decide
from pawl.evidence import SignFlip, gamma, paired_scale
from pawl.passengers import Question, Removed, look, settle
from pawl.policy import CertificationTable

POLICY = CertificationTable()
ALPHA = POLICY.alpha * gamma(1)
RULES = Rules(2 * POLICY.pairs, ALPHA, POLICY.futility, 2)
SHARE = 0.25


@dataclass(frozen=True)
class Regime:
    """A bundle of `changes`, of which `carriers` are worth `size` each."""

    changes: int
    carriers: int
    size: float
    rho: float
    tails: bool = False

    @property
    def name(self) -> str:
        tails = ", t3 noise" if self.tails else ""
        return f"{self.carriers} of {self.changes} carry {self.size:g} sd, correlation {self.rho:g}{tails}"


REGIMES = [
    Regime(16, 1, 4, 0.5), Regime(16, 3, 2, 0.5), Regime(16, 3, 1, 0), Regime(16, 3, 1, 0.5), Regime(16, 3, 1, 0.8),
    Regime(16, 3, 1, 0.5, tails=True), Regime(16, 8, 1, 0.5), Regime(8, 2, 1, 0.5), Regime(4, 1, 2, 0.5),
    Regime(16, 1, 1, 0.5),
]  # fmt: skip


class Bundle:
    """One bundle with its trainer."""

    def __init__(self, regime: Regime, draw: random.Random) -> None:
        self.carriers = frozenset(draw.sample(range(1, regime.changes + 1), regime.carriers))
        self.arms = Arms(lambda removed: -self.cost(removed), regime.rho, draw, regime.tails)
        self.cost = lambda removed: regime.size * len(self.carriers & removed)
        self.margin = SHARE * regime.size * regime.carriers
        self.question = Question(
            regime.changes, self.margin, SignFlip(paired_scale(1.0, regime.rho), POLICY.lambdas), RULES, self.arms
        )
        self.order = draw.sample(range(1, regime.changes + 1), regime.changes)


def ablated(regime: Regime, draw: random.Random) -> dict[str, float]:
    """What one ablation finds."""
    bundle = Bundle(regime, draw)
    removed = look(bundle.question, bundle.order, range(LOOKS))
    looked = len(bundle.arms.known)
    claims = settle(bundle.question, removed, range(LOOKS, LOOKS + RULES.pairs))
    shown = any(claim.made for claim in claims if claim.family == "removable")
    carry = frozenset().union(
        *(claim.other - claim.base for claim in claims if claim.family == "carries" and claim.made)
    )
    passengers = regime.changes - regime.carriers
    return {
        "carriers_shown": len(carry & bundle.carriers) / regime.carriers,
        "passengers_left_out": len(removed - bundle.carriers) / passengers,
        "smaller_patch_shown": shown,
        "passengers_shown_removable": len(removed - bundle.carriers) / passengers if shown else 0.0,
        "false_removable": shown and bundle.cost(removed) >= bundle.margin,
        "false_carrier_share": len(carry - bundle.carriers) / max(len(carry), 1),
        "runs": len(bundle.arms.known), "runs_to_look": looked,
    }  # fmt: skip


def one_by_one(regime: Regime, draw: random.Random) -> dict[str, float]:
    """Every change left out of the head alone, both claims for each; nothing is claimed about several together."""
    bundle = Bundle(regime, draw)
    question, head = bundle.question, Removed()

    def little(costs: Sequence[float]) -> float:
        return question.test.e_value([bundle.margin - cost for cost in costs])

    each = [Removed({n}) for n in range(1, regime.changes + 1)]
    claims = [Claim("carries", head, one, question.test.e_value) for one in each]
    claims += [Claim("removable", head, one, little) for one in each]
    decide(claims, range(RULES.pairs), bundle.arms, RULES)
    carry = frozenset().union(*(c.other for c in claims if c.family == "carries" and c.made))
    can_go = frozenset().union(*(c.other for c in claims if c.family == "removable" and c.made))
    return {
        "carriers_shown": len(carry & bundle.carriers) / regime.carriers,
        "passengers_shown_removable_each_alone": len(can_go - bundle.carriers) / (regime.changes - regime.carriers),
        "runs": len(bundle.arms.known),
    }  # fmt: skip


def least_favourable(rho: float, tails: bool, repetitions: int, draw: random.Random) -> float:
    """The share of sets shown to be removable whose true cost is the margin exactly: at most alpha is promised."""
    shown = 0
    for _ in range(repetitions):
        arms = Arms(lambda removed: -1.0 if removed == {1} else -2.0 * len(removed), rho, draw, tails)
        question = Question(2, 1.0, SignFlip(paired_scale(1.0, rho), POLICY.lambdas), RULES, arms)
        shown += settle(question, {1}, range(RULES.pairs))[0].made
    return shown / repetitions


def passengers_only(repetitions: int, draw: random.Random) -> float:
    """P(any change of 16 is shown to carry) where none does."""
    false = 0
    for _ in range(repetitions):
        arms = Arms(lambda removed: 0.0, 0.5, draw)
        question = Question(16, 1.0, SignFlip(paired_scale(1.0, 0.5), POLICY.lambdas), RULES, arms)
        false += any(claim.made for claim in settle(question, (), range(RULES.pairs)))
    return false / repetitions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=200)
    repetitions, before, draw = parser.parse_args().repetitions, machine(), random.Random(20)
    figures: dict[str, object] = {"alpha": round(ALPHA, 4), "repetitions": repetitions, "pairs_at_most": RULES.pairs}
    regimes = {}
    for regime in REGIMES:
        ours = [ablated(regime, draw) for _ in range(repetitions)]
        theirs = [one_by_one(regime, draw) for _ in range(repetitions)]
        means = {name: round(fmean(one[name] for one in ours), 4) for name in ours[0] if not name.startswith("runs")}
        means |= {name: spread([one[name] for one in ours], 1) for name in ("runs", "runs_to_look")}
        beside = {name: round(fmean(one[name] for one in theirs), 4) for name in theirs[0] if name != "runs"}
        beside["runs"] = spread([one["runs"] for one in theirs], 1)
        share = fmean(one["runs"] for one in ours) / fmean(one["runs"] for one in theirs)
        regimes[regime.name] = means | {"one_by_one": beside, "runs_beside_one_by_one": round(share, 3)}
    figures["regimes"] = regimes
    figures["false_at_the_margin"] = {
        f"correlation {rho:g}{', t3 noise' if tails else ''}": least_favourable(rho, tails, 5 * repetitions, draw)
        for rho, tails in ((0.0, False), (0.5, False), (0.8, False), (0.5, True))
    }
    figures["any_false_carrier_where_none_carries"] = passengers_only(repetitions, draw)
    note = "simulated training, the product's decisions; effects in sd of one run, margin a quarter of the gain"
    write("ablate", figures, before, note)


if __name__ == "__main__":
    main()
