"""What is planted on the host for an attack: secrets to read, files to change, listeners to reach, a victim to signal.

All of it lies in scratch, is open to every user of the machine so that only the sandbox's walls stand in between,
holds nothing of value, and is gone afterwards.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pawl import cache
from pawl.attacks.identity import handle, identities
from pawl.attacks.listeners import Listeners, listening
from pawl.attacks.victim import Victim, living

FILES = {
    "sealed set": "study/.pawl/sealed/validation.npz",
    "ledger": "study/.pawl/ledger.sqlite",
    "policy": "study/policy.toml",
    "signing key": "home/.ssh/id_ed25519",
    "credentials": "home/.config/credentials",
    "another run": "other-run/study/train.py",
    "host file": "host.txt",
}
DROPS = ("/tmp", "/var/tmp", "/dev/shm")
"""Folders of the host into which an attack may try to drop a small file of a name that we know."""


@dataclass(frozen=True, slots=True)
class Canaries:
    """`folder` holds the planted files; `tokens` are the secrets by what holds them; `word` is what listeners wait
    for; `mark` stands in the attack's command line; `drop` is the name of the file that it may try to leave."""

    folder: Path
    tokens: Mapping[str, str]
    word: str
    mark: str
    drop: str
    listeners: Listeners
    victim: Victim
    before: Mapping[str, str]
    descriptors: tuple[int, ...]

    def told(self) -> dict[str, object]:
        """What an attack is told: where everything is, and none of the secrets."""
        return {
            "secrets": {name: str(self.folder / path) for name, path in FILES.items()},
            "folder": str(self.folder), "word": self.word, "mark": self.mark, "drop": self.drop,
            "drops": [str(self.folder), *DROPS], "victim": self.victim.pid, "host": os.getpid(),
            "listeners": self.listeners.addresses, "descriptors": list(self.descriptors),
            "handle": handle(self.folder / FILES["host file"]),
        }  # fmt: skip

    def signs(self, said: bytes) -> Iterator[str]:
        """What can be seen from the host that should not have happened; `said` is all that came out of the attack."""
        for name, token in self.tokens.items():
            if token.encode() in said:
                yield f"the secret in the {name} came out"
        for path, digest in _state(self.folder).items():
            if self.before.get(path) != digest:
                yield f"{path} was {'changed' if path in self.before else 'written'} on the host"
        for path in self.before.keys() - _state(self.folder).keys():
            yield f"{path} was removed from the host"
        for folder in DROPS:
            if (Path(folder) / self.drop).exists():
                yield f"a file appeared in the host's {folder}"
        yield from self.listeners.signs(self.word)
        yield from self.victim.signs()


@contextmanager
def plant() -> Iterator[Canaries]:
    """Fresh canaries for one attack, gone afterwards."""
    tokens = {name: f"canary-{secrets.token_hex(12)}" for name in (*FILES, *HELD_IN_PROCESSES)}
    word, drop = f"word-{secrets.token_hex(8)}", f"pawl-redteam-{secrets.token_hex(8)}.txt"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redteam-", dir=cache.private("scratch"))))
        for name, place in FILES.items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(tokens[name] + "\n")
        _open_to_all(folder)
        stack.enter_context(_environment(tokens["environment"]))
        stack.callback(_sweep, drop)
        descriptors = tuple(stack.enter_context(_inherited(folder / p)) for p in ("host.txt", "home"))
        victim = stack.enter_context(living({name: tokens[name] for name in HELD_IN_PROCESSES}))
        listeners = stack.enter_context(listening(folder / "unix.sock"))
        mark = f"redteam-{secrets.token_hex(8)}"
        yield Canaries(folder, tokens | identities(), word, mark, drop, listeners, victim, _state(folder), descriptors)


HELD_IN_PROCESSES = ("environment", "command line", "memory")


@contextmanager
def _environment(token: str) -> Iterator[None]:
    """A secret in the environment of this process."""
    os.environ["PAWL_SECRET_CANARY"] = token
    try:
        yield
    finally:
        os.environ.pop("PAWL_SECRET_CANARY", None)


@contextmanager
def _inherited(path: Path) -> Iterator[int]:
    """A descriptor that a careless launcher would hand on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.set_inheritable(descriptor, True)
        yield descriptor
    finally:
        os.close(descriptor)


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


def _state(folder: Path) -> dict[str, str]:
    """What every file and folder is, by relative path."""
    found = {}
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path.relative_to(folder))] = f"{path.lstat().st_mode:o} {sha256(content).hexdigest()}"
    return found


def _sweep(drop: str) -> None:
    for folder in DROPS:
        (Path(folder) / drop).unlink(missing_ok=True)
