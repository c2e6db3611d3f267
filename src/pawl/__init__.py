"""Pawl lets AI improve AI, one checked step at a time, and keeps the step in human hands.

import pawl

study = pawl.open("my-study")      # a folder with a pawl.toml
study.run(budget="5m")             # what `pawl run` does
study.frame("runs")                # the ledger as a data frame
"""

from importlib import import_module
from typing import TYPE_CHECKING

from pawl.errors import PawlError

if TYPE_CHECKING:
    from pawl.app import OpenStudy, open

__version__ = "0.1.0"
__all__ = ["OpenStudy", "PawlError", "__version__", "open"]


def __getattr__(name: str) -> object:
    """`pawl.open` on first use: a part that imports `pawl.errors` need not load the whole application."""
    if name in ("OpenStudy", "open"):
        return getattr(import_module("pawl.app"), name)
    raise AttributeError(f"module 'pawl' has no attribute {name!r}")
