"""The proposer `space` in whole studies, from pawl.toml to the head: only the training itself is simulated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pawl import history, keys
from pawl.errors import ConfigError
from pawl.records import Proposal
from simulated import SPACE, constants, simulated

TREE = """workers = 1

[[proposer]]
use = "space"
sampler = "{}"

[space]
"train.py:MODE" = {{ type = "int", low = 0, high = 1, likely = 1 }}
"train.py:PUSH" = {{ type = "float", low = -1.0, high = 1.0, likely = 0.4, when = {{ "train.py:MODE" = [1] }} }}
"""


def gain(values: Mapping[str, float]) -> float:
    """A push is worth something in mode 1 only, and most at 0.5."""
    return values["MODE"] * (1 - abs(values["PUSH"] - 0.5)) / 5


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["bayes", "random"])
def test_a_tree_with_guesses_is_searched(tmp_path: Path, people: dict[str, keys.Signer], sampler: str) -> None:
    config = {"workers = 1\n": TREE.format(sampler), SPACE: ""}
    study = simulated(tmp_path / "study", [people["ada"]], ["MODE", "PUSH"], gain, config=config)
    study.run(runs=40)
    tried = [entry.record.settings.get("parameters") for entry in study.entries(Proposal)]
    assert len(tried) > 2
    for parameters in tried:
        assert isinstance(parameters, dict)
        assert ("train.py:PUSH" in parameters) == (parameters["train.py:MODE"] == 1)
    head = constants(study.lineage.read(history.head(study.ledger).record)["train.py"])
    assert head["MODE"] == 1
    assert gain(head) > 0.1
    study.verify()


@pytest.mark.parametrize(
    ("sampler", "said"), [("tep", "Did you mean 'tpe'?"), ("cma-es", "train.py:PUSH depends on others")]
)
def test_a_sampler_that_cannot_search_the_space_is_refused_before_anything_runs(
    tmp_path: Path, people: dict[str, keys.Signer], sampler: str, said: str
) -> None:
    pytest.importorskip("cmaes")
    config = {"workers = 1\n": TREE.format(sampler), SPACE: ""}
    study = simulated(tmp_path / "study", [people["ada"]], ["MODE", "PUSH"], gain, config=config)
    with pytest.raises(ConfigError) as caught:
        study.run(runs=4)
    assert said in str(caught.value)
    assert study.trainer.done == []
