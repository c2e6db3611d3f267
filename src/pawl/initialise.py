"""`pawl init` and `pawl lab new`: from a folder to a study with its two files, `pawl.toml` and `policy.toml`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pawl import config, keys, notebook, policy
from pawl.errors import ConfigError

VALID = timedelta(days=365)
AUTORESEARCH = ("train.py", "prepare.py", "program.md")
IGNORED = (".pawl/",)

POLICY = """\
# What is allowed in this study. As it is at the first run it is in force; later changes count once enough of the
# approvers below have signed them (pawl policy diff, pawl policy propose). Nothing in a sandbox can reach it.
version = 1
expires = {expires}                # after this day nothing is run, judged or approved until somebody renews it

[approval]
threshold = 1                       # distinct people who must sign a release, or a change of this file
valid = "30d"                       # how long a dossier can be decided

{approvers}
[noise]
runs = 6                            # A/A runs of the champion, to learn what a change of seed alone does

[screening]
seeds = 4                           # common seeds on which a challenger may race, one after the other
redraw_after = 100                  # refusals in a row after which the common seeds are drawn anew

[certification]
first = 10.0                        # expected gain, in sd of a paired difference, that starts a certificate,
growth = 3.0                        # or so many times what was certified before, if that is more
bundle = 100                        # provisional accepts that start one in any case
pairs = 20                          # the most fresh pairs that one may use
alpha = 0.10                        # bound on the share of false certificates (e-LOND)
futility = 0.15                     # give up when the e-value falls below

[guards]
cpu_seconds = 1.25                  # the most CPU beside the reference's, as measured by the sandbox

[calibration]
share = 0.05                        # turns that try what cannot be better, to see how much of it gets through

[[gate]]
use = "improvement"

[[gate]]
use = "limits"

[[gate]]
use = "integrity"

[[gate]]
use = "crash-rate"

[[gate]]
use = "calibration"
# These read what a patch brings in: docs/explanation/reading-a-patch.md says what they see, and what they cannot.
[[gate]]
use = "conditions"                  # seed and budget as given, and no clock decides

[[gate]]
use = "report"                      # values are reported as before

[[gate]]
use = "reading"                     # no rows, positions or classes left out

[[gate]]
use = "foreign"                     # no data from elsewhere

[[gate]]
use = "fetched"                     # no network, other programs, native code, pickles

[[gate]]
use = "embedded"                    # no weights or answers in the text

[[gate]]
use = "obscured"                    # code that can be read

[[gate]]
use = "persuasion"                  # words that address nobody

[[gate]]
use = "probing"                     # no table whose answers were found by trial

[[gate]]
use = "exposed"                     # no sealed row in the environment or in the training data

[[gate]]
use = "self-report"                 # what runs claim is what was measured

[[gate]]
use = "prediction-cost"             # predictions not slower, artifacts not larger
"""

HELD_OUT = """
[holdout]                           # the sealed set that no search sees
z = 2.8                             # a gain must be so many standard errors above zero on it
openings = 20                       # one bit each; then it is retired, and a person seals a fresh one
mode = "standard"                   # "adversarial": against proposers who may try to learn it from its answers

[[gate]]
use = "holdout"
"""

SEALED = """
# These look for gains that are not what they seem; most ask for controls, which are made after a won certificate.
[[gate]]
use = "consistency"                 # predicts the same rows alike, however they are presented

[[gate]]
use = "memory"                      # better on look-alikes of the sealed rows too

[[gate]]
use = "learning"                    # useless when trained on data with nothing to learn

[[gate]]
use = "freshness"                   # weights that this training made, from this seed

[[gate]]
use = "breadth"                     # better on more than a few rows

[[gate]]
use = "canaries"                    # no better than chance on labels drawn at random
"""
HIDDEN = {"log-loss": 'higher = ["accuracy"]'}
"""What a scorer gives beside the metric that its studies are steered by, as settings of the gate `hidden-metrics`."""
"""Gates for a study whose metric is measured: they have nothing to look at where it is self-reported."""

CONFIG = """\
# What to try in this study. Edit it freely; what is allowed stands in policy.toml.
notebook = true                     # the loop keeps notebook.md; write there too, around its sections

[study]
name = {name}
metric = {metric}
direction = "minimize"

[environment]
{environment}

[train]
command = ["python", "train.py"]    # told PAWL_SEED, PAWL_BUDGET and PAWL_OUT
editable = ["train.py"]             # the only files that a proposal may touch
budget = "1 run"
limits = {{ wall = "15m", cpu = "2h", memory = "16GiB", disk = "1GiB", cpus = 1 }}

[evaluate]
summary = {metric}              # self-reported: the script prints it after its last '---' line
results = "results.tsv"             # the ledger, mirrored in autoresearch's format

[space]                             # constants to search, e.g.:
{space}
"""


def policy_text(signers: Iterable[keys.Signer], scorer: str = "", holdout: bool = False) -> str:
    """A policy of a year with DESIGN's defaults and these signers; `scorer`: what measures, if Pawl does; for a study
    that has a `holdout` with its gate."""
    approvers = "".join(
        f"[[approver]]\nname = {json.dumps(signer.name)}\nkey = {json.dumps(signer.public)}\n\n" for signer in signers
    )
    text = POLICY.format(expires=(datetime.now(UTC) + VALID).date(), approvers=approvers)
    text += HELD_OUT if holdout else ""
    if not scorer:
        return text
    more = (
        f'\n[[gate]]\nuse = "hidden-metrics"              # no other metric pays for the gain\n{HIDDEN.get(scorer)}\n'
    )
    return text + SEALED + (more if scorer in HIDDEN else "")


def initialise(folder: Path) -> keys.Signer:
    """Make a folder a study: policy, signer, a page for the direction, and `pawl.toml` for autoresearch's layout. Keeps
    what is there.

    Raises ConfigError if the folder's layout is not known and it has no `pawl.toml`."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder", "pawl lab new digits DIR")
    written = []
    if not (folder / config.FILE).exists():
        (folder / config.FILE).write_text(_autoresearch(folder))
        written.append(config.FILE)
    settings, _ = config.load(folder)
    signer = keys.find(folder) or keys.make(folder)
    if not (folder / policy.FILE).exists():
        text = policy_text([signer], settings.evaluate.scorer, bool(settings.evaluate.holdout))
        (folder / policy.FILE).write_text(text)
    direction = folder / notebook.DIRECTION
    if not (direction.exists() or direction.is_symlink()):
        direction.write_text(notebook.TEMPLATE)
    mirrored = [*notebook.IGNORED] if settings.notebook else []
    mirrored += [settings.evaluate.results] if settings.evaluate.results else []
    _ignore(folder, (*IGNORED, *mirrored))
    return signer


def new_lab(template: Path, folder: Path) -> keys.Signer:
    """Copy a shipped study into a new folder and make it one. Its data come after. Raises ConfigError."""
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} exists and is not empty", f"pawl lab new {template.name} ANOTHER-DIR")
    shutil.copytree(template, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return initialise(folder)


def commit(folder: Path, message: str) -> None:
    """A repository of its own with one commit. Raises ConfigError with git's words."""
    identity = ["-c", "user.name=Pawl", "-c", "user.email=pawl@localhost", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", message]):
        try:
            done = subprocess.run(["git", "-C", str(folder), *command], capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise ConfigError("git is not installed", "apt install git") from error
        if done.returncode:
            raise ConfigError(f"git {command[0]} failed in {folder}: {done.stderr.strip()}", "git status")


def _autoresearch(folder: Path) -> str:
    """A `pawl.toml` for a folder of autoresearch's layout, which runs unchanged."""
    missing = [name for name in AUTORESEARCH if not (folder / name).is_file()]
    if missing:
        raise ConfigError(
            f"{folder} has no {config.FILE}, and is not of autoresearch's layout (no {', '.join(missing)})",
            "pawl lab new digits DIR   (a study to start from)",
        )
    source = (folder / "train.py").read_text() + (folder / "program.md").read_text()
    named = re.search(r"\b(val_\w+)\s*:", source)
    metric = named[1] if named else "val_bpb"
    python = next((name for name in (".venv/bin/python",) if (folder / name).exists()), "")
    requirements = "requirements.txt" if (folder / "requirements.txt").exists() else ""
    chosen = f'python = "{python}"' if python else f'requirements = "{requirements}"' if requirements else ""
    constants = re.findall(
        r"^([A-Z][A-Z0-9_]*)\s*=\s*(-?\d+\.?\d*(?:[eE][-+]?\d+)?)\s*(?:#.*)?$",
        (folder / "train.py").read_text(),
        re.MULTILINE,
    )
    space = "\n".join(_suggestion(constant, value) for constant, value in constants[:12])
    return CONFIG.format(
        name=json.dumps(re.sub(r"[^A-Za-z0-9._-]", "-", folder.resolve().name) or "study"), metric=json.dumps(metric),
        environment=chosen or "# empty: the system's Python; or requirements = \"requirements.txt\"",
        space=space or '# "train.py:LEARNING_RATE" = { type = "float", low = 1e-4, high = 1e-1, log = true }',
    )  # fmt: skip


def _suggestion(constant: str, value: str) -> str:
    """A range of a factor of three around a positive constant; others are only suggested in a comment."""
    number = float(value)
    kind = "int" if re.fullmatch(r"-?\d+", value) else "float"
    if number <= 0:
        return f'# "train.py:{constant}" = {{ type = "{kind}", low = ..., high = ... }}   # is {value}'
    low, high = (max(int(number) // 3, 1), int(number) * 3) if kind == "int" else (number / 3, number * 3)
    return f'"train.py:{constant}" = {{ type = "{kind}", low = {low:.4g}, high = {high:.4g}, log = true }}'


def _ignore(folder: Path, patterns: Iterable[str]) -> None:
    path = folder / ".gitignore"
    known = path.read_text().splitlines() if path.exists() else []
    added = [pattern for pattern in patterns if pattern not in known]
    if added:
        path.write_text("\n".join([*known, *added]) + "\n")
