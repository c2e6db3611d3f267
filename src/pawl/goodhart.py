"""What became of the other metrics while one was improved: Goodhart's law over a study's life. Pure reading.

A measure that becomes a target stops being a good measure (Strathern 1997, after Goodhart 1975). The study's metric is
the target; whatever else its scorer gives is hidden from the search, and tells whether gains are more than a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pawl.ledger import Ledger
from pawl.records import Certificate, Evaluation, Verdict

Gains = dict[str, tuple[float, ...]]
"""By metric, head minus reference, pair by pair."""


@dataclass(frozen=True, slots=True)
class Point:
    """A certificate that passed its gates: the mean change of every metric, alone and added up since the first."""

    certificate: int
    pairs: int
    change: dict[str, float]
    total: dict[str, float]


def gains(ledger: Ledger, certificate: Certificate) -> Gains:
    """What a certificate's pairs did to every metric that both arms have."""
    found: dict[str, list[float]] = {}
    for pair in certificate.pairs:
        reference, head = (ledger.get(id, Evaluation).record.metrics for id in (pair.reference, pair.head))
        for name in reference.keys() & head.keys():
            found.setdefault(name, []).append(head[name] - reference[name])
    return {name: tuple(values) for name, values in sorted(found.items())}


def life(ledger: Ledger, before: int | None = None) -> list[tuple[int, Gains]]:
    """The certificates that passed all gates, oldest first, with their gains; those written before an entry only."""
    passed = {entry.record.certificate for entry in ledger.entries(Verdict) if entry.record.passed}
    return [
        (entry.id, gains(ledger, entry.record)) for entry in ledger.entries(Certificate)
        if entry.id in passed and (before is None or entry.id < before)
    ]  # fmt: skip


def curve(lived: Sequence[tuple[int, Gains]]) -> list[Point]:
    """The study's life as points, each metric in its own unit."""
    points, total = [], dict[str, float]()
    for certificate, found in lived:
        change = {name: fmean(values) for name, values in found.items()}
        total = {name: total.get(name, 0.0) + change.get(name, 0.0) for name in total.keys() | change.keys()}
        pairs = max((len(values) for values in found.values()), default=0)
        points.append(Point(certificate, pairs, change, dict(sorted(total.items()))))
    return points
