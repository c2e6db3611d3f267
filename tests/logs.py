"""Logs of other loops, for tests: made here, and the published one that lies beside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pawl.trials import Log, Trial

PUBLISHED = Path(__file__).parents[2] / "shared" / "data" / "autoresearch" / "results.tsv"
HEADER = "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"


def published() -> str:
    """The published overnight log; skips the test where it is not there."""
    if not PUBLISHED.exists():
        pytest.skip(f"the published log is not beside the repository: {PUBLISHED}")
    return str(PUBLISHED)


def made(seed: int = 0, tries: int = 40, good: float = 0.1, size: float = 12.0, reseed: bool = True) -> Log:
    """Keep-if-lower at sd 1: a share of the ideas gains `size`, the rest nothing; one change of seed near the end."""
    rng = np.random.default_rng(seed)
    best, truth = 100.0 + float(rng.standard_normal()), 100.0
    trials = [Trial("v0", best, "kept", "v0", "", "baseline")]
    for n in range(1, tries + 1):
        level = truth - size * (rng.random() < good)
        score = level + float(rng.standard_normal())
        kept = score < best
        trials.append(Trial(f"v{n}", score, "kept" if kept else "discarded", f"v{n}", "", f"idea {n}"))
        best, truth = (score, level) if kept else (best, truth)
    if reseed:
        again = truth + float(rng.standard_normal())
        trials.append(Trial("seed", again, "discarded", "seed", "", "random seed 1 to 2"))
    return Log("made", "test", "loss", "minimize", tuple(trials))


def tsv(log: Log) -> str:
    """The same as autoresearch's results.tsv."""
    status = {"kept": "keep", "discarded": "discard", "crashed": "crash", "": "discard"}
    return HEADER + "".join(
        f"{t.name}\t{0.0 if t.score is None else t.score:.9f}\t1.0\t{status[t.decision]}\t{t.words}\n"
        for t in log.trials
    )
