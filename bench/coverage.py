"""Are the gains that were certified on real training there afterwards, and does the interval hold them?

Studies of the lab `digits`, each with a start of its own, until a dossier waits; then head and reference on fresh seeds
that nobody used before. The interval is for the median gain.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from statistics import fmean, median

from common import machine, scratch, write
from scipy.stats import binomtest

from pawl import app, history
from pawl.measure import fresh_seed
from pawl.records import Certificate, Run, Variant, Verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--runs", type=int, default=150, help="the most that a study may search")
    options = parser.parse_args()
    before, draw = machine(), Random(7)
    rows: list[dict[str, object]] = []
    tried = 0
    while len(rows) < options.releases and tried < 2 * options.releases:
        tried += 1
        with scratch() as home:
            row = one(home / "digits", 10 ** draw.uniform(-2.7, -1.7), options)
            rows += [row] if row else []
            print(tried, row, flush=True)
    inside = sum(bool(row["inside"]) for row in rows)
    interval = binomtest(inside, len(rows)).proportion_ci(method="wilson")
    claimed, realised = (fmean(float(str(row[name])) for row in rows) for name in ("claimed", "realised_mean"))
    figures = {
        "studies": tried, "certified": len(rows), "inside_the_interval": f"{inside} of {len(rows)}",
        "wilson_95": [round(interval.low, 3), round(interval.high, 3)], "promised": rows[0]["level"],
        "mean_claimed": round(claimed, 5), "mean_realised": round(realised, 5),
        "claimed_over_realised": round(claimed / realised, 3), "releases": rows,
    }  # fmt: skip
    write("coverage", figures, before, f"realised: {options.pairs} fresh pairs each")


def one(folder: Path, rate: float, options: argparse.Namespace) -> dict[str, object] | None:
    """A study that starts from this learning rate; None if nothing was certified in it."""
    app.new_lab("digits", folder)
    train = folder / "train.py"
    train.write_text(re.sub(r"(?m)^LEARNING_RATE = \S+", f"LEARNING_RATE = {rate:.2g}", train.read_text()))
    subprocess.run(["git", "-C", str(folder), "commit", "-qam", "Another start", "--allow-empty"], check=True)
    study = app.open(folder)
    dossiers = study.run(runs=options.runs, until_certified=True)
    if not dossiers:
        return None
    ledger = study.ledger
    verdict = ledger.get(dossiers[-1].record.verdict, Verdict).record
    certificate = ledger.get(verdict.certificate, Certificate).record
    plan = history.plan_of(ledger, certificate)
    with study.loop() as loop, ThreadPoolExecutor(2) as pool:
        measure, arms = loop.search.measure, [ledger.get(id, Variant) for id in (plan.reference, plan.head)]
        seeds = [fresh_seed() for _ in range(options.pairs)]
        jobs = [pool.submit(measure.evaluate, arm, seed, "certify", "afterwards") for seed in seeds for arm in arms]
        scores = [job.result().record.metrics["log_loss"] for job in jobs]
    gains = [reference - head for reference, head in zip(scores[::2], scores[1::2], strict=True)]
    low, high, middle = certificate.low, certificate.high, median(gains)
    return {
        "learning_rate": round(rate, 5), "runs": len(ledger.entries(Run)), "pairs": len(certificate.pairs),
        "claimed": round(certificate.estimate or 0.0, 5), "low": low, "high": high, "level": certificate.level,
        "realised_mean": round(fmean(gains), 5), "realised_median": round(middle, 5),
        "inside": (low is None or low <= middle) and (high is None or middle <= high),
    }  # fmt: skip


if __name__ == "__main__":
    main()
