"""Does Pawl promote noise of real training? `digits` and `tiny-gpt` with proposals that only move the seed.

Beside it, on the very same runs: naive keep-if-lower, which keeps whatever scored lower than the best so far.
"""

from __future__ import annotations

import argparse
import difflib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import machine, scratch, write

from pawl import app, history
from pawl.records import Certificate, Dossier, Evaluation, Noise, Proposal, Run, Screening

SEED = 'int(os.environ["PAWL_SEED"])'


def null_patch(text: str, n: int) -> tuple[str, str]:
    """A patch without effect and its hopeful hypothesis."""
    assert SEED in text
    changed, said = text.replace(SEED, f"{SEED} + {1000 * n}", 1), f"a better seed, try {n}"
    lines = difflib.unified_diff(
        text.splitlines(keepends=True), changed.splitlines(keepends=True), "a/train.py", "b/train.py"
    )
    return "".join(lines), said


def naive(study: app.OpenStudy) -> tuple[int, float]:
    """Keep-if-lower over the very same runs: each proposal's first score against the best so far, from the
    champion's on the first common seed on. How often it keeps, and the gain that it claims in the end."""
    metric = study.config.study.metric
    scores = {entry.id: entry.record.metrics[metric] for entry in study.entries(Evaluation) if entry.record.metrics}
    first = best = scores[study.entries(Noise)[0].record.evaluations[0]]
    kept = 0
    for screening in study.entries(Screening):
        score = scores[screening.record.evaluations[0]]
        if score < best:
            best, kept = score, kept + 1
    return kept, first - best


def screen_all(study: app.OpenStudy) -> None:
    """The loop's own search, certify and judge, but with no proposals besides those in the queue."""
    with study.loop() as loop, ThreadPoolExecutor(2) as pool:
        loop.search.settle_noise(pool)
        while waiting := len(history.unscreened(study.ledger)):
            list(pool.map(lambda _: loop.search.turn(), range(min(waiting, 4))))
            if loop.search.ripe() or (waiting <= 4 and loop.search.worth_a_try()):
                certificate = loop.certify.certify(loop.certify.preregister(loop.search.settle_noise(pool)), pool)
                loop.judge.settle(certificate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--digits", type=int, default=300, help="proposals")
    parser.add_argument("--tiny-gpt", type=int, default=60, help="proposals")
    options = parser.parse_args()
    before = machine()
    figures: dict[str, object] = {}
    for lab, proposals in (("digits", options.digits), ("tiny-gpt", options.tiny_gpt)):
        with scratch() as home:
            if proposals:
                figures[lab] = figures_of(lab, proposals, home)
                print(figures, flush=True)
    write("real-null", figures, before, "every proposal only moves the seed: the true gain is 0")


def figures_of(lab: str, proposals: int, home: Path) -> dict[str, object]:
    """One lab with so many proposals."""
    app.new_lab(lab, home / lab)
    study = app.open(home / lab)
    text = (study.folder / "train.py").read_text()
    for n in range(proposals):
        study.propose(*null_patch(text, n))
    screen_all(study)
    certificates = [entry.record.outcome for entry in study.entries(Certificate)]
    sd, (kept, claimed) = study.entries(Noise)[0].record.sd, naive(study)
    return {
        "proposals": len(study.entries(Proposal)), "runs": len(study.entries(Run)),
        "pawl": {
            "accepted_provisionally": sum(e.record.decision == "accepted" for e in study.entries(Screening)),
            "certificates": {name: certificates.count(name) for name in sorted(set(certificates))},
            "promoted": len(study.entries(Dossier)),
        },
        "naive_keep_if_lower": {
            "promoted": kept, "claimed_gain": round(claimed, 5), "claimed_in_sd": round(claimed / sd, 2),
        },
        "sd_of_one_run": round(sd, 5),
    }  # fmt: skip


if __name__ == "__main__":
    main()
