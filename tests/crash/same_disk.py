"""What Pawl keeps outside of a study, on the disk that the crash tests simulate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def outside(folder: Path) -> Iterator[None]:
    """While this is open, what Pawl keeps outside of the study in `folder` lies on the same disk, beside git's files:
    a power cut strikes both."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(folder / ".git" / "outside"))
        yield
