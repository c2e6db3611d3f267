"""Every sandbox that ships keeps the contract."""

from __future__ import annotations

import pytest

from pawl.protocols import Sandbox
from pawl.sandboxes.bubblewrap import Bubblewrap
from pawl.sandboxes.unsafe import Unsafe
from pawl.testing.sandboxes import SandboxContract


class TestBubblewrap(SandboxContract):
    def make(self) -> Sandbox:
        return Bubblewrap()


class TestUnsafe(SandboxContract):
    isolates = False

    def make(self) -> Sandbox:
        return Unsafe(accepted=True)


@pytest.mark.parametrize("contract", [SandboxContract])
def test_the_contract_itself_has_no_sandbox(contract: type[SandboxContract]) -> None:
    with pytest.raises(NotImplementedError):
        contract().make()
