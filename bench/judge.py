"""Is "survives" ever false? `pawl judge` on logs of loops whose truth is known: naive keep-if-lower, one run a try.

Each log goes through the very judgement that the command makes. Ideas have known true gains, in sd of one run. A step
that is said to survive is false if its variant is no better than what it was kept over. The promise is on logs: at most
`level` of them may have a false one. Noise is normal where the promise holds, and heavy-tailed where it may break.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from common import machine, spread, write

from pawl.appraise import Appraisal, appraise
from pawl.trials import Log, Trial

Draw = Callable[[np.random.Generator], float]
BASE = 100.0


def nothing(rng: np.random.Generator) -> float:
    return 0.0


def harmful(rng: np.random.Generator) -> float:
    """Every idea harms a little: a loop that tunes what was tuned before."""
    return -float(rng.exponential(0.5))


def mixed(rng: np.random.Generator) -> float:
    """Half null, 40 % harmful, 10 % good."""
    kind = rng.random()
    return 0.0 if kind < 0.5 else -float(rng.exponential(2.0)) if kind < 0.9 else float(rng.choice([0.5, 1.0, 2.0]))


def rich(rng: np.random.Generator) -> float:
    """Half null, 35 % harmful, 15 % good, some of them very."""
    kind = rng.random()
    return 0.0 if kind < 0.5 else -float(rng.exponential(3.0)) if kind < 0.85 else float(rng.choice([1.0, 3.0, 8.0]))


IDEAS: dict[str, Draw] = {"null": nothing, "harmful": harmful, "mixed": mixed, "rich": rich}


@dataclass(frozen=True)
class World:
    """How a loop is made: ideas, tries, seeds for each, repeats of the baseline, the noise's tail, what is stated."""

    ideas: str
    tries: int = 120
    seeds: int = 1
    repeats: int = 0
    reseeds: int = 0
    tail: str = "normal"
    stated: bool = False
    rho: float = 0.0

    def name(self) -> str:
        parts = [self.ideas, f"{self.tries} tries"]
        parts += [f"{self.seeds} seeds"] * (self.seeds > 1) + [f"correlation {self.rho:g}"] * (self.rho > 0)
        parts += [f"{self.repeats} baselines"] * (self.repeats > 0)
        parts += [f"{self.reseeds} change of seed"] * (self.reseeds > 0)
        return ", ".join([*parts, *([self.tail] * (self.tail != "normal")), *(["sd stated"] * self.stated)])


def noise(world: World, rng: np.random.Generator, size: int) -> np.ndarray:
    """Noise of sd 1."""
    if world.tail == "t3":
        return rng.standard_t(3, size) / math.sqrt(3)
    return rng.standard_normal(size)


def loop(world: World, rng: np.random.Generator) -> tuple[Log, dict[str, float], dict[str, str]]:
    """A log of keep-if-lower, the true score of each variant, and what each was tried against."""
    shared = math.sqrt(world.rho) * noise(world, rng, world.seeds)

    def runs() -> np.ndarray:
        return shared + math.sqrt(1 - world.rho) * noise(world, rng, world.seeds)

    first = BASE + runs()
    head, bar, truth, over = "v0", float(first.mean()), {"v0": BASE}, dict[str, str]()
    labels = [f"{n}" if world.seeds > 1 else "" for n in range(world.seeds)]
    trials = [Trial("v0", float(s), "kept", "v0", n, "baseline") for n, s in zip(labels, first, strict=True)]
    again = BASE + noise(world, rng, world.repeats)
    trials += [Trial(f"again{n}", float(s), "discarded", f"again{n}", "", "baseline") for n, s in enumerate(again)]
    reseeds = set(rng.choice(np.arange(1, world.tries), world.reseeds, replace=False).tolist())
    for n in range(1, world.tries + 1):
        name, true = f"v{n}", truth[head] - IDEAS[world.ideas](rng)
        scores = true + runs()
        kept = float(scores.mean()) < bar
        truth[name], over[name] = true, head
        for label, value in zip(labels, scores, strict=True):
            trials.append(Trial(name, float(value), "kept" if kept else "discarded", name, label, f"idea {n}"))
        head, bar = (name, float(scores.mean())) if kept else (head, bar)
        if n in reseeds:
            value = truth[head] + float(noise(world, rng, 1)[0])
            trials.append(Trial(f"seed{n}", value, "discarded", f"seed{n}", "", f"random seed {n} to {n + 1}"))
    return Log("simulated", "bench", "loss", "minimize", tuple(trials)), truth, over


@dataclass(frozen=True)
class Outcome:
    """What became of one log: false and true survivors, kept steps that help, kept steps, claims and truths."""

    false: int
    true: int
    real: int
    kept: int
    idle: float
    expected: float | None
    claimed: float
    likely: float | None
    gained: float
    chain: str
    covered: bool | None


def outcome(found: Appraisal, truth: dict[str, float], over: dict[str, str]) -> Outcome:
    gains = {step.name: truth[over[step.name]] - truth[step.name] for step in found.steps}
    survive = [step.name for step in found.steps if step.call == "survives"]
    last = found.steps[-1].name if found.steps else "v0"
    gained, chain = truth["v0"] - truth[last], found.chain
    return Outcome(
        sum(gains[name] <= 0 for name in survive), sum(gains[name] > 0 for name in survive),
        sum(gain > 0 for gain in gains.values()), len(gains), sum(gain <= 0 for gain in gains.values()),
        found.idle[0] if found.idle else None, chain.gain, chain.likely, gained, chain.call,
        None if chain.low is None or chain.high is None else chain.low <= gained <= chain.high,
    )  # fmt: skip


def figures(world: World, repetitions: int, guesses: int, level: float) -> dict[str, object]:
    """All repetitions of one world; what is likely left is worked out for the first `guesses` of them."""
    rng = np.random.default_rng(7)
    done = list[Outcome]()
    for n in range(repetitions):
        log, truth, over = loop(world, rng)
        done.append(outcome(appraise(log, 1.0 if world.stated else None, level, n < guesses), truth, over))
    wrong, n = sum(one.false > 0 for one in done), len(done)
    chains_wrong = sum(one.chain == "survives" and one.gained <= 0 for one in done)
    told = [one for one in done if one.expected is not None and one.likely is not None]
    known = [one.covered for one in done if one.covered is not None]
    return {
        "logs": n, "logs_with_a_false_survivor": wrong, "share": round(wrong / n, 4), "wilson_95": wilson(wrong, n),
        "kept_a_log": spread([one.kept for one in done], 1),
        "kept_that_help": mean([one.real for one in done]), "survivors_that_help": mean([one.true for one in done]),
        "chain_false": round(chains_wrong / n, 4),
        "chain_survives": round(sum(one.chain == "survives" for one in done) / n, 3),
        "gain_claimed_by_the_log": mean([one.claimed for one in done]), "gain_true": mean([one.gained for one in done]),
        "guessed": {
            "logs": len(told),
            "kept_that_do_nothing_or_harm": mean([one.idle for one in told]),
            "expected_of_them": mean([one.expected or 0.0 for one in told]),
            "gain_true": mean([one.gained for one in told]),
            "gain_likely_left": mean([one.likely or 0.0 for one in told]),
        },
        "chain_interval_covers": round(sum(known) / len(known), 3) if known else None,
    }  # fmt: skip


def mean(values: list[float] | list[int]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


def wilson(hits: int, n: int) -> list[float]:
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [round(max(middle - half, 0) / (1 + z * z / n), 4), round((middle + half) / (1 + z * z / n), 4)]


WORLDS = [
    *(World(ideas, reseeds=1) for ideas in IDEAS), World("null"), World("mixed"),
    *(World(ideas, repeats=9) for ideas in IDEAS), World("null", stated=True), World("mixed", stated=True),
    World("null", tries=40, seeds=3, rho=0.6), World("mixed", tries=40, seeds=3, rho=0.6),
    World("rich", tries=40, seeds=3),
    World("null", tries=12), World("rich", tries=20, reseeds=1),
    World("null", tail="t3", reseeds=1), World("mixed", tail="t3", repeats=9),
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=500)
    parser.add_argument("--guesses", type=int, default=15, help="logs of each world for what is likely left")
    parser.add_argument("--level", type=float, default=0.05)
    parser.add_argument("--worlds", type=int, default=len(WORLDS), help="only the first N")
    options = parser.parse_args()
    before, began = machine(), time.monotonic()
    found = {
        world.name(): figures(world, options.repetitions, options.guesses, options.level)
        for world in WORLDS[: options.worlds]
    }
    normal = [one for name, one in found.items() if "t3" not in name]
    wrong, logs = (sum(int(str(one[key])) for one in normal) for key in ("logs_with_a_false_survivor", "logs"))
    together = {"logs": logs, "with_a_false_survivor": wrong, "wilson_95": wilson(wrong, logs)}
    note = (
        f"unit: the sd of one run; promised: a false survivor in at most {options.level:.0%} of logs with normal noise"
    )
    minutes = round((time.monotonic() - began) / 60, 1)
    total = {"level": options.level, "minutes": minutes, "all_with_normal_noise": together, "worlds": found}
    write("judge", total, before, note)


if __name__ == "__main__":
    main()
