"""What a signature says of itself, and that nothing else is taken for one."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware import Token
from pawl.errors import NotAuthorized
from pawl.signers.ssh import SshSigner
from pawl.signers.sshsig import BEGIN, END, look

ADA = "ada@example.org"
MESSAGE = b"a request\n"


@pytest.mark.parametrize("touched", [True, False])
def test_a_hardware_key_says_whether_it_was_touched(touched: bool) -> None:
    token = Token()
    armored = token.sign(MESSAGE, touched)
    assert look(armored).present is touched
    assert look(armored).kind == "sk-ssh-ed25519@openssh.com"
    assert look(armored).namespace == "pawl-decision@v1"


def test_ssh_keygen_takes_the_signature_of_a_touched_hardware_key() -> None:
    token = Token()
    seal = SshSigner().verify(MESSAGE, token.sign(MESSAGE), ADA, token.public)
    assert seal.present
    assert seal.kind == "sk-ssh-ed25519@openssh.com"
    with pytest.raises(NotAuthorized):
        SshSigner().verify(MESSAGE + b"x", token.sign(MESSAGE), ADA, token.public)
    with pytest.raises(NotAuthorized):
        SshSigner().verify(MESSAGE, Token().sign(MESSAGE), ADA, token.public)


def test_the_flag_is_under_the_signature() -> None:
    """An untouched signature whose flag somebody set does not verify."""
    token = Token()
    lines = token.sign(MESSAGE, touched=False).strip().split("\n")
    blob = bytearray(base64.b64decode("".join(lines[1:-1])))
    blob[-5] |= 1
    forged = f"{BEGIN}\n{base64.b64encode(bytes(blob)).decode()}\n{END}\n"
    assert look(forged).present
    with pytest.raises(NotAuthorized):
        SshSigner().verify(MESSAGE, forged, ADA, token.public)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_is_cut_or_changed_is_read_or_refused_but_never_a_traceback(data: st.DataObject) -> None:
    text = Token().sign(MESSAGE)
    blob = bytearray(base64.b64decode("".join(text.strip().split("\n")[1:-1])))
    if data.draw(st.booleans()):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    else:
        del blob[data.draw(st.integers(0, len(blob) - 1)) :]
    with contextlib.suppress(NotAuthorized):
        assert look(f"{BEGIN}\n{base64.b64encode(bytes(blob)).decode()}\n{END}\n").flags in range(256)


@pytest.mark.parametrize(
    "text", ["", BEGIN, f"{BEGIN}\n{END}", f"{BEGIN}\n!!!\n{END}", f"{BEGIN}\nAAAA\n{END}", "x" * 999]
)
def test_what_is_no_signature_is_refused(text: str) -> None:
    with pytest.raises(NotAuthorized, match="SSH signature"):
        look(text)
