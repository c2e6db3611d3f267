"""Where nothing works: 500 ideas without effect. Does anything get a certificate, and what does it cost?

Pawl's own search, certify and judge beside six rules that people use, on worlds of the same law.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import fmean

from common import machine, spread, write
from rivals import RULES, rival
from scipy.stats import binomtest
from worlds import CORRELATIONS, Outcome, pawl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ideas", type=int, default=500)
    parser.add_argument("--repetitions", type=int, default=200)
    options = parser.parse_args()
    before = machine()
    found: dict[str, object] = {}
    for rho in CORRELATIONS:
        seeds = range(options.repetitions)
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            ours = list(pool.map(partial(_ours, rho=rho, ideas=options.ideas), seeds, chunksize=5))
        rows = {"pawl": _row(ours)}
        for name, rule in RULES.items():
            rows[name] = _row([rival(rule, 10**6 + n, "null", rho, ideas=options.ideas) for n in seeds])
        naive = float(str(rows["keep_if_lower_fixed_seed"]["mean_runs"]))
        rows["pawl"]["runs_beside_naive"] = round(float(str(rows["pawl"]["mean_runs"])) / naive, 3)
        found[f"correlation {rho}"] = rows
        print(rho, rows["pawl"], flush=True)
    figures = {"by_correlation": found, "aims": "P(any false) <= .10 (aim .05); runs <= 1.2 times naive's"}
    write("null", figures, before, "every idea has effect 0, so that all that is kept is false; unit: sd of one run")


def _ours(seed: int, rho: float, ideas: int) -> Outcome:
    return pawl(seed, "null", rho, ideas=ideas)


def _row(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Of some repetitions: how often anything false was promoted, with its 95 % Wilson interval."""
    bad = sum(outcome.false > 0 for outcome in outcomes)
    interval = binomtest(bad, len(outcomes)).proportion_ci(method="wilson")
    return {
        "p_any_false": round(bad / len(outcomes), 4), "wilson_95": [round(interval.low, 4), round(interval.high, 4)],
        "mean_false": round(fmean(outcome.false for outcome in outcomes), 3),
        "mean_claimed": round(fmean(outcome.claimed for outcome in outcomes), 3),
        "mean_runs": round(fmean(outcome.runs for outcome in outcomes), 1),
        "runs": spread([float(outcome.runs) for outcome in outcomes], 0),
    }  # fmt: skip


if __name__ == "__main__":
    main()
