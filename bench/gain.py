"""True and claimed gain at equal runs in nine regimes: Pawl's own loop beside naive keep-if-lower on one fixed seed."""

from __future__ import annotations

import argparse
import math
import os
from concurrent.futures import ProcessPoolExecutor
from statistics import fmean, stdev

from common import machine, write
from rivals import fixed_seed, rival
from worlds import CORRELATIONS, KINDS, Outcome, pawl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--naive-repetitions", type=int, default=400)
    options = parser.parse_args()
    before = machine()
    regimes = [measured(kind, rho, options) for rho in CORRELATIONS for kind in KINDS]
    ratios = [float(str(regime["ratio"])) for regime in regimes]
    wins = sum(int(str(regime["certificates_won"])) for regime in regimes)
    false = sum(int(str(regime["false_certificates"])) for regime in regimes)
    figures = {
        "regimes": regimes, "geometric_mean_of_ratios": round(math.exp(fmean(map(math.log, ratios))), 3),
        "smallest_ratio": min(ratios), "false_certificates_among_won": f"{false} of {wins}",
        "aims": "no ratio under 1.0, geometric mean >= 1.5, claims within 5 %, FDR < .05",
    }  # fmt: skip
    note = f"equal runs ({options.runs}), the A/A runs among them; unit: the sd of one run; +- is one standard error"
    write("gain", figures, before, note)


def measured(kind: str, rho: float, options: argparse.Namespace) -> dict[str, object]:
    """One regime."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        ours = list(pool.map(_ours, [(n, kind, rho, options.runs) for n in range(options.repetitions)]))
    theirs = [rival(fixed_seed, 10**6 + n, kind, rho, runs=options.runs) for n in range(options.naive_repetitions)]
    gain, claim, naive = (fmean(values) for values in (_of(ours, "gain"), _of(ours, "claimed"), _of(theirs, "gain")))
    found: dict[str, object] = {
        "kind": kind, "correlation": rho, "pawl": _mean(_of(ours, "gain")), "pawl_claims": _mean(_of(ours, "claimed")),
        "naive": _mean(_of(theirs, "gain")), "naive_claims": _mean(_of(theirs, "claimed")),
        "ratio": round(gain / naive, 3), "claim_over_truth": round(claim / gain, 3),
        "certificates_won": sum(outcome.wins for outcome in ours),
        "false_certificates": sum(outcome.false for outcome in ours),
        "runs": round(fmean(_of(ours, "runs")), 1), "ideas": round(fmean(_of(ours, "ideas")), 1),
        "repetitions": len(ours),
    }  # fmt: skip
    print(found, flush=True)
    return found


def _ours(task: tuple[int, str, float, int]) -> Outcome:
    seed, kind, rho, runs = task
    return pawl(seed, kind, rho, runs=runs)


def _of(outcomes: list[Outcome], name: str) -> list[float]:
    return [float(getattr(outcome, name)) for outcome in outcomes]


def _mean(values: list[float]) -> str:
    return f"{fmean(values):.2f} +- {stdev(values) / math.sqrt(len(values)):.2f}"


if __name__ == "__main__":
    main()
