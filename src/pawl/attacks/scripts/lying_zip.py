"""Leave an archive that says that it is small, and is not.

kind: outputs
stopped by: unpacking stops at the size that was told
ends: invalid
"""

import struct

from attacker import TOLD, array, leave, zipped

size = 16 * TOLD["limits"]["disk"]
whole = bytearray(zipped({"weights.npy": array("|u1", (size,), bytes(size))}))
for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
    at = whole.index(mark) + place
    whole[at : at + 4] = struct.pack("<L", 64)
leave("weights.npz", bytes(whole))
