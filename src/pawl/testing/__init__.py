"""Contract suites for people who write parts: subclass one, say how your part is made, and pytest does the rest.

    from pawl.testing.stores import StoreContract

    class TestMyStore(StoreContract):
        def make(self, tmp_path):
            return MyStore(tmp_path / "ledger")

Each test's docstring states what the part must do. They need pytest, which Pawl itself does not.
"""

import pytest

SUITES = ("chains", "leases", "stores", "gates", "signers", "readers")
pytest.register_assert_rewrite(*(f"pawl.testing.{name}" for name in SUITES))
