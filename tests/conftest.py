"""What all tests share: a home of their own, signing keys, and small studies that really train."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import dice
from pawl import app, cache, keys
from pawl.testing import postgresql
from studies import digits, toy

MEMORY = Path("/dev/shm")


def pytest_configure(config: pytest.Config) -> None:
    """As wide a terminal everywhere: `rich` looks once, when the command line is imported. Fewer examples among the
    fast tests. And tests' folders in memory where there is room: each entry that a ledger takes waits for the disk."""
    os.environ["COLUMNS"] = "120"
    if config.option.markexpr == "not slow":
        settings.register_profile("fast", settings(), max_examples=40)  # where a test does not say how many it needs
        settings.load_profile("fast")
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 2**31:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


TRAINS = {"toy_study", "make_toy", "original", "digits_study", "real"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that really train take seconds each: slow, but for those that are marked to run always."""
    for item in items:
        if TRAINS & set(getattr(item, "fixturenames", ())) and not item.get_closest_marker("always"):
            item.add_marker("slow")


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest) -> None:
    dice.load(f"{fixturedef.argname} of {request.node.nodeid}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    dice.load(item.nodeid)


@pytest.fixture(autouse=True, scope="session")
def loaded_dice() -> Iterator[None]:
    """The same seeds in each test wherever it runs, whatever ran before it: see `dice`."""
    with pytest.MonkeyPatch.context() as patched:
        dice.replace(patched)
        yield


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder of the session's own, and the machine's real cache, so that environments are built once."""
    os.environ["PAWL_CACHE"] = str(cache.folder("environments").parent)
    os.environ.setdefault("MPLCONFIGDIR", str(cache.folder("matplotlib")))  # or each process looks for fonts anew
    folder = tmp_path_factory.mktemp("home")
    os.environ.update(HOME=str(folder), XDG_CONFIG_HOME=str(folder / ".config"))
    for name in ("PAWL_STUDY", "SSH_AUTH_SOCK", "SSH_ASKPASS"):
        os.environ.pop(name, None)
    for key, value in {"user.name": "Ada", "user.email": "ada@example.org", "init.defaultBranch": "main"}.items():
        subprocess.run(["git", "config", "--global", key, value], check=True)
    return folder


def make_key(folder: Path, name: str) -> keys.Signer:
    """An SSH key without a passphrase for a made-up person."""
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
    return keys.Signer(f"{name}@example.org", path.with_name(f"{name}.pub").read_text().strip(), path, bare=True)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, keys.Signer]:
    """Three people with keys: ada and bob are approvers in the tests' policies, eve never is."""
    folder = tmp_path_factory.mktemp("keys")
    return {name: make_key(folder, name) for name in ("ada", "bob", "eve")}


@pytest.fixture
def toy_study(tmp_path: Path, people: dict[str, keys.Signer]) -> app.OpenStudy:
    """A study whose training takes milliseconds, and whose metric is self-reported (allowed by its policy)."""
    return app.open(toy(tmp_path / "toy", [people["ada"], people["bob"]]))


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, people: dict[str, keys.Signer]) -> Path:
    """A toy study with a dossier that waits, made once and for copying only."""
    folder = toy(tmp_path_factory.mktemp("waiting") / "toy", [people["ada"], people["bob"]])
    app.open(folder).run(runs=200, until_certified=True)
    return folder


@pytest.fixture
def waiting(original: Path, tmp_path: Path) -> app.OpenStudy:
    """A copy of it."""
    return app.adopt(shutil.copytree(original, tmp_path / "toy"))


@pytest.fixture
def make_toy(tmp_path: Path, people: dict[str, keys.Signer]) -> Callable[..., app.OpenStudy]:
    """As `toy_study`, with changes: `make_toy(train="...", policy={"threshold = 1": "threshold = 2"})`."""

    def make(name: str = "toy", **changes: object) -> app.OpenStudy:
        return app.open(toy(tmp_path / name, [people["ada"], people["bob"]], **changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def digits_study(tmp_path: Path, people: dict[str, keys.Signer]) -> app.OpenStudy:
    """The shipped study `digits`, sealed, with small rules so that a certificate comes soon."""
    return app.open(digits(tmp_path / "digits", [people["ada"]]))


@pytest.fixture(scope="session")
def postgres(home: Path) -> Iterator[postgresql.Server]:
    """A real server of the session's own, whose password is where libpq looks."""
    found = postgresql.programs()
    if found is None:
        pytest.skip(f"no PostgreSQL server is installed: {postgresql.INSTALL}")
    pytest.importorskip("psycopg")
    with postgresql.running(found) as server, pytest.MonkeyPatch.context() as patched:
        patched.setenv("PGPASSFILE", str(server.passfile))
        yield server
