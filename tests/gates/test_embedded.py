"""Tables and strings hold no more than a person would write."""

from __future__ import annotations

import base64
import hashlib
import math

from reads_sources import ReadsSources, says

from pawl.gates.embedded import Embedded


def judged(code: str, before: str = "", **settings: object) -> tuple[bool, str]:
    return says(Embedded(**settings), code, before)  # type: ignore[arg-type]


NOISE = hashlib.sha512(b"x").digest() + hashlib.sha512(b"y").digest() + hashlib.sha512(b"z").digest()
REFUSED = [
    f"W = {[round(math.sin(n * n), 4) for n in range(120)]}\n",
    f'KEY = "{"".join(str(byte % 10) for byte in NOISE * 2)}{int.from_bytes(NOISE)}"\n',
    f'BLOB = "{base64.b64encode(NOISE).decode()}"\n',
    f"N = {3**900}\nM = {[n**3 % 1009 for n in range(90)]}\n",
    f"FIXED = { {n: n * n % 97 for n in range(90)} }\n",
    f"# {NOISE.hex()}\n",
    f"X = {NOISE!r}\n",
]


PASSED = [
    f"ORDER = {[8 * (n % 8) + n // 8 for n in range(64)]}\n",
    "KERNEL = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]\n",
    'SAID = "a long sentence that says in many plain words what this does, and why, and for whom"\n',
    f"# {'-' * 110}\n",
    "SIZES = (64, 64, 128, 128, 256, 256, 512, 512)\n",
    "EPS = 1e-8\nBETA = 0.9\n",
]


class TestEmbedded(ReadsSources):
    refused = REFUSED
    passed = PASSED

    def make(self) -> Embedded:
        return Embedded()


def test_the_bound_is_a_setting() -> None:
    code = f"ORDER = {[8 * (n % 8) + n // 8 for n in range(64)]}\n"
    assert not judged(code, most=20)[0]


def test_many_numbers_outside_of_tables_are_counted_too() -> None:
    code = "".join(f"x = {n * n * 7919 % 10007 / 10007:.9f}\n" for n in range(200))
    assert "bytes of numbers" in judged(code)[1]
