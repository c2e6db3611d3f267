"""The shape of the house: the line that `sheet.py` prints for src/pawl. The tool lies outside of the project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from common import machine, write

ROOT = Path(__file__).parent.parent
TOOL = ROOT.parent / "shared" / "tools" / "sheet.py"


def main() -> int:
    if not TOOL.exists():
        print(f"{TOOL} is not here: nothing measured", file=sys.stderr)
        return 1
    command = [sys.executable, str(TOOL), "src/pawl:pawl:tests"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    write("sheet", {"columns": lines[0], "line": lines[1]}, machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
