"""What people do with what earlier studies taught: look at it, learn, forget.

from pawl import earlier

earlier.learn(study, "../last-year")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pawl import app, config, history, priors
from pawl.app import OpenStudy
from pawl.errors import ConfigError
from pawl.past import Past, Range
from pawl.similarity import similarity
from pawl.wiring import STATE

LEARN = "pawl priors learn OTHER_STUDY"


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier study beside this one. `matching` are the constants that count here; `unknown` says of each other
    constant of this study why nothing is known of it. `within` of its trials lie in this study's ranges. `similarity`
    is its say so far, 0 (none) to 1."""

    past: Past
    matching: tuple[str, ...]
    unknown: Mapping[str, str]
    within: int
    similarity: float


def known(study: OpenStudy) -> list[Known]:
    """What the study knows of earlier ones, the most similar first. Raises ConfigError for a broken `priors.json`."""
    space = {key: Range.of(table.model_dump()) for key, table in study.config.space.items()}
    own = priors.told(study.ledger, study.ladder(), _constants(study))
    found = []
    for past in priors.load(study.folder):
        keys = tuple(past.matching(space))
        unknown = {key: _unknown(past, key, mine) for key, mine in space.items() if key not in keys}
        found.append(Known(past, keys, unknown, len(past.within(space)), similarity(past, own, space)))
    return sorted(found, key=lambda one: -one.similarity)


def _constants(study: OpenStudy) -> priors.Constants:
    return lambda variant: priors.literals(study.lineage.read(variant.record), study.config.space)


def _unknown(past: Past, key: str, mine: Range) -> str:
    theirs = past.space.get(key)
    return f"it is of type {theirs.type} there, and {mine.type} here" if theirs else "it had no such constant"


def learn(study: OpenStudy, folder: str | Path, renamed: Mapping[str, str] | None = None) -> Known:
    """Read what another study's ledger taught into `priors.json`; what was known of it is replaced. `renamed` gives
    constants the names that they have here; None: as the last time.

    Raises ConfigError for this study itself, for a folder in which nothing was learned, and where none of its constants
    is one of this study's; IntegrityError for a ledger that is not what was written."""
    place = Path(folder).resolve()
    if not (place / config.FILE).is_file():
        raise ConfigError(f"{place} is no study: it has no {config.FILE}", LEARN)
    if place == study.folder.resolve():
        raise ConfigError(f"{place} is this very study: what it tried is in its own ledger", LEARN)
    if not (place / STATE).is_dir():
        raise ConfigError(f"nothing has run in {place} yet", "pawl run --runs 50   (there)")
    other = app.open(place)
    history.study(other.ledger)
    _must_be_another(study, other)
    with study.store.hold("priors", wait=True):  # or of two at once one would be lost
        before = priors.load(study.folder)
        origin = other.ledger.any(1).digest
        last: Mapping[str, str] = next((past.renamed for past in before if past.origin == origin), {})
        space = {key: table.model_dump() for key, table in other.config.space.items()}
        past = priors.past(
            other.ledger, other.ladder(), other.config.study.name, space, _constants(other),
            last if renamed is None else renamed,
        )  # fmt: skip
        _must_match(study, past)
        priors.save(study.folder, priors.with_past(before, past))
    return next(one for one in known(study) if one.past.origin == origin)


def _must_be_another(study: OpenStudy, other: OpenStudy) -> None:
    """Raises ConfigError if both ledgers began as one: a copy would only tell this study's own tries again."""
    if study.ledger.all() and study.ledger.any(1).digest == other.ledger.any(1).digest:
        raise ConfigError(f"{other.folder} is a copy of this study: its ledger begins with the same entry", LEARN)


def _must_match(study: OpenStudy, past: Past) -> None:
    space = {key: Range.of(table.model_dump()) for key, table in study.config.space.items()}
    if not past.matching(space):
        raise ConfigError(
            f"{past.name} has none of this study's constants: {', '.join(past.space)} there, "
            f"{', '.join(space) or 'none'} here", priors.RENAME,
        )  # fmt: skip


def forget(study: OpenStudy, name: str) -> None:
    """Strike an earlier study from `priors.json`. What was proposed after it stays. Raises ConfigError if it is not
    there."""
    with study.store.hold("priors", wait=True):
        priors.save(study.folder, priors.without(priors.load(study.folder), name))
