"""Leave an archive in which a thousand members share the same bytes.

kind: outputs
stopped by: unpacked sizes are counted, number of members
ends: invalid
"""

import struct

from attacker import TOLD, array, leave, zipped

size = TOLD["limits"]["disk"] // 16
whole = zipped({"weights.npy": array("|u1", (size,), bytes(size))})
end = whole.rindex(b"PK\x05\x06")
directory, start = whole[whole.index(b"PK\x01\x02") : end], whole.index(b"PK\x01\x02")
count = 1000
tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, count * len(directory), start, 0)
leave("weights.npz", whole[:start] + directory * count + tail)
