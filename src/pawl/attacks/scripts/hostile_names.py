"""Leave files whose names move a cursor, add lines, or read backwards.

kind: outputs
stopped by: plain names only
ends: invalid
"""

from attacker import OUT, tried

for name in ("a\nb.txt", "\x1b[2J.txt", "a\u202etxt.npz", "\u200b.txt"):
    (OUT / name).write_text("x")
tried("left hostile names")
