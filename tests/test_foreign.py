"""From a path to a judgement: the reader is found, what is wrong is said, every kind of log is judged."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from logs import made, published, tsv
from pawl import foreign
from pawl.errors import ConfigError, PartError

SEEDS = "variant,seed,loss\n" + "".join(
    f"{name},{seed},{base + 0.01 * ((seed * 7 + n * 3) % 5)}\n"
    for n, (name, base) in enumerate([("base", 1.0), ("wide", 0.98), ("deep", 0.5), ("both", 0.495)])
    for seed in range(5)
)


def written(folder: Path, text: str, name: str = "log.csv") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_the_published_log_is_read_as_what_it_is() -> None:
    assert foreign.judge(published()).log.reader == "autoresearch"


def test_several_seeds_are_judged_without_a_word(tmp_path: Path) -> None:
    found = foreign.judge(written(tmp_path, SEEDS))
    assert found.log.reader == "table"
    assert {step.name: step.call for step in found.steps}["deep"] == "survives"
    assert {step.name: step.call for step in found.steps}["both"] != "survives"


def test_an_optuna_study_is_judged(tmp_path: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 's.db'}", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=20)
    found = foreign.judge(str(tmp_path / "s.db"))
    assert found.log.reader == "optuna"
    assert not found.by_word
    assert len(found.steps) >= 2


def test_a_given_reader_is_used(tmp_path: Path) -> None:
    found = foreign.judge(written(tmp_path, tsv(made(0))), {"metric": "val_bpb"}, "table")
    assert found.log.reader == "table"
    assert found.by_word


@pytest.mark.parametrize(
    ("text", "settings", "options", "words"),
    [
        ("plain words\n", {}, {}, "is not a log that a reader knows"),
        ("a,loss\nx,1\n", {}, {}, "has 1 score"),
        ("a,loss\nx,\ny,nan\n", {"metric": "loss"}, {}, "has 0 score"),
        (SEEDS, {}, {"noise": 0.0}, "--noise 0.0"),
        (SEEDS, {}, {"noise": float("nan")}, "--noise nan"),
        (SEEDS, {}, {"level": 0.7}, "--level 0.7"),
        (SEEDS, {"experiment": "x"}, {}, "has no --experiment"),
        (SEEDS, {}, {"reader": "tables"}, "Did you mean 'table'"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_a_way_out(
    tmp_path: Path, text: str, settings: dict[str, str], options: dict[str, object], words: str
) -> None:
    with pytest.raises((ConfigError, PartError)) as caught:
        foreign.judge(written(tmp_path, text), settings, **options)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_is_said_to_be_so() -> None:
    with pytest.raises(ConfigError, match="there is no file or folder nowhere.tsv"):
        foreign.judge("nowhere.tsv")
