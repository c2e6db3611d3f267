"""Each attack without its wall: it does get out, or else that it was stopped would mean nothing.

Attacks on the host run as plain processes, among harmless canaries. What comes out of a run is given to a reader who
takes it as it is. Bombs, and what would change the host, are never run without a sandbox; each says why.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from arena import controls

from pawl import redteam
from pawl.attacks import bench
from pawl.attacks.canaries import plant
from pawl.attacks.catalogue import SHARED, Attack, attacks, chosen, shared
from pawl.attacks.reviewed import FORGERY, LONGEST
from pawl.sandboxes.unsafe import Unsafe

# True of every plain process that root starts, whatever it does: no evidence of an attack.
ROOTS_OWN = {"it held capabilities", "it ran as root of the host"}
# What is open gets out of the sandbox itself (see test_redteam.py), and needs no other control.
ON_THE_HOST = [a for a in attacks() if a.kind not in ("outputs", "words") and not (a.no_control or a.would_stop)]
OUTPUTS = [a for a in attacks() if a.kind == "outputs" and not a.no_control]
FAST = {"sealed-set", "tcp", "signal-host", "zip-bomb", "pickle-in-weights", "forged-lines"}
MIB4 = bench.LIMITS.disk


def parameters(found: list[Attack]) -> list[object]:
    return [pytest.param(a, id=a.name, marks=[] if a.name in FAST else [pytest.mark.slow]) for a in found]


def test_what_has_no_control_says_why() -> None:
    for attack in attacks():
        assert not attack.no_control or len(attack.no_control) > 8, attack.name
    assert len([attack for attack in attacks() if not attack.no_control]) > 60


# What can be seen from outside must be. These make system calls that leave no trace, and their word has to do.
LEAVES_NO_TRACE = {
    "become-root", "bpf", "clock", "interpreter", "keyctl", "other-namespaces", "privileged-calls", "setuid-program",
    "vsock",
}  # fmt: skip


TRIES = 3
"""A control shows that an attack can get out: once is enough, and on a busy machine a race may be lost."""


@pytest.mark.parametrize("attack", parameters(ON_THE_HOST))
def test_without_a_sandbox_it_gets_out(attack: Attack) -> None:
    if attack.control_needs_root and os.geteuid() != 0:
        pytest.skip("only root can do this without a sandbox")
    for _ in range(TRIES):
        attempt = redteam.attempt(Unsafe(accepted=True), attack, confined=False)
        seen = set(attempt.signs) - ROOTS_OWN
        evidence = (seen | set(attempt.claims)) if attack.name in LEAVES_NO_TRACE else seen
        if evidence and not attempt.stopped:
            return
    pytest.fail(f"it did not get out: {attempt}")


# -- what comes out, read by somebody who trusts it -----------------------------------------------------------------


def loads_pickles(files: Mapping[str, bytes], canary: Path) -> bool:
    """Load everything as careless programs do. The pickle writes to the canary, and does nothing else."""
    managed = []
    for name, content in files.items():
        canary.write_text("untouched")
        if name.endswith(".npz"):
            _ = np.load(BytesIO(content), allow_pickle=True)["weights"]
        elif content.startswith(b"\x93NUMPY"):
            np.load(BytesIO(content), allow_pickle=True)
        else:
            pickle.loads(content)
        managed.append(canary.read_text() == "a pickle was loaded")
    return len(managed) > 0 and all(managed)


def unpacked(content: bytes) -> int:
    """The bytes that an archive would fill, by what it says of itself."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return sum(member.file_size for member in archive.infolist())


def inflated(content: bytes) -> int:
    """The bytes that the first member really becomes, whatever the archive says."""
    start = 30 + int.from_bytes(content[26:28], "little") + int.from_bytes(content[28:30], "little")
    return len(zlib.decompressobj(-15).decompress(content[start:]))


def wanted(content: bytes) -> int:
    """The bytes that an array's header asks for."""
    shape = np.lib.format.read_array_header_1_0(BytesIO(content[8:]))[0]
    return 8 * int(np.prod([max(n, 1) for n in shape], dtype=object))


def falls_over(content: bytes) -> bool:
    try:
        return bool(np.isinf(json.loads(content)["gain"]))
    except (RecursionError, ValueError):
        return True


NAIVE: dict[str, Callable[[Mapping[str, bytes], Path], bool]] = {
    "pickle-in-weights": loads_pickles,
    "pickle-by-name": loads_pickles,
    "zip-bomb": lambda files, _: unpacked(files["weights.npz"]) > 10 * MIB4,
    "overlapping-zip": lambda files, _: unpacked(files["weights.npz"]) > 10 * MIB4 > 100 * len(files["weights.npz"]),
    "lying-zip": lambda files, _: inflated(files["weights.npz"]) > 10 * MIB4 > unpacked(files["weights.npz"]),
    "array-header": lambda files, _: all(wanted(content) > 2**40 for content in files.values()),
    "tensor-header": lambda files, _: int.from_bytes(files["weights.safetensors"][:8], "little") > 2**60,
    "deep-json": lambda files, _: all(falls_over(content) for content in files.values()),
    "poisoned-numbers": lambda files, _: bool(np.isnan(np.load(BytesIO(files["weights.npy"])).mean())),
    "hostile-names": lambda files, _: bool(controls("".join(files).replace("\n", "\x0b"))),
    "hard-link": lambda files, _: b"canary-" in files["0.txt"],
}


@pytest.mark.parametrize("attack", parameters([a for a in OUTPUTS if a.name != "link-to-a-secret"]))
def test_a_careless_reader_falls_for_its_files(attack: Attack) -> None:
    with plant() as canaries, bench.bench(Unsafe(accepted=True)) as place:
        (run,) = place.run(attack, canaries, (str(canaries.folder),))
        files = {file.name: place.artifacts.get(file.digest) for file in run.artifacts}
        assert files
        assert NAIVE[attack.name](files, canaries.folder / "host.txt")


def test_a_careless_collector_follows_links_to_the_sealed_set(tmp_path: Path) -> None:
    attack, out = chosen(["link-to-a-secret"])[0], tmp_path / "out"
    out.mkdir()
    with plant() as canaries:
        (tmp_path / "train.py").write_text(attack.source)
        (tmp_path / SHARED).write_text(shared())
        (tmp_path / "told.json").write_text(json.dumps(canaries.told() | {"roots": []}))
        told = {"PAWL_OUT": str(out), "PAWL_SEED": "1"}
        subprocess.run([sys.executable, "train.py"], cwd=tmp_path, env=told, check=True, capture_output=True)
        assert canaries.tokens["sealed set"] in (out / "model.txt").read_text()


WORDS: dict[str, Callable[[str], bool]] = {
    "terminal-escapes": lambda log: {"\x1b", "\x07", "\x9b", "\x00", "\x08"} <= set(controls(log)),
    "hidden-letters": lambda log: {"\u202e", "\u2066", "\u200b", "\ufeff", "\u2028"} <= set(log),
    "forged-lines": lambda log: FORGERY in log.splitlines(),
    "html": lambda log: "<script>" in log and "<img" in log,
    "buried-statement": lambda log: len(log) > 2 * LONGEST,
}


@pytest.mark.parametrize("attack", parameters([a for a in attacks() if a.name in WORDS]))
def test_the_words_are_as_evil_as_they_are_said_to_be(attack: Attack) -> None:
    with plant() as canaries, bench.bench(Unsafe(accepted=True)) as place:
        (run,) = place.run(attack, canaries, ())
        assert WORDS[attack.name](place.artifacts.get(run.log).decode())


def test_every_attack_of_words_or_outputs_has_its_careless_reader() -> None:
    assert {a.name for a in OUTPUTS} == NAIVE.keys() | {"link-to-a-secret"}
    assert {a.name for a in attacks() if a.kind == "words" and not a.would_stop} == WORDS.keys()
