"""`pawl.toml`: what to try. The operator edits it freely; `policy.toml` says what is allowed."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pawl.envelope import sha256
from pawl.errors import ConfigError
from pawl.metrics import sign
from pawl.names import reserved
from pawl.ranges import SpaceTable, ordered
from pawl.records import CALIBRATION, Direction
from pawl.tables import Bytes, PartTable, Seconds, Table, read

FILE = "pawl.toml"
OWN = "study"
"""The suite that every study has: its own evaluation."""
WAVES, MANY = "waves", 4
"""The proposer that puts together what was found side by side, and the workers from which on it does so unasked."""


def inside(path: str) -> str:
    """A relative path that stays where it is. Raises ValueError for one that is absolute or climbs out."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or path != str(pure) or not pure.parts:
        raise ValueError(f"{path!r} must be a plain relative path inside the study")
    return path


def shown(path: str) -> str:
    """A path that a variant may see. Raises ValueError for Pawl's and git's own folders: sealed sets lie there."""
    if PurePosixPath(inside(path)).parts[0] in (".pawl", ".git"):
        raise ValueError(f"{path!r} is kept from what a sandbox shows: sealed sets, the ledger and git lie there")
    return path


def inside_or_empty(path: str) -> str:
    return inside(path) if path else path


Shown = Annotated[str, AfterValidator(shown)]
Inside = Annotated[str, AfterValidator(inside)]
MaybeInside = Annotated[str, AfterValidator(inside_or_empty)]


class StudyTable(Table):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    metric: str
    direction: Direction


class EnvironmentTable(Table):
    """The variant's own interpreter and packages. Empty `requirements`: `python` is used as it is found."""

    python: str = ""
    requirements: MaybeInside = ""
    constraints: MaybeInside = ""
    mounts: tuple[str, ...] = ()


class Limits(Table):
    """What one execution may use. `wall` and `cpu` in seconds, `memory`, `disk` and `log` in bytes."""

    wall: Seconds = 600.0
    cpu: Seconds = 3600.0
    memory: Bytes = 4 * 2**30
    disk: Bytes = 256 * 2**20
    log: Bytes = 16 * 2**20
    processes: int = Field(default=64, ge=1)
    cpus: int = Field(default=1, ge=1)


class TrainTable(Table):
    command: tuple[str, ...] = Field(min_length=1)
    editable: tuple[Shown, ...] = Field(min_length=1)
    data: tuple[Shown, ...] = ()
    budget: str = "0 none"
    limits: Limits = Limits()
    gpu: bool = False

    @property
    def amount(self) -> str:
        """The number in `budget`, which the program is told as PAWL_BUDGET."""
        return self.budget.split()[0].replace("_", "")

    def cut(self, share: float) -> str:
        """A share of that number; a whole one, and hardly ever 0, where it was whole."""
        if "." in self.amount:
            return f"{float(self.amount) * share:.6g}"
        return str(max(min(int(self.amount), 1), round(int(self.amount) * share)))

    @model_validator(mode="after")
    def _budget_has_a_number(self) -> Self:
        if not re.fullmatch(r"\d[\d_]*(\.\d+)?( [a-zA-Z-]+)?", self.budget):
            raise ValueError(f"budget {self.budget!r} must be a number and a unit, such as '200_000 tokens'")
        return self


class FidelityTable(Table):
    """Cheap looks before whole runs. `rungs` are shares of the budget, rising, on which a variant trains first; `rule`
    says who goes on: `learned` those whose whole run is still expected to be worth its cost, by what such looks told of
    whole runs before; `halving` the best `keep` of all that were seen on the rung (ASHA). `resume`: training goes on
    from what it left in PAWL_OUT, which it finds in PAWL_RESUME; only for programs whose result does not depend on
    where they were interrupted. Certificates always train from the start, on the whole budget."""

    rungs: tuple[float, ...] = ()
    rule: Literal["learned", "halving"] = "learned"
    keep: float = Field(default=1 / 3, gt=0, lt=1)
    resume: bool = False

    @model_validator(mode="after")
    def _rungs_rise(self) -> Self:
        if list(self.rungs) != sorted(set(self.rungs)) or not all(0 < share < 1 for share in self.rungs):
            raise ValueError("rungs must be rising shares between 0 and 1, such as [0.1, 0.3]")
        return self


class EvaluateTable(Table):
    """Sealed: `predict`, `scorer`, `validation`, `holdout`. Self-reported: `summary`, the name of a printed value,
    and `results`, a file to mirror the ledger into (results.tsv)."""

    predict: tuple[str, ...] = ()
    scorer: str = ""
    validation: MaybeInside = ""
    holdout: MaybeInside = ""
    summary: str = ""
    results: MaybeInside = ""
    limits: Limits = Limits(wall=120.0, cpu=240.0)

    @property
    def self_reported(self) -> bool:
        return bool(self.summary)

    @model_validator(mode="after")
    def _one_way_or_the_other(self) -> Self:
        sealed = [bool(self.predict), bool(self.scorer), bool(self.validation)]
        if all(sealed) == self.self_reported or any([*sealed, bool(self.holdout)]) == self.self_reported:
            raise ValueError("give either predict, scorer and validation (sealed) or summary (self-reported)")
        return self


class ProposerTable(PartTable):
    """A proposer. `name` is what its proposals carry; where there is none, the part's own name."""

    name: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$")

    @property
    def called(self) -> str:
        return self.name or self.use


class SuiteTable(Table):
    """Another measure of every release, for `pawl regress`. Sealed: `validation`, and `predict` and `scorer` where they
    are not those of [evaluate]. Self-reported: `summary`."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    metric: str
    direction: Direction
    predict: tuple[str, ...] = ()
    scorer: str = ""
    validation: MaybeInside = ""
    summary: str = ""

    @model_validator(mode="after")
    def _one_way_or_the_other(self) -> Self:
        if bool(self.summary) == bool(self.validation) or (self.summary and (self.predict or self.scorer)):
            raise ValueError(f"suite {self.name!r}: give either validation (sealed) or summary (self-reported)")
        return self


class InboxTable(Table):
    """What agents and scripts may hand in and start. At most `waiting` of their proposals wait and `hourly` come in an
    hour. Agents may start `runs` training runs in the life of one `pawl mcp`, and none once the study has `total`."""

    waiting: int = Field(default=20, ge=0)
    hourly: int = Field(default=60, ge=0)
    runs: int = Field(default=200, ge=0)
    total: int = Field(default=10_000, ge=0)


class Config(Table):
    """A whole `pawl.toml`."""

    study: StudyTable
    environment: EnvironmentTable = EnvironmentTable()
    train: TrainTable
    evaluate: EvaluateTable
    space: dict[str, SpaceTable] = {}
    fidelity: FidelityTable = FidelityTable()
    workers: int = Field(default=2, ge=1)
    waves: bool | None = None
    notebook: bool = False
    proposer: tuple[ProposerTable, ...] = (ProposerTable(use="space"),)
    sandbox: PartTable = PartTable(use="bubblewrap")
    executor: PartTable = PartTable(use="local")
    store: PartTable = PartTable(use="sqlite")
    suite: tuple[SuiteTable, ...] = ()
    inbox: InboxTable = InboxTable()

    @model_validator(mode="after")
    def _proposers_have_names_of_their_own(self) -> Self:
        names = [table.called for table in self.proposer]
        if not names:
            raise ValueError("proposer is empty: nobody would put anything forward")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"there are two proposers {name!r}: give one of them another name")
            if name == CALIBRATION:
                raise ValueError(f"no proposer may be called {name!r}: that is what puts forward null candidates")
            if reserved(name):
                raise ValueError(f"no proposer may be called {name!r}: so is what agents hand in")
        return self

    @model_validator(mode="after")
    def _suites_can_be_measured(self) -> Self:
        names = [OWN, *(table.name for table in self.suite)]
        for table in self.suite:
            if names.count(table.name) > 1:
                raise ValueError(f"there are two suites {table.name!r}; {OWN!r} is the study's own evaluation")
            if table.validation and not (table.predict or self.evaluate.predict):
                raise ValueError(f"suite {table.name!r} needs predict: [evaluate] has none")
            if table.validation and not (table.scorer or self.evaluate.scorer):
                raise ValueError(f"suite {table.name!r} needs a scorer: [evaluate] has none")
        return self

    @model_validator(mode="after")
    def _space_is_editable(self) -> Self:
        for key in self.space:
            file, colon, constant = key.partition(":")
            if not colon or not constant.isidentifier():
                raise ValueError(f"space key {key!r} must read 'FILE:CONSTANT'")
            if file not in self.train.editable:
                raise ValueError(f"space key {key!r}: {file} is not among train.editable")
        ordered(self.space)
        return self

    @property
    def proposers(self) -> tuple[ProposerTable, ...]:
        """Those that are asked for, and `waves` where many workers would leave one another's ideas behind."""
        wanted = self.workers >= MANY if self.waves is None else self.waves
        there = any(WAVES in (table.use, table.called) for table in self.proposer)
        return (*self.proposer, ProposerTable(use=WAVES)) if wanted and not there else self.proposer

    @property
    def sign(self) -> int:
        """+1 where a higher metric is better, -1 where a lower one is."""
        return sign(self.study.direction)


def load(study: Path) -> tuple[Config, str]:
    """The study's configuration and the digest of its bytes. Raises ConfigError."""
    if not study.is_dir():
        raise ConfigError(f"{study} is not a folder", "pawl lab new digits DIR")
    config, content = read(study / FILE, Config, "pawl init   (or: pawl lab new digits DIR)")
    return config, sha256(content)


def must_exist(study: Path, config: Config) -> None:
    """Every file that the configuration names is there. Raises ConfigError that names the key."""
    table = config.environment
    named = [("train.editable", study / name) for name in config.train.editable]
    named += [("train.data", study / name) for name in config.train.data]
    named += [("environment.requirements", study / name) for name in (table.requirements, table.constraints) if name]
    sealed = {"validation": config.evaluate.validation, "holdout": config.evaluate.holdout}
    named += [(f"evaluate.{key}", study / ".pawl" / name) for key, name in sealed.items() if name]
    named += [(f"suite {table.name}", study / ".pawl" / table.validation) for table in config.suite if table.validation]
    if config.evaluate.scorer.endswith(".py"):
        folder = Path(config.evaluate.validation).parent
        named.append(("evaluate.scorer", study / ".pawl" / folder / config.evaluate.scorer))
    for key, path in named:
        if not path.is_file():
            raise ConfigError(f"{study / FILE}: {key} names {path}, which does not exist", f"correct {FILE}")
