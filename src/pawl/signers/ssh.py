"""SSH signatures (PROTOCOL.sshsig) by `ssh-keygen -Y`: people already have the keys, agents and hardware for them."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pawl.errors import NotAuthorized
from pawl.protocols import Seal
from pawl.signers.sshsig import look

NAMESPACE = "pawl-decision@v1"
"""A signature made for another purpose (a git commit, a file) is not one of these."""
MADE = re.compile(r'Good "[^"]+" signature for (?P<who>\S+) with \S+ key (?P<key>SHA256:\S+)')


@dataclass(frozen=True)
class SshSigner:
    """`program` is ssh-keygen, which asks for the passphrase itself or goes to the agent."""

    program: str = "ssh-keygen"

    def sign(self, message: bytes, key: Path) -> str:
        if not key.is_file():
            raise NotAuthorized(f"there is no key {key}", "pawl approve N --key PATH")
        with tempfile.TemporaryDirectory(prefix="pawl-sign-") as folder:
            file = Path(folder) / "message"
            file.write_bytes(message)
            done = self._run("-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(file))
            signature = Path(f"{file}.sig")
            if done.returncode or not signature.exists():
                raise NotAuthorized(f"{key} did not sign: {done.stderr.decode(errors='replace').strip()}", "ssh-add -l")
            return signature.read_text()

    def verify(
        self, message: bytes, armored: str, approver: str, public_key: str, revoked: Sequence[bytes] = ()
    ) -> Seal:
        with tempfile.TemporaryDirectory(prefix="pawl-verify-") as name:
            folder = Path(name)
            allowed, signature = folder / "allowed_signers", folder / "signature"
            allowed.write_text(f'{approver} namespaces="{NAMESPACE}" {public_key}\n')
            signature.write_text(armored)
            command = ["-Y", "verify", "-f", str(allowed), "-I", approver, "-n", NAMESPACE, "-s", str(signature)]
            done = self._run(*command, stdin=message)
            found = MADE.search(done.stdout.decode(errors="replace"))
            if done.returncode or found is None or found["who"] != approver:
                words = (done.stderr or done.stdout).decode(errors="replace").strip()
                raise NotAuthorized(f"this is not {approver}'s signature over these bytes ({words})", "pawl review N")
            for number, content in enumerate(revoked):
                path = folder / f"revoked-{number}"
                path.write_bytes(content)
                if self._run(*command, "-r", str(path), stdin=message).returncode:
                    raise NotAuthorized(f"{approver}'s key {found['key']} is revoked", "pawl log")
        inside = look(armored)
        return Seal(found["key"], inside.kind, inside.present)

    def _run(self, *args: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                [self.program, *args], input=stdin, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"}
            )
        except FileNotFoundError as error:
            raise NotAuthorized(f"{self.program} is not installed", "apt install openssh-client") from error
