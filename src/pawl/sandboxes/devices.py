"""The device files of graphics processors: shown to a task only when its study asks for them."""

from __future__ import annotations

from pathlib import Path

PATTERNS = (
    "nvidia[0-9]*",
    "nvidiactl",
    "nvidia-uvm",
    "nvidia-uvm-tools",
    "nvidia-caps",
    "nvidia-modeset",
    "dri",
    "kfd",
)


def graphics(folder: Path = Path("/dev")) -> tuple[Path, ...]:
    """Those that this machine has: NVIDIA's, /dev/dri and /dev/kfd. None of them on most machines."""
    return tuple(sorted({path for pattern in PATTERNS for path in folder.glob(pattern)}))
