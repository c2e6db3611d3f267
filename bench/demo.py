"""The demo, ten times with ten seeds of the search: how often is a gain certified, how large, how soon?"""

from __future__ import annotations

import argparse
import time
from datetime import datetime
from pathlib import Path

from common import machine, scratch, spread, write

from pawl import app
from pawl.records import Certificate, Dossier, Preregistration, Run, Screening


def one(folder: Path, seed: int, budget: str) -> dict[str, object]:
    """One demo run, as `make demo` does it, but for the seed of the search."""
    app.new_lab("tiny-gpt", folder)
    config = folder / "pawl.toml"
    text = config.read_text()
    assert 'use = "space"' in text
    config.write_text(text.replace('use = "space"', f'use = "space"\nseed = {1000 * seed}'))
    study, start = app.open(folder), time.perf_counter()
    dossiers = study.run(budget=budget)
    wall = time.perf_counter() - start
    row: dict[str, object] = {"seed": seed, "wall_s": round(wall, 1), "runs": len(study.entries(Run))}
    row["screened"] = len(study.entries(Screening))
    row["certificates"] = [entry.record.outcome for entry in study.entries(Certificate)]
    row["certified"] = bool(dossiers)
    if dossiers:
        row |= gain(study)
        begun = datetime.fromisoformat(study.ledger.all()[0].at)
        first = datetime.fromisoformat(study.entries(Dossier)[0].at)
        row["seconds_to_first_dossier"] = (first - begun).total_seconds()
    return row


def gain(study: app.OpenStudy) -> dict[str, object]:
    """The first certificate that was won: its gain in the metric, in noise sd, and in percent of the reference."""
    won = next(entry.record for entry in study.entries(Certificate) if entry.record.outcome == "certified")
    plan = study.ledger.get(won.preregistration, Preregistration).record
    references = [pair.reference_score for pair in won.pairs if pair.reference_score is not None]
    mean, estimate = sum(references) / len(references), won.estimate or 0.0
    noise = study.frame("runs").query("purpose == 'noise'")["bits_per_byte"].std()
    return {
        "gain": round(estimate, 4), "gain_in_sd_of_a_run": round(estimate / float(noise), 1),
        "gain_in_sd_of_a_pair": round(estimate / plan.scale, 1), "gain_percent": round(100 * estimate / mean, 2),
        "interval": [won.low, won.high], "e_value": round(won.e_value, 1), "pairs": len(won.pairs),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--budget", default="5m")
    options = parser.parse_args()
    before, rows = machine(), []
    for seed in range(options.repetitions):
        with scratch() as home:
            rows.append(one(home / "demo", seed, options.budget))
        print(rows[-1], flush=True)
        won = [row for row in rows if row["certified"]]
        figures: dict[str, object] = {"runs": len(rows), "certified": len(won), "rows": rows}
        for key in ("gain", "gain_in_sd_of_a_run", "gain_in_sd_of_a_pair", "gain_percent", "seconds_to_first_dossier"):
            if won:
                figures[key] = spread([float(row[key]) for row in won], 3)  # type: ignore[arg-type]
        write("demo", figures, before, f"budget {options.budget}, two workers, first certificate that was won")


if __name__ == "__main__":
    main()
