"""Keys: a person's, from git's configuration or made here, whose private half Pawl never reads; and this machine's
own, which signs checkpoints and stands for no person's consent."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pawl.errors import ConfigError, NotAuthorized


@dataclass(frozen=True, slots=True)
class Signer:
    """A person: name (an e-mail address), public key line, the file to sign with, and whether it has no passphrase."""

    name: str
    public: str
    key: Path
    bare: bool


def own_key() -> Path:
    """Where Pawl puts a key that it made: outside of any study, under $XDG_CONFIG_HOME or ~/.config."""
    return folder() / "signing_key"


def folder() -> Path:
    """Where Pawl's own keys lie: outside of any study."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pawl"


def log_key(name: str = "log_key") -> Ed25519PrivateKey:
    """This machine's key for checkpoints (`witness_key`: for witnessing others'), made at first use.

    Raises NotAuthorized if what is there is no such key."""
    path = folder() / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=path.parent) as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process was faster: its key is the key
                os.link(file.name, path)
    try:
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except ValueError as error:
        raise NotAuthorized(f"{path} does not hold an Ed25519 key", f"restore it, or: mv {path} {path}.bad") from error


def name(folder: Path) -> str:
    """Who is at the keyboard, as git knows them."""
    found = _git(folder, "user.email") or f"{getpass.getuser()}@{socket.gethostname()}"
    return re.sub(r"[\s,*?!]", "-", found)


def find(folder: Path) -> Signer | None:
    """The signer that git is configured with (gpg.format = ssh), else one that Pawl made before, else None."""
    configured = _git(folder, "user.signingkey") if _git(folder, "gpg.format") == "ssh" else ""
    if configured.startswith(("ssh-", "key::")):
        return Signer(name(folder), configured.removeprefix("key::"), Path(), bare=False)
    for key in [Path(configured).expanduser()] if configured else []:
        public = key if key.suffix == ".pub" else key.with_name(key.name + ".pub")
        if public.is_file():
            return Signer(name(folder), public.read_text().strip(), key, bare=False)
    public = own_key().with_name("signing_key.pub")
    return Signer(name(folder), public.read_text().strip(), own_key(), bare=False) if public.is_file() else None


def make(folder: Path) -> Signer:
    """A new Ed25519 key; ssh-keygen asks for its passphrase. Without a terminal nobody can be asked, and the key
    is bare: whoever makes it so has to say it. Raises NotAuthorized if no key came of it."""
    path, terminal = own_key(), sys.stdin.isatty() and sys.stderr.isatty()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-f", str(path), "-C", name(folder)]
    try:
        done = subprocess.run(command if terminal else [*command, "-N", ""], check=False)
    except FileNotFoundError as error:
        raise NotAuthorized("ssh-keygen is not installed", "apt install openssh-client") from error
    if done.returncode or not path.exists():
        raise NotAuthorized("no signing key was made", "pawl init --signer")
    return Signer(name(folder), path.with_name("signing_key.pub").read_text().strip(), path, bare=not terminal)


def _git(folder: Path, key: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), "config", key], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def must_be_keys(content: bytes) -> None:
    """Raises ConfigError unless ssh-keygen reads this as public keys or as a key revocation list."""
    with tempfile.TemporaryDirectory(prefix="pawl-keys-") as name:
        file = Path(name) / "keys"
        file.write_bytes(content)
        krl = content.startswith(b"SSHKRL\n\0")
        command = ["ssh-keygen", "-Q", "-l", "-f", str(file)] if krl else ["ssh-keygen", "-l", "-f", str(file)]
        done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or b"PRIVATE KEY" in content:
        raise ConfigError("this is neither public keys nor a revocation list", "pawl revoke KEY.pub --reason '...'")
