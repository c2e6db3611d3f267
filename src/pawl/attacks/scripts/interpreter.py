"""Poison the interpreter or its packages, so that every later run is the attacker's.

kind: escape
stopped by: read-only mounts
control: root
"""

import os
import sys
import sysconfig

from attacker import attempt, open_only

targets = [os.__file__, os.path.realpath(sys.executable), os.path.join(sysconfig.get_path("stdlib"), "site.py")]
with open("/proc/self/maps") as maps:
    libraries = {line.split()[-1] for line in maps if line.rstrip().endswith((".so", ".so.6"))}
for path in (*targets, *sorted(libraries)[:2]):
    attempt(f"open {path} for writing", lambda path=path: open_only(path))
