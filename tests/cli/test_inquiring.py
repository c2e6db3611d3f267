"""`pawl ablate` and `pawl regress` as a person or a script types them. Training is real, in the real sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.test_commands import pawl
from pawl import app, keys
from pawl.records import Ablation, Regression, Release
from simulated import SPACE
from studies import TOY, patch, toy

People = dict[str, keys.Signer]
IDLE = "IDLE = 0.0\nSHIFT = 0.0"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, people: People) -> app.OpenStudy:
    """A dossier over one proposal: a carrier, and a constant that nothing reads."""
    train = TOY.replace("SHIFT = 0.0", IDLE)
    suite = '[[suite]]\nname = "again"\nmetric = "again"\ndirection = "maximize"\nsummary = "val_loss"\n\n[evaluate]'
    config = {SPACE: SPACE, "[evaluate]": suite}
    study = app.open(toy(tmp_path_factory.mktemp("bundle") / "toy", [people["ada"]], train=train, config=config))
    study.propose(patch(study, IDLE, "IDLE = 1.0\nSHIFT = 0.7"), "the optimum, and something else")
    assert study.run(runs=30, until_certified=True)
    return study


@pytest.mark.slow
def test_ablate_shows_who_carries_and_offers_the_smaller_patch(bundle: app.OpenStudy) -> None:
    id = str(bundle.dossiers()[-1].id)
    spent = pawl("ablate", id, "--runs", "4", study=bundle)
    assert spent.returncode == 0
    assert f"next:  pawl ablate {id}" in spent.stdout
    done = pawl("ablate", id, study=bundle)
    assert done.returncode == 0, done.stderr
    found = app.open(bundle.folder).entries(Ablation)[-1]
    for part in ("SHIFT 0.0 -> 0.7", "carries: cost 0.", "can go", "new variant, and has no certificate", "--propose"):
        assert part in done.stdout, part
    assert "+SHIFT = 0.7" in done.stdout
    assert "+IDLE" not in done.stdout
    assert (bundle.state / "ablations" / f"{found.id}.png").read_bytes().startswith(b"\x89PNG")
    assert "+SHIFT = 0.7" in pawl("diff", str(found.id), study=bundle).stdout
    assert "carry the gain" in pawl("why", str(found.id), study=bundle).stdout
    again, proposal = json.loads(pawl("ablate", id, "--propose", "--json", study=bundle).stdout)
    assert (again["id"], again["kind"]) == (found.id, "ablation")
    assert proposal["record"]["proposer"] == "ablate"


@pytest.mark.slow
def test_regress_exits_1_where_a_release_is_worse_and_names_it(bundle: app.OpenStudy, people: People) -> None:
    """The suite `again` calls a larger loss better: there the release is a regression."""
    study = app.open(bundle.folder)
    study.decide(study.dossiers()[-1].id, "approve", people["ada"].key, "ada@example.org")  # type: ignore[arg-type]
    release = study.entries(Release)[-1].id
    fine = pawl("regress", "--suite", "study", study=study)
    assert fine.returncode == 0, fine.stderr
    assert "No release is shown to be worse" in fine.stdout
    done = pawl("regress", "--bisect", study=study)
    assert done.returncode == 1
    assert f"again: worse since release {release}" in done.stdout
    assert "suspect: variant" in done.stdout
    found = app.open(study.folder).entries(Regression)[-1]
    assert (study.state / "regressions" / f"{found.id}-again.png").read_bytes().startswith(b"\x89PNG")
    kinds = [entry["kind"] for entry in json.loads(pawl("regress", "--bisect", "--json", study=study).stdout)]
    assert kinds == ["regression", "bisection"]


def test_bad_questions_have_a_hint(toy_study: app.OpenStudy, tmp_path: Path) -> None:
    assert "the ledger has no entry 7" in pawl("ablate", "7", study=toy_study).stderr
    refused = pawl("regress", "--suite", "studdy", study=toy_study)
    assert refused.returncode == 2
    assert "did you mean 'study'" in refused.stderr.lower()
    assert pawl("ablate", "1", "--margin", "2", study=toy_study).returncode == 2
    assert pawl("regress", "--budget", "soon", study=toy_study).returncode == 2
