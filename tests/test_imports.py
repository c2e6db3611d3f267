"""What files import is read from their text, and what is not there is found before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pawl import environment, imports
from pawl.config import EnvironmentTable
from pawl.protocols import Mount
from pawl.records import Run, Screening, Variant
from pawl.tables import PartTable
from studies import patch


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import torch.nn, os", {"torch", "os"}),
        ("from flash_attn.ops import x", {"flash_attn"}),
        ("from . import x\nfrom .y import z", set()),
        ("def f():\n    import xgboost", {"xgboost"}),
        ("try:\n    import einops\nexcept ImportError:\n    einops = None", set()),
        ("try:\n    import einops\nexcept (OSError, ModuleNotFoundError):\n    import other", set()),
        ("from contextlib import suppress\nwith suppress(ImportError):\n    import wandb", {"contextlib"}),
        ("from contextlib import suppress\nwith suppress(OSError):\n    import wandb", {"contextlib", "wandb"}),
        ("import sys\nif sys.version_info >= (3, 11):\n    import tomllib\nelse:\n    import tomli", {"sys"}),
        ("try:\n    import einops\nexcept ValueError:\n    pass", {"einops"}),
        ("try:\n    pass\nexcept:\n    import einops", {"einops"}),
        ("import typing\nif typing.TYPE_CHECKING:\n    import einops\nelse:\n    import b", {"typing", "b"}),
        ("import = 3", set()),
    ],
)
def test_what_a_file_cannot_do_without(text: str, names: set[str]) -> None:
    assert imports.wanted("train.py", text) == names
    assert imports.wanted("train.txt", text) == set()


def test_what_was_imported_before_or_is_there_lacks_nothing() -> None:
    before, after = {"a.py": "import odd"}, {"a.py": "import odd, there", "b.py": "import einops, x\x1b"}
    assert imports.lacking(before, after, frozenset({"there"})) == ""  # b.py is no Python
    after["b.py"] = "import einops, jax"
    assert imports.lacking(before, after, frozenset({"there"})) == "b.py imports einops, jax"


def test_modules_are_the_names_of_files(tmp_path: Path) -> None:
    for name in ("plain.py", "fast.cpython-311-x86_64-linux-gnu.so", "readme.txt", "pkg/__init__.py", "space/x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('this is never run')")
    (tmp_path / "numpy-2.0.dist-info").mkdir()
    assert environment.installed(tmp_path) == {"plain", "fast", "pkg", "space"}
    assert environment.installed(tmp_path / "nowhere") == set()
    assert imports.own(["train.py", "lib/model.py", "notes/a.txt"]) == {"train", "lib", "model"}


def test_an_environment_knows_its_library_and_only_packages_that_it_shows(tmp_path: Path) -> None:
    place = environment.build(tmp_path, EnvironmentTable())
    assert {"json", "sqlite3", "__future__"} <= place.modules
    assert place.modules.isdisjoint({"einops", "pawl"})
    hidden = {"path": str(tmp_path), "modules": "os"}
    (tmp_path / "package.py").write_text("")
    mounts = [Mount(tmp_path, str(tmp_path))]
    assert environment._modules(hidden, mounts, ()) == {"os", "package"}
    assert environment._modules(hidden, mounts, [str(tmp_path)]) == environment._modules(hidden, [], ()) == {"os"}


def test_packages_in_the_lock_are_there(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=2\n")
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n")
    table = EnvironmentTable(requirements="requirements.txt", constraints="constraints.txt")
    modules = environment.build(tmp_path, table).modules
    assert "numpy" in modules
    assert "optuna" not in modules


@pytest.mark.slow
def test_no_run_is_spent_on_a_patch_whose_imports_are_not_there(make_toy) -> None:  # type: ignore[no-untyped-def]
    """A person's too; and one that imports the study's own files or the standard library runs."""
    study = make_toy()
    ids = {
        name: study.propose(patch(study, "SHIFT = 0.0", f"import {name}\nSHIFT = 0.3"), "h", by="ada@example.org").id
        for name in ("einops", "statistics")
    }
    study.run(runs=12)
    said = {name: study.ledger.find(Screening, proposal=id).record for name, id in ids.items()}
    variant = study.ledger.find(Variant, proposal=ids["einops"])
    assert variant.record.problem == "train.py imports einops, which is not installed in the study's environment"
    (run,) = [entry.record for entry in study.entries(Run) if entry.record.variant == variant.id]
    assert (run.outcome, run.usage.cpu_s) == ("not-built", 0.0)
    assert said["einops"].decision == "crashed"
    assert "imports einops" in said["einops"].reason
    assert said["statistics"].decision in ("accepted", "refused")
    assert study._importing(None, PartTable(use="unsafe")).modules == frozenset(), "who knows what is there"
