"""`priors.json`, beside `pawl.toml`: what earlier studies taught, for proposers of this one.

It is read from their ledgers by whoever asks for it (`learn`), says which entries it was read from, and is a file for
people too. What it says only suggests what to try: every proposal is raced and certified like any other.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Final, Literal

from pydantic import Field, JsonValue, ValidationError

from pawl import attempts, durable, history, plain
from pawl.attempts import Attempt
from pawl.bundle import canonical
from pawl.errors import ConfigError, PawlError, did_you_mean
from pawl.hostile import one_line
from pawl.ladder import seen
from pawl.ledger import Entry, Ledger
from pawl.past import MOST_TRIALS, Constant, Past, PastTrial, Range
from pawl.record import Part
from pawl.records import Evaluation, Noise, Screening, Variant
from pawl.syntax import Source, Unreadable, parse
from pawl.tables import explain

FILE = "priors.json"
BESIDE = f".{FILE}.new"
"""Where the next file grows until it replaces the last one."""
LARGEST = 8 * 2**20
MOST_STUDIES = 50
FORMAT: Final = "pawl-priors/1"
MEND = f"pawl priors learn OTHER_STUDY   (after: mv {FILE} {FILE}.old)"
RENAME = "pawl priors learn OTHER_STUDY --rename a.py:LR=train.py:LEARNING_RATE"
Constants = Callable[[Entry[Variant]], Mapping[str, Constant]]
"""The constants of a variant by "FILE:CONSTANT", as they stand in its files; none where they cannot be read."""


class Priors(Part):
    """The whole file. No two studies have one name, and none is in it twice."""

    format: Literal["pawl-priors/1"]
    studies: tuple[Past, ...] = Field(default=(), max_length=MOST_STUDIES)


def source(past: Past, similarity: float) -> dict[str, JsonValue]:
    """What stands as `earlier` in the settings of a proposal in which this study had a say."""
    return {"name": past.name, "digest": past.digest, "similarity": round(similarity, 3)}


def source_digest(settings: Mapping[str, JsonValue]) -> str:
    """The digest of the earlier study that had a say in a proposal with these settings; empty: none had."""
    said = settings.get("earlier")
    found = said.get("digest") if isinstance(said, dict) else None
    return found if isinstance(found, str) else ""


# -- from a ledger ----------------------------------------------------------------------------------------------------


def told(ledger: Ledger, ladder: float, constants: Constants) -> list[PastTrial]:
    """What proposers may know of each comparable configuration, oldest first: the first champion (gain 0), the
    screened proposals that name their parameters, and the accepted ones of others, whose constants are read off their
    files. `ladder` is the policy's step. Left out: what failed, broke a guard, or was stopped early."""
    standing = history.read(ledger)
    first = next((entry.record for entry in ledger.entries(Noise) if entry.id > standing.since), None)
    if standing.study is None or first is None:
        return []
    study = standing.study.record
    scores = [ledger.get(id, Evaluation).record.metrics[study.metric] for id in first.evaluations]
    start, unit = fmean(scores), (first.sd or 1.0) * (1 if study.direction == "maximize" else -1)
    known, found = seen(ledger, ladder), list[PastTrial]()
    before = constants(ledger.get(first.variant, Variant))
    if before:
        found.append(PastTrial(parameters=dict(before), gain=0.0, runs=len(scores)))
    for attempt in attempts.read(ledger, ladder):
        screening = ledger.find(Screening, proposal=attempt.id)
        parameters = _parameters(ledger, attempt, constants)
        if screening is None or attempt.score is None or screening.record.broken_guard or not parameters:
            continue
        gain = round((attempt.score - start) / unit, 4) + 0.0  # no -0.0
        found.append(
            PastTrial(
                parameters=parameters, gain=min(max(gain, -1e9), 1e9), runs=len(screening.record.evaluations),
                better=known[attempt.id].better, certified=attempt.certified,
            )
        )  # fmt: skip
    return found


def _parameters(ledger: Ledger, attempt: Attempt, constants: Constants) -> dict[str, Constant]:
    """The constants that a proposal says it sets, or that an accepted variant has."""
    said = attempt.proposal.settings.get("parameters")
    if isinstance(said, dict) and said and all(":" in key for key in said):
        return {key: value for key, value in said.items() if isinstance(value, str | int | float | bool)}
    if attempt.outcome != "accepted" or attempt.variant is None:
        return {}
    return dict(constants(ledger.get(attempt.variant, Variant)))


def literals(files: Mapping[str, str], keys: Iterable[str]) -> dict[str, Constant]:
    """The values that these constants have in these files, without those that are not assigned a plain literal, once,
    at the top of their file."""
    found: dict[str, Constant] = {}
    for key in keys:
        path, _, name = key.partition(":")
        try:
            (value,) = _assigned(parse(path, files[path]), name)
            literal = ast.literal_eval(value)
        except (KeyError, ValueError, TypeError, RecursionError, Unreadable):
            continue
        if isinstance(literal, str | int | float | bool):
            found[key] = literal
    return found


def _assigned(source: Source, name: str) -> list[ast.expr]:
    """Everything that is assigned to a name at the top of a file."""
    found = []
    for node in source.nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(source.above.get(node), ast.Module):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [node.value for one in targets if isinstance(one, ast.Name) and one.id == name and node.value]
    return found


def past(
    ledger: Ledger, ladder: float, name: str, space: Mapping[str, Mapping[str, JsonValue]], constants: Constants,
    renamed: Mapping[str, str],
) -> Past:  # fmt: skip
    """What a study taught. `space` is its [space]; `renamed` gives some of its constants the names that they have here.
    Raises ConfigError where there is nothing to learn, and for names that it does not have or that would clash."""
    names = {key: renamed.get(key, key) for key in space}
    for key in renamed:
        if key not in space:
            raise ConfigError(f"{name} has no constant '{one_line(key)}'.{did_you_mean(key, space)}", RENAME)
    if len(set(names.values())) < len(names):
        raise ConfigError(f"two constants of {name} would have one name", RENAME)
    always = {key for key, table in space.items() if not table.get("when")}  # others are not in every configuration
    trials = [
        trial.model_copy(
            update={"parameters": {new: trial.parameters[key] for key, new in names.items() if key in trial.parameters}}
        )
        for trial in told(ledger, ladder, constants)
        if names and trial.parameters.keys() >= always
    ]
    if len({canonical(dict(trial.parameters)) for trial in trials}) < 2:
        raise ConfigError(
            f"there is nothing to learn from {name}: it compared no two configurations of its [space]",
            "pawl run --runs 50   (there)",
        )
    return _checked(ledger, ladder, name, {names[key]: table for key, table in space.items()}, trials, renamed)


def _checked(
    ledger: Ledger, ladder: float, name: str, space: Mapping[str, Mapping[str, JsonValue]],
    trials: Sequence[PastTrial], renamed: Mapping[str, str],
) -> Past:  # fmt: skip
    """All of it, as it will be read again. Of too many trials the better ones are kept, and the newest others."""
    study, entries = history.study(ledger).record, ledger.all()
    kept = sorted(sorted(range(len(trials)), key=lambda n: (trials[n].better, n))[-MOST_TRIALS:])
    try:
        return Past(
            name=name[:80], origin=entries[0].digest, entries=len(entries), head=entries[-1].digest,
            metric=one_line(study.metric)[:200], direction=study.direction, ladder=ladder, renamed=dict(renamed),
            space={key: Range.of(table) for key, table in space.items()},
            trials=tuple(PastTrial.model_validate(trials[n].model_dump()) for n in kept),
        )  # fmt: skip
    except ValidationError as error:
        raise ConfigError(f"{name} cannot be written down: {_explained(error)}", "correct its [space]") from error


def with_past(known: Sequence[Past], new: Past) -> tuple[Past, ...]:
    """These with one more; what was known of the same ledger is replaced and keeps its name and place. Another study
    that has its name lets it have a longer one. Raises ConfigError for one too many."""
    for n, old in enumerate(known):
        if old.origin == new.origin:
            return (*known[:n], new.called(old.name), *known[n + 1 :])
    if len(known) >= MOST_STUDIES:
        raise ConfigError(f"{FILE} knows {MOST_STUDIES} studies, and that is the most", "pawl priors forget NAME")
    if any(old.name == new.name for old in known):
        new = new.called(f"{new.name}-{new.origin[:8]}")
    return (*known, new)


def without(known: Sequence[Past], name: str) -> tuple[Past, ...]:
    """These without the one of this name. Raises ConfigError if there is none."""
    names = [past.name for past in known]
    if name not in names:
        raise ConfigError(f"{FILE} knows no study '{one_line(name)}'.{did_you_mean(name, names)}", "pawl priors")
    return tuple(past for past in known if past.name != name)


# -- the file ---------------------------------------------------------------------------------------------------------


def load(folder: Path) -> tuple[Past, ...]:
    """What the study in this folder knows of earlier ones; nothing where it has no file. Raises ConfigError for a file
    that is not as Pawl writes it."""
    path = folder / FILE
    content = plain.read(path, whole=True, largest=LARGEST)
    if content is None:
        return ()
    try:
        value = json.loads(content.decode(), object_pairs_hook=_once)
        if isinstance(value, dict) and value.get("format") not in (None, FORMAT):
            said = one_line(str(value["format"]))[:60]
            raise ConfigError(f"{path} is of the format {said!r}; this version of Pawl reads {FORMAT!r}", MEND)
        found = Priors.model_validate_json(json.dumps(value)).studies
    except ValidationError as error:
        raise ConfigError(f"{path}: {_explained(error)}", MEND) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {one_line(str(error))[:200]}", MEND) from error
    for what in ("name", "origin"):
        values = [getattr(past, what) for past in found]
        if len(set(values)) < len(values):
            raise ConfigError(f"{path}: two studies have the same {what}", MEND)
    return found


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """An object, unless a key stands in it twice: a person would read the first, and a program the last."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return dict(pairs)


def _explained(error: ValidationError, most: int = 500) -> str:
    text = one_line(explain(error, Priors))
    return text if len(text) <= most else f"{text[:most]} ... (cut)"


def save(folder: Path, known: Sequence[Past]) -> Path:
    """Write the file: it is there as before or as a whole, whatever happens meanwhile; where nothing is known any more,
    it is gone. Raises ConfigError for one that would be too large, PawlError where it cannot be written."""
    path, content = folder / FILE, "".join(_text(known)).encode()
    if len(content) > LARGEST:
        raise ConfigError(f"{path} would hold more than {LARGEST / 2**20:g} MiB", "pawl priors forget NAME")
    try:
        if known:
            plain.grow(folder / BESIDE, content, path)
            os.replace(folder / BESIDE, path)
        else:
            path.unlink(missing_ok=True)
        durable.sync([folder])
    except OSError as error:
        raise PawlError(f"{path} cannot be written: {error.strerror}", "make room, or the folder writable") from error
    return path


def _text(known: Sequence[Past]) -> Iterator[str]:
    """JSON with a line for each trial."""
    yield f'{{"format": {json.dumps(FORMAT)}, "studies": ['
    for n, past in enumerate(known):
        about = past.model_dump(mode="json", exclude={"trials"}, exclude_defaults=True)
        head = json.dumps(about, indent=1)[:-2]  # without the bracket that closes it
        trials = ",\n  ".join(json.dumps(trial.model_dump(mode="json")) for trial in past.trials)
        yield f'{"," if n else ""}\n{head},\n "trials": [\n  {trials}\n ]}}'
    yield "\n]}\n"
