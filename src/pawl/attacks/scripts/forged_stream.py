"""Hand out a stream that never ends, overlaps or lies about its sizes.

kind: outputs
stopped by: sizes and framing are checked outside
ends: invalid, crashed
control: no, without a sandbox it would write into Pawl's own pipes
"""

import sys

from attacker import forge, member

if not forge(b"file 99999999999999999999 1\na", b"file -1 1\na", member("a.txt"), member("a.txt"), b"\0" * 200):
    sys.exit("nothing can be forged here")
