"""After a certificate is won, and before it is judged: the controls that the policy's gates ask for.

A won gain can be something other than what it seems. A control does one thing to find out, and is written down
whatever came of it: gates read it in the ledger, and refuse where it is missing or failed. A control that is in the
ledger is not made again. docs/explanation/reward-hacking.md says what each one can see.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.measure import fresh_seed
from pawl.protocols import Examiner, Executor, Gate, Look
from pawl.records import Certificate, Control, Evaluation, Pair, Preregistration, Run, Usage, Variant

Kind = Literal["pair", "unlearned"]
NOTHING = Usage(wall_s=0.0, cpu_s=0.0, peak_bytes=0)
PAIRS = 2
"""Pairs of a certificate that are looked at again."""


@dataclass(frozen=True, slots=True)
class Unlearning:
    """Training in which there is nothing to learn: `share` of the budget, on data that were taken apart."""

    share: float
    executor: Callable[[], Executor]


def wanted(gates: Sequence[Gate]) -> frozenset[str]:
    """The kinds of control that some gates ask for."""
    return frozenset(kind for gate in gates for kind in getattr(gate, "needs", ()))


def of(ledger: Ledger, certificate: int) -> tuple[Control, ...]:
    """The controls of a certificate that are in the ledger."""
    return tuple(entry.record for entry in ledger.entries(Control) if entry.record.certificate == certificate)


@dataclass(frozen=True, slots=True)
class Controls:
    """Makes controls of the `kinds` that gates need, `workers` at once; `stop` ends all that is under way."""

    ledger: Ledger
    examiner: Examiner
    kinds: frozenset[str]
    unlearning: Sequence[Unlearning]
    workers: int
    stop: threading.Event

    def settle(self, certificate: Entry[Certificate]) -> None:
        """Make whatever a won certificate lacks. Raises Interrupted, SandboxError."""
        if certificate.record.outcome != "certified":
            return
        jobs = [*self._pairs(certificate), *self._unlearned(certificate)]
        with ThreadPoolExecutor(self.workers, thread_name_prefix="control") as pool:
            try:
                for made in [pool.submit(job) for job in jobs]:
                    made.result()
            except BaseException:  # Ctrl-C too: the pool would wait for the others' end
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _pairs(self, certificate: Entry[Certificate]) -> Iterator[Callable[[], object]]:
        done = {control.seed for control in of(self.ledger, certificate.id) if control.kind == "pair"}
        for pair in _spread(certificate.record.pairs) if "pair" in self.kinds else ():
            if pair.seed not in done:
                yield partial(self._compare, certificate.id, pair)

    def _compare(self, certificate: int, pair: Pair) -> None:
        evaluations = [self.ledger.get(id, Evaluation).record for id in (pair.reference, pair.head)]
        reference, head = (self.ledger.get(evaluation.run, Run).record for evaluation in evaluations)
        found = self.examiner.compare(reference, head)
        self._keep(certificate, "pair", head.variant, pair.seed, 1.0, found)

    def _unlearned(self, certificate: Entry[Certificate]) -> Iterator[Callable[[], object]]:
        plan = self.ledger.get(certificate.record.preregistration, Preregistration).record
        done = {(c.variant, c.share) for c in of(self.ledger, certificate.id) if c.kind == "unlearned"}
        for how in self.unlearning if "unlearned" in self.kinds else ():
            for arm in (plan.reference, plan.head):
                if (arm, how.share) not in done:
                    yield partial(self._train, certificate.id, self.ledger.get(arm, Variant), how)

    def _train(self, certificate: int, arm: Entry[Variant], how: Unlearning) -> None:
        seed = fresh_seed()
        try:
            run = how.executor().run(arm, seed, "certify")
        except ConfigError as error:  # data that cannot be taken apart: a fact about the study, not about today
            self._keep(certificate, "unlearned", arm.id, seed, how.share, Look("invalid", str(error), {}, NOTHING))
            return
        found = self.examiner.score(run)
        found = replace(found, usage=_sum(run.usage, found.usage))
        self._keep(certificate, "unlearned", arm.id, seed, how.share, found)

    def _keep(self, certificate: int, kind: Kind, variant: int, seed: int, share: float, found: Look) -> None:
        self.ledger.append(
            Control(
                certificate=certificate, kind=kind, variant=variant, seed=seed, share=share,
                outcome=found.outcome, reason=found.reason, measures=dict(found.measures), usage=found.usage,
            )
        )  # fmt: skip


def _spread(pairs: Sequence[Pair]) -> list[Pair]:
    """Some pairs in which both arms ran well: the first, the last, and evenly between."""
    good = [pair for pair in pairs if pair.gain is not None]
    places = {round(n * (len(good) - 1) / (PAIRS - 1)) for n in range(PAIRS)} if good else set()
    return [good[place] for place in sorted(places)]


def _sum(first: Usage, second: Usage) -> Usage:
    return Usage(
        wall_s=first.wall_s + second.wall_s, cpu_s=first.cpu_s + second.cpu_s,
        peak_bytes=max(first.peak_bytes, second.peak_bytes),
    )  # fmt: skip
