"""A variant's environment is not Pawl's: its own interpreter, its own locked packages, and nothing else.

Built once per content of the requirement files and kept in the cache; the digest of what is really installed
stands in the record of every run.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pawl import cache
from pawl.config import EnvironmentTable
from pawl.envelope import sha256
from pawl.errors import ConfigError
from pawl.protocols import Environment, Mount

ASK = """
import json, os, sys, sysconfig
print(json.dumps({
    "version": sys.version, "prefix": sys.prefix, "base": sys.base_prefix, "binary": os.path.realpath(sys.executable),
    "stdlib": sysconfig.get_path("stdlib"), "site": sysconfig.get_path("purelib"),
    "multiarch": sysconfig.get_config_var("MULTIARCH") or "",
    "path": os.pathsep.join(sys.path), "modules": " ".join(sys.stdlib_module_names)}))
"""
READY = "pawl-ready"
BINARY = (".so", ".pyd")


def build(study: Path, table: EnvironmentTable) -> Environment:
    """The study's environment, made if it is not in the cache. Raises ConfigError with pip's own words."""
    base = interpreter(study, table.python)
    python = _install(study, table, base) if table.requirements else base
    facts = _ask(python)
    extra = tuple(Mount(Path(path).expanduser(), str(Path(path).expanduser())) for path in table.mounts)
    for mount in extra:
        if not mount.source.exists():
            raise ConfigError(f"environment.mounts names {mount.source}, which does not exist", "correct pawl.toml")
    mounts, masks = (*_mounts(python, facts), *extra), _masks(facts)
    return Environment(str(python), mounts, masks, _digest(python, facts), _modules(facts, mounts, masks))


def interpreter(study: Path, wanted: str) -> Path:
    """The interpreter that a study names, else the first that sandboxes can read. Raises ConfigError."""
    if wanted:
        found = shutil.which(str(study / wanted) if "/" in wanted else wanted)
        candidates = [found] if found else []
    else:
        candidates = [getattr(sys, "_base_executable", sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"]
    for candidate in candidates:
        path = Path(candidate).absolute()
        if path.exists() and cache.readable(path):
            return path if wanted else path.resolve()
    raise ConfigError(
        f"no Python interpreter that a sandbox can read ({', '.join(candidates) or wanted}): the user that "
        "sandboxes start from may not enter the folders above it",
        "apt install python3",
    )


def _install(study: Path, table: EnvironmentTable, base: Path) -> Path:
    """A virtual environment for these requirement files, built under a lock and marked when it is complete."""
    wanted = [study / table.requirements] + ([study / table.constraints] if table.constraints else [])
    key = sha256(b"\0".join([str(base).encode(), _ask(base)["version"].encode(), *(p.read_bytes() for p in wanted)]))
    home = cache.folder("environments") / key[:24]
    python = home / "bin" / "python"
    with _locked(home.with_suffix(".lock")):
        if (home / READY).exists():
            return python
        shutil.rmtree(home, ignore_errors=True)
        _run([str(base), "-m", "venv", "--without-pip", "--symlinks", str(home)], f"a virtual environment with {base}")
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
        command += ["--disable-pip-version-check", "-r", str(wanted[0])]
        command += ["-c", str(wanted[1])] if table.constraints else []
        _run(command, f"the packages in {table.requirements}")
        (home / READY).write_text("complete\n")
    return python


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, umask=0o022, check=False)
    if done.returncode:
        tail = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise ConfigError(f"{what} could not be installed: {tail}", " ".join(command))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _ask(python: Path) -> dict[str, str]:
    done = subprocess.run([str(python), "-I", "-c", ASK], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(
            f"{python} is not a working Python: {done.stderr.strip()[-200:]}", "correct environment.python"
        )
    facts: dict[str, str] = json.loads(done.stdout)
    return facts


def _mounts(python: Path, facts: dict[str, str]) -> tuple[Mount, ...]:
    """The least that this interpreter needs: itself, its standard library, the shared libraries, its packages."""
    paths = [facts["binary"], facts["stdlib"], "/etc/ld.so.cache", "/lib64", "/usr/lib64"]
    paths += [f"{root}/{facts['multiarch']}" if facts["multiarch"] else root for root in ("/usr/lib", "/lib")]
    if facts["base"] not in ("/usr", "/usr/local"):
        paths.append(facts["base"])
    if facts["prefix"] != facts["base"]:
        paths.append(facts["prefix"])
    kept = [path for path in dict.fromkeys(paths) if os.path.exists(path)]
    return tuple(Mount(Path(path), path) for path in kept)


def _masks(facts: dict[str, str]) -> tuple[str, ...]:
    """What lies in the mounted folders and is not the study's: the base interpreter's own packages."""
    if facts["prefix"] == facts["base"]:
        return ()
    site = Path(facts["stdlib"]) / "site-packages"
    return (str(site),) if site.is_dir() else ()


def _modules(facts: dict[str, str], mounts: Sequence[Mount], masks: Sequence[str]) -> frozenset[str]:
    """What this interpreter can import where it sees these mounts only: its library, and packages in its path."""
    shown, found = [mount.target for mount in mounts], frozenset(facts["modules"].split())
    for name in facts["path"].split(os.pathsep):
        folder = Path(name)
        if any(map(folder.is_relative_to, shown)) and not any(map(folder.is_relative_to, masks)):
            found |= installed(folder)
    return found


def _digest(python: Path, facts: dict[str, str]) -> str:
    """sha256 over the interpreter's version and bytes and the record of every installed distribution."""
    digest = hashlib.sha256(facts["version"].encode())
    digest.update(hashlib.sha256(Path(facts["binary"]).read_bytes()).digest())
    for record in sorted(Path(facts["site"]).glob("*.dist-info/RECORD")):
        digest.update(record.parent.name.encode() + b"\0" + record.read_bytes())
    return digest.hexdigest()


def installed(folder: Path) -> frozenset[str]:
    """The top-level modules in a folder of a Python's search path, by the names of what lies in it."""
    if not folder.is_dir():
        return frozenset()
    shown = [entry for entry in folder.iterdir() if entry.suffix in (".py", *BINARY) or entry.is_dir()]
    names = (entry.name if entry.is_dir() else entry.name.partition(".")[0] for entry in shown)
    return frozenset(filter(str.isidentifier, names))
