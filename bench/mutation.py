"""How many small faults in what decides about trust do the tests notice? mutmut plants them, one at a time.

Each module is tried on a copy of the tree, with the tests that concern it. mutmut changes the bodies of functions
without decorators; the ranges of pydantic fields and properties stay as they are. A mutant that runs out of time counts
as noticed, and is listed. What survives is listed with its reason, and a survivor without one is called a gap.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from common import RESULTS, machine, write

ROOT = Path(__file__).parents[1]
AIM = 90.0
PATIENCE = 4.0
"""mutmut gives a mutant 15 times this many seconds, and 15 times what its tests took: a busy machine is no kill."""
LEFT = (".git", ".venv", "mutants", "build", "dist", "demo", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis")
TRIALS: dict[str, tuple[str, ...]] = {
    "envelope": ("tests/test_envelope.py",),
    "merkle": ("tests/test_merkle.py",),
    "ledger": ("tests/test_ledger.py",),
    "policy": ("tests/test_policy.py",),
    "consent": ("tests/attacks/test_consent.py", "-k", "on_paper"),
    "approve": ("tests/attacks/test_approvals.py", "-k", "on_paper"),
}
"""The tests of each module. `on_paper`: those that need no training run, since each mutant would train anew."""


FALSE = "None is as false as False to json"
ANY_WORD = "mypy refuses it, and whatever word is not `reject` is held to all that `approve` is held to"
REASONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "envelope": (
        ("encode", r"=> .*ensure_ascii=None", FALSE),
        ("encode", r"=> .*allow_nan=None", FALSE),
    ),
    "consent": (
        ("Consent._checked", r'=> refusal: .* = ""$', "an empty text is as false as None: the first refusal follows"),
    ),
    "approve": (
        ("Approve.approve", r'=> self\._may_decide\(case, (None|"XXapproveXX"|"APPROVE")\)$', ANY_WORD),
        ("Approve.release", r'=> self\._may_decide\(dossier, (None|"XXapproveXX"|"APPROVE")\)$', ANY_WORD),
        ("Approve.enact", r'=> self\._may_decide\(change, (None|"XXapproveXX"|"APPROVE")\)$', ANY_WORD),
        ("Approve.approve", r'=> raise .*\{earlier\.id\}\)", \)$', "an empty hint is the default"),
        ("Approve._bytes_are_there", r"=> .*run\.id <= certificate\.id", "no entry is a run and a certificate at once"),
    ),
}  # fmt: skip
"""For each module: the function, a pattern that its change must show, and why nobody could tell the difference."""


def configured(tree: Path, module: str) -> None:
    """Write into a copy of the tree what mutmut is to change, and which tests it is to run."""
    file = tree / "pyproject.toml"
    text = file.read_text()
    settings = tomllib.loads(text)["tool"]["mutmut"]
    settings["timeout_constant"] = PATIENCE
    settings["only_mutate"] = [f"src/pawl/{module}.py"]
    settings["pytest_add_cli_args_test_selection"] = [*TRIALS[module], "-p", "no:cacheprovider"]
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    others = re.sub(r"^\[tool\.mutmut\].*?(?=^\[|\Z)", "", text, flags=re.DOTALL | re.MULTILINE)
    file.write_text("\n".join([others, "[tool.mutmut]", *lines, ""]))


def mutmut(tree: Path, *words: str) -> str:
    """What mutmut prints in a copy of the tree. Exits with the end of it if mutmut fails."""
    command = [str(Path(sys.executable).with_name("mutmut")), *words]
    done = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        sys.exit(f"mutmut {' '.join(words)} failed:\n{said[-3000:]}")
    return said


def change(shown: str) -> str:
    """A diff in one line: what stood there => what the mutant has."""
    rows = [line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    old, new = (" ".join(row[1:].strip() for row in rows if row[0] == sign) for sign in "-+")
    return f"{old} => {new}"


def reason(module: str, function: str, changed: str) -> str:
    """Why a survivor is no gap in the tests, or an empty text."""
    for where, pattern, why in REASONS.get(module, ()):
        if where == function and re.search(pattern, changed):
            return why
    return ""


def trial(tree: Path, module: str, children: int) -> dict[str, object]:
    """Try every mutant of one module; the counts, and the survivors with their reasons."""
    configured(tree, module)
    shutil.rmtree(tree / "mutants", ignore_errors=True)
    start = time.monotonic()
    mutmut(tree, "run", "--max-children", str(children))
    seconds = time.monotonic() - start
    rows = re.findall(r"^\s+(pawl\.\S+): (.+)$", mutmut(tree, "results", "--all", "true"), re.MULTILINE)
    counts, looped, survivors = Counter(status for _, status in rows), [], []
    for name, status in rows:
        if status == "killed":
            continue
        function = re.sub(r"^x_?|__mutmut_\d+$", "", name.rpartition(".")[2]).strip("ǁ").replace("ǁ", ".")
        changed = change(mutmut(tree, "show", name))
        if status == "timeout":
            looped.append({"in": function, "change": changed})
            continue
        why = reason(module, function, changed)
        survivors.append({"in": function, "status": status, "change": changed, "why": why or "A GAP"})
    noticed, source = counts["killed"] + counts["timeout"], (tree / "src" / "pawl" / f"{module}.py").read_bytes()
    return {
        "mutants": len(rows), "killed": counts["killed"], "timeout": counts["timeout"], "survived": len(survivors),
        "score_percent": round(100 * noticed / len(rows), 1), "gaps": sum(s["why"] == "A GAP" for s in survivors),
        "seconds": round(seconds), "tests": " ".join(TRIALS[module]), "sha256": hashlib.sha256(source).hexdigest(),
        "date": datetime.now(UTC).isoformat(timespec="minutes"), "survivors": survivors, "looped": looped,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(TRIALS), help="only these; the others' figures stay")
    parser.add_argument("--max-children", type=int, default=2)
    options = parser.parse_args()
    if unknown := set(options.modules) - TRIALS.keys():
        parser.error(f"no such module: {', '.join(sorted(unknown))} ({', '.join(TRIALS)})")
    before, file = machine(), RESULTS / "mutation.json"
    found = json.loads(file.read_text())["figures"]["modules"] if file.exists() else {}
    with tempfile.TemporaryDirectory(prefix="pawl-mutation-") as name:
        tree = Path(name) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT), symlinks=True)
        for module in options.modules:
            found[module] = trial(tree, module, options.max_children)
            mine = found[module]
            print(module, {key: value for key, value in mine.items() if key not in ("survivors", "looped")}, flush=True)
    modules = {module: found[module] for module in TRIALS if module in found}
    total, noticed = (
        sum(sum(part[key] for key in keys) for part in modules.values())
        for keys in (("mutants",), ("killed", "timeout"))
    )
    figures = {
        "score_percent": round(100 * noticed / total, 1), "mutants": total, "aim": f"above {AIM:.0f} % in each module",
        "reached": all(part["score_percent"] > AIM for part in modules.values()),
        "gaps": sum(part["gaps"] for part in modules.values()), "modules": modules,
    }  # fmt: skip
    write("mutation", figures, before, "one run; noticed = killed or timed out")


if __name__ == "__main__":
    main()
