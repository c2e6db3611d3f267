"""A judgement in words: what a tired person reads first, what stands in the table, what to do next; and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from pawl.appraise import ENOUGH, Appraisal, Call, Step

TO_MEASURE = 6
"""Runs of one code on different seeds with which Pawl itself begins to measure noise."""
ORDER: tuple[Call, ...] = ("survives", "cannot tell", "could be noise")


def figure(value: float, digits: int = 4) -> str:
    """A number with so many digits, without an exponent where it can be read so."""
    if value == 0 or 1e-6 <= abs(value) < 1e7:
        places = max(0, digits - 1 - math.floor(math.log10(abs(value) or 1)))
        text = f"{value:.{min(places, 10)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{digits}g}"


def headline(found: Appraisal) -> list[str]:
    """The answer, in one or two sentences."""
    counts = {call: sum(step.call == call for step in found.steps) for call in ORDER}
    kept = len(found.steps)
    if not kept:
        return [f"Nothing was kept: none of {found.tries} tries scored better than the baseline."]
    if found.noise.high is None:
        whether = f"whether its {_kept(kept)} would survive"
        return [f"The log cannot say {whether}: nothing in it measures noise.",
                "Below stands how small the noise would have to be."]  # fmt: skip
    parts = [f"{counts['survives']} of {_kept(kept)} would survive"]
    parts += [f"{_are(counts['cannot tell'])} too close to tell"] if counts["cannot tell"] else []
    parts += [f"{counts['could be noise']} could be luck"] if counts["could be noise"] else []
    return ["; ".join(parts) + ".", *([_way(found)] if kept > 1 else [])]


def _kept(count: int) -> str:
    return f"{count} kept gain{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"


def _way(found: Appraisal) -> str:
    """What to think of the whole way from the baseline to the end."""
    chain = found.chain
    gain = f"the gain of {figure(chain.gain)} from the baseline to what was kept last"
    if chain.call == "survives":
        low = f", and at least {figure(chain.low)} of it" if chain.low and chain.low > 0 else ""
        return f"The whole way holds up: {gain} is real{low}."
    if chain.call == "could be noise":
        return f"The whole way does not hold up: the best of {found.tries} tries that do nothing could show {gain}."
    return f"The whole way is open: {gain} may be real or luck."


def facts(found: Appraisal) -> Iterator[tuple[str, str]]:
    """What was read, what the noise is and how that is known, and how much is expected to be luck."""
    log, noise = found.log, found.noise
    better = "lower" if log.direction == "minimize" else "higher"
    kept = "kept by the log's word" if found.by_word else "kept where better than all before"
    failed = f", {found.failed} failed" if found.failed else ""
    yield "log", f"{log.source} ({log.reader}): {len(log.trials)} trials{failed}, {len(found.steps)} {kept}"
    yield "metric", f"{log.metric}, {better} is better"
    for told in log.told:
        yield "", told
    yield "noise", _noise(found)
    for line in _repeated(found):
        yield "", line
    if noise.correlation:
        yield "", f"runs on one seed move together: correlation {noise.correlation:.2f}"
    if found.idle and len(found.steps) > 1:
        likely, low, high = (round(value) for value in found.idle)
        span = f" (between {low} and {high}, as the noise may be)" if low != high else ""
        yield "luck", f"about {likely} of the {_kept(len(found.steps))} likely do nothing or harm{span}"


def _noise(found: Appraisal) -> str:
    noise = found.noise
    if noise.sd is None or noise.high is None:
        return "not known: nothing was measured twice, and there are too few tries to set a limit"
    if noise.source == "stated":
        return f"sd of one run {figure(noise.sd)}, as stated"
    low, high = figure(noise.low, 2), figure(noise.high, 2)
    if noise.source == "tries":
        return f"sd of one run at most {high}: nothing was measured twice, but the tries lie that close together"
    close = "" if noise.source == "repeats" else " and from how close together the tries lie"
    return f"sd of one run about {figure(noise.sd, 2)}, between {low} and {high}, from the repeats{close}"


def _repeated(found: Appraisal) -> Iterator[str]:
    seen = found.noise.repeats
    if seen.equal:
        yield f"measured again with the very same number, which says nothing of another seed: {_list(seen.of)}"
    elif seen.of:
        yield f"repeats: {_list(seen.of)}"
        smaller = sum(step.gain < seen.widest for step in found.steps)
        widest = f"the {figure(seen.widest)} that a repeat alone made"
        yield f"{smaller} of {_kept(len(found.steps))} {'is' if smaller == 1 else 'are'} smaller than {widest}"


def _list(names: tuple[str, ...], most: int = 4) -> str:
    return "; ".join(names[:most]) + (f"; and {len(names) - most} more" if len(names) > most else "")


COLUMNS = ("trial", "gain", "in sd", "likely left", "luck", "verdict", "what")


def row(step: Step) -> tuple[str, ...]:
    """A step as a row of the table under COLUMNS."""
    return (
        step.name, f"{'+' if step.gain > 0 else ''}{figure(step.gain)}", _or(step.in_sd, "{:.1f}"),
        "-" if step.left is None else figure(step.left, 2),
        "only the seed" if step.seed_only else _or(step.idle, "{:.0%}"), step.call, step.words,
    )  # fmt: skip


def _or(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def legend(found: Appraisal) -> list[str]:
    """What the columns mean."""
    low, high = found.needs
    lines = [
        "in sd: of one run. likely left: of the gain, knowing that it, and the one before, were picked for it. "
        "luck: the probability that it does nothing or harms. Both at the best guess of the noise.",
    ]
    if high is not None:
        best = f"; if it is as small as it may be, above {figure(low)}" if low and low < high else ""
        lines.append(
            f"verdict: with {found.tries} tries, a step survives if it gains more than {figure(high)}, as large as the "
            f"noise may be{best}. The chance that any of those that survive is luck is at most {found.level:.0%}."
        )
    return lines


def missing(found: Appraisal) -> list[tuple[int | None, str]]:
    """What to run next: how many runs (None: more than a few hundred), and of what."""
    wanted = list[tuple[int | None, str]]()
    if found.noise.freedom < ENOUGH:
        wanted.append((TO_MEASURE, "of the code kept last, each on another seed: to measure the noise"))
    last = found.steps[-1].name if found.steps else ""
    if len(found.steps) > 1 and found.chain.gain > 0 and found.noise.sd:
        wanted.append(
            (found.chain.runs, f"of the baseline and {last}, in pairs on fresh seeds: to prove the whole way")
        )
    for step in found.steps:
        if step.call == "cannot tell" and step.left is not None and not step.seed_only:
            settled = f"'{step.words[:60]}'" if step.words else "that step"
            wanted.append((step.runs, f"of {step.over} and {step.name}, in pairs on fresh seeds: to settle {settled}"))
    return wanted


def bearable(found: Appraisal) -> list[str]:
    """Where the noise is not known: how small it would have to be for each step."""
    return [
        f"{step.name} survives if the sd of one run is at most {figure(step.bearable, 2)}  ({step.words[:60]})"
        for step in found.steps
        if step.bearable > 0
    ]


def following(found: Appraisal) -> str:
    """The next command to type."""
    if found.noise.freedom < ENOUGH:
        return f"pawl judge {found.log.source} --noise SD   (the sd of those {TO_MEASURE} runs)"
    return "pawl init   (in the folder of the training script: Pawl does such runs, and keeps what survives)"


def as_json(found: Appraisal) -> Mapping[str, object]:
    """All of it for scripts; the trials themselves are left out."""
    fields = asdict(found)
    log = fields.pop("log")
    log["trials"] = len(found.log.trials)
    if math.isinf(found.noise.freedom):
        fields["noise"]["freedom"] = None
    return {
        "headline": headline(found), "log": log, **fields,
        "missing": [{"runs": runs, "of": what} for runs, what in missing(found)], "next": following(found),
    }  # fmt: skip
