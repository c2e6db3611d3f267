"""Questions about finished work, asked of an open study: what carries a gain, and since when one is gone.

from pawl import asking

ablation = asking.ablate(study, dossier.id, budget="10m")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from pawl import answers, config
from pawl.ablate import Ablate, certificate_of
from pawl.app import OpenStudy, budget_seconds
from pawl.changes import By
from pawl.config import OWN, SuiteTable
from pawl.envelope import sha256
from pawl.errors import ConfigError, Interrupted, did_you_mean
from pawl.ledger import Entry
from pawl.loop import Loop
from pawl.metrics import sign
from pawl.purse import Bench, Purse, Said, Spent
from pawl.records import Ablation, Bisection, Drop, Proposal, Purpose, Regression
from pawl.regress import Regress, Suite

SHARE = 0.25
"""Of the certified gain: what the smaller patch may cost."""
PAIRS = 2
"""Times as many pairs as a certificate may use: a margin is smaller than a gain."""


def silent(words: str) -> None:
    """For who does not want to hear of progress."""


def ablate(
    study: OpenStudy, id: int, *, by: By = "change", share: float = SHARE, pairs: int | None = None,
    again: bool = False, budget: str | float | None = None, runs: int | None = None, unsafe: bool = False,
    wait: bool = False, said: Said = silent,
) -> Entry[Ablation] | None:  # fmt: skip
    """Which changes of a certified bundle carry its gain. `id`: a certificate, verdict, dossier or release; the smaller
    patch may cost `share` of the gain. None where the budget ended first: the same
    question goes on there. One that was answered is not asked anew, unless `again`: the threshold is then higher.

    Raises ConfigError where there is nothing to take apart."""
    if not 0 < share < 1:
        raise ConfigError(
            f"--margin {share:g} is not a share of the gain between 0 and 1", "pawl ablate N --margin 0.25"
        )
    certificate, limit = certificate_of(study.ledger, id), _seconds(budget)
    with study.loop(unsafe, wait) as loop, _working(loop) as pool:
        bench = _bench(study, loop, pool, "ablate", Purse(limit, runs), said)
        asked = Ablate(study.ledger, study.lineage, loop.policy, bench, loop.workers)
        try:
            most = pairs or PAIRS * loop.policy.certification.pairs
            return asked.run(asked.plan(certificate, by, share, most, again))
        except Spent:
            return None


def propose_smaller(study: OpenStudy, entry: Entry[Ablation]) -> Entry[Proposal]:
    """Put the smaller patch in the queue, where it goes the road of every proposal. Raises ConfigError where it was
    not shown to keep the gain, or where its changes have several people as authors."""
    claims, plan = answers.plan_of(study.ledger, entry.record)
    if not entry.record.shown:
        raise ConfigError(
            f"ablation {entry.id} does not show that a smaller patch keeps the gain", f"pawl why {entry.id}"
        )
    kept = [change for n, change in enumerate(plan.changes, 1) if n not in claims.removed]
    left = ", ".join(change.name for change in kept)
    words = f"the {len(kept)} of {len(plan.changes)} changes that are left by ablation {entry.id}: {left}"
    proposers = {study.ledger.get(id, Proposal).record.proposer for change in kept for id in change.proposals}
    return study.propose(study.diff(entry.id), words, _author(study, entry.id, proposers))


def _author(study: OpenStudy, id: int, proposers: set[str]) -> str:
    """Whose proposal the smaller patch is: nobody may approve a change of their own by having it made smaller."""
    people = sorted(proposers & {person.name for person in study.rules()[0].approver})
    if len(people) > 1:
        raise ConfigError(
            f"the changes that are left are by {', '.join(people)}, and a proposal names one author",
            f"pawl diff {id} > smaller.diff && pawl propose --patch smaller.diff --by NAME --hypothesis '...'",
        )
    return people[0] if people else "ablate"


def regress(
    study: OpenStudy, *, suites: Sequence[str] = (), since: int | None = None, pairs: int | None = None,
    bisect: bool = False, again: bool = False, budget: str | float | None = None, runs: int | None = None,
    unsafe: bool = False, wait: bool = False, said: Said = silent,
) -> tuple[Entry[Regression], list[Entry[Bisection]]] | None:  # fmt: skip
    """Which releases are worse than earlier ones, on which suites (all, if none is named), and, if asked to `bisect`,
    which change made each so. `since`: from this release on. None where the budget ended first: the same question goes
    on there. Raises ConfigError for a suite that pawl.toml does not name, and where nothing was released."""
    named, limit = _suites(study, suites), _seconds(budget)
    with study.loop(unsafe, wait) as loop, _working(loop) as pool:
        bench = _bench(study, loop, pool, "regress", Purse(limit, runs), said)
        measured = [replace(suite, evaluator=study.suites.get(suite.name)) for suite in named]
        asked = Regress(study.ledger, loop.policy, bench, measured, loop.workers)
        try:
            found = asked.run(asked.plan(since, pairs or loop.policy.certification.pairs, again))
            steps = [drop for drop in first_drops(found.record) if bisect]
            return found, [asked.bisect(found, drop) for drop in steps]
        except Spent:
            return None


def first_drops(regression: Regression) -> list[Drop]:
    """For each suite, the first release that is shown to be worse than the one before it; where only a drift shows,
    the shortest one."""
    found: dict[str, Drop] = {}
    for drop in regression.drops:  # steps first, oldest first; then drifts, longest first
        known = found.get(drop.suite)
        if drop.found and (known is None or known.after == drop.after):
            found[drop.suite] = drop if known is None or drop.before > known.before else known
    return list(found.values())


def _suites(study: OpenStudy, wanted: Sequence[str]) -> list[Suite]:
    own = study.config
    known = {OWN: Suite(OWN, own.study.metric, own.sign, "")}  # its settings are what makes runs comparable
    for table in own.suite:
        digest = sha256(table.model_dump_json().encode() + _sealed(study, table))
        known[table.name] = Suite(table.name, table.metric, sign(table.direction), digest)
    for one in wanted:
        if one not in known:
            raise ConfigError(
                f"there is no suite '{one}'.{did_you_mean(one, known)}", "name it in a [[suite]] of pawl.toml"
            )
    return [known[one] for one in (wanted or known)]


def _sealed(study: OpenStudy, table: SuiteTable) -> bytes:
    """The bytes of a suite's sealed set. Raises ConfigError if it is not there."""
    config.must_exist(study.folder, study.config)
    return (study.state / table.validation).read_bytes() if table.validation else b""


def _seconds(budget: str | float | None) -> float | None:
    return None if budget is None else budget_seconds(budget)


def _bench(
    study: OpenStudy, loop: Loop, pool: ThreadPoolExecutor, purpose: Purpose, purse: Purse, said: Said
) -> Bench:  # fmt: skip
    own = study.config
    return Bench(loop.search.measure, own.study.metric, own.sign, purpose, pool, purse, said)


@contextmanager
def _working(loop: Loop) -> Iterator[ThreadPoolExecutor]:
    """The loop's workers, for something else than turns. Raises Interrupted on Ctrl-C."""
    with ThreadPoolExecutor(loop.workers, thread_name_prefix="worker") as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            raise Interrupted(
                "stopped by Ctrl-C; all finished work is kept", "the same command again goes on"
            ) from None
        finally:
            loop.stop.set()
            pool.shutdown(cancel_futures=True)
            loop.after()
