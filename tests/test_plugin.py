"""A stranger's gate, installed as a package of its own: found by name, asked in a real study, heard in its verdict."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from pawl import keys
from studies import digits

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).parents[1] / "examples" / "pawl-gate-imports"
GATE = 'use = "crash-rate"\n\n[[gate]]\nuse = "imports"\nallowed = ["numpy"]'


@pytest.fixture(scope="module")
def environ(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the example is installed, in a folder of its own beside Pawl."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    builds = tuple(int(part) for part in version("setuptools").split(".")[:2]) >= (70, 1)  # wheels without `wheel`
    isolation = ["--no-build-isolation"] if builds else []
    command = ["-m", "pip", "install", "--quiet", "--no-deps", *isolation, "--target", str(folder / "site")]
    subprocess.run([sys.executable, *command, str(source)], check=True)
    return {**os.environ, "PYTHONPATH": str(folder / "site")}


def pawl(environ: dict[str, str], *words: str, codes: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([sys.executable, "-m", "pawl", *words], env=environ, capture_output=True, text=True)
    assert done.returncode in codes, done.stderr
    return done.stdout


def test_it_is_listed_beside_the_built_in_ones(environ: dict[str, str]) -> None:
    listed = pawl(environ, "parts", "gate")
    assert "pawl_gate_imports:Imports" in listed
    assert "pawl.gates.improvement:Improvement" in listed


def test_its_own_tests_pass(environ: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_study_whose_policy_names_it_hears_it(
    environ: dict[str, str], tmp_path: Path, people: dict[str, keys.Signer]
) -> None:
    study = str(digits(tmp_path / "digits", [people["ada"]], {'use = "crash-rate"': GATE}))
    verdicts: list[int] = []
    for _ in range(4):  # until something is accepted and so certified, or not
        pawl(environ, "run", "--study", study, "--runs", "12")
        entries = json.loads(pawl(environ, "log", "--study", study, "--json", "-n", "10000"))
        verdicts = [entry["id"] for entry in entries if entry["kind"] == "verdict"]
        if verdicts:
            break
    assert verdicts
    reasons = pawl(environ, "why", str(verdicts[-1]), "--study", study, codes=(0, 1))
    assert "pass   imports: the patch imports nothing new" in reasons


def test_a_setting_that_it_refuses_stops_the_run_before_anything_is_trained(
    environ: dict[str, str], tmp_path: Path, people: dict[str, keys.Signer]
) -> None:
    wrong = GATE.replace('["numpy"]', '"numpy"')
    study = str(digits(tmp_path / "digits", [people["ada"]], {'use = "crash-rate"': wrong}))
    pawl(environ, "run", "--study", study, "--runs", "12", codes=(2,))
    assert '"run"' not in pawl(environ, "log", "--study", study, "--json")
